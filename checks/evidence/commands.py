"""Commands and actions in CI workflows that build, deploy or roll back, with their places.

Used by the deployment check. GitHub Actions and GitLab CI are read by their structure (steps of
jobs that can run); other systems by every text in their file. A comment or an `echo` of a command
is no command.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from checks.evidence.repository import FileError
from checks.report import Evidence, Location, State
from checks.yaml_nodes import Node, YamlError, read

if TYPE_CHECKING:
    from collections.abc import Iterator

    from checks.evidence.repository import Repository

MAX_FILES = 200
WORKFLOWS = (
    ".github/workflows/*.yml",
    ".github/workflows/*.yaml",
    ".gitlab-ci.yml",
    ".circleci/config.yml",
    "azure-pipelines.yml",
    "bitbucket-pipelines.yml",
    "cloudbuild.yaml",
    ".drone.yml",
    ".buildkite/pipeline.yml",
    "Jenkinsfile",
)
BUILD = re.compile(
    r"\b(?:docker|podman|nerdctl)\s+(?:buildx\s+|image\s+|compose\s+)?build\b"
    r"|\bbuildah\s+(?:bud|build)\b"
    r"|docker/(?:build-push-action|bake-action)@|kaniko|\bko\s+(?:build|apply)\b|\bpack\s+build\b"
    r"|\bgcloud\s+builds\s+submit\b|\baz\s+acr\s+build\b|\bbentoml\s+containerize\b"
)
DEPLOY = re.compile(
    r"\bkubectl\b[^|;&]{0,200}?\s(?:apply|replace|patch|set\s+image|rollout\s+restart)\b"
    r"|\bhelm\s+(?:upgrade|install)\b|\bhelmfile\s+(?:apply|sync)\b"
    r"|\bargocd\s+app\s+(?:sync|set)\b|\bflux\s+reconcile\b"
    r"|azure/(?:k8s-deploy|webapps-deploy)@|deploy-cloudrun@|deploy-gke@"
    r"|amazon-ecs-deploy-task-definition@|\bgcloud\s+(?:run|ai\s+endpoints)\s+deploy\b"
    r"|\baws\s+(?:ecs\s+update-service|sagemaker\s+update-endpoint)\b"
    r"|\b(?:terraform|tofu)\s+apply\b|\bskaffold\s+(?:run|deploy)\b"
    r"|\bfly(?:ctl)?\s+deploy\b|\bholdpoint\s+deploy\b"
)
ROLL_BACK = re.compile(
    r"\bkubectl\b[^|;&]{0,200}?\srollout\s+undo\b|\bhelm\s+rollback\b"
    r"|\bhelm\s+upgrade\b.{0,500}--(?:atomic|rollback-on-failure)\b"
    r"|\bkubectl\s+argo\s+rollouts\s+(?:undo|abort)\b|\bargocd\s+app\s+rollback\b"
    r"|\bholdpoint\s+(?:rollout\s+)?(?:rollback|abort)\b|/deploy\s+rollback\b"
)
_NO_COMMAND = re.compile(r"\s*(?:-\s+)?(?:#|echo\b|printf\b)")
_PINNED_TAG = re.compile(
    r":\$\{\{\s*github\.(?:sha|ref_name|event\.release\.tag_name)\s*\}\}"
    r"|:\$\{?(?:CI_COMMIT_\w+|GITHUB_SHA|BUILD_SOURCEVERSION|SHORT_SHA|COMMIT_SHA|CIRCLE_SHA1)\}?"
)


@dataclass(frozen=True)
class Commands:
    """Where something is built, deployed, rolled back, or an image is named by its version."""

    build: tuple[Location, ...] = ()
    deploy: tuple[Location, ...] = ()
    roll_back: tuple[Location, ...] = ()
    pinned_image: tuple[Location, ...] = ()
    workflows: tuple[Location, ...] = ()
    unreadable: tuple[Evidence, ...] = ()


def collect(repository: Repository) -> Commands:
    """Looks through every CI workflow of the repository."""
    lines: list[tuple[str, int, str]] = []
    workflows, unreadable = [], []
    for file in list(repository.matching(*WORKFLOWS))[:MAX_FILES]:
        try:
            lines += [(file.path, *found) for found in lines_of(file.path, repository)]
            workflows.append(Location(file.path, 1))
        except (FileError, YamlError) as error:
            line = error.line if isinstance(error, YamlError) else None
            where = Location(file.path, line)
            why = f"{file.path}: {error}"
            unreadable.append(Evidence("workflow", State.UNREADABLE, why, where))
    return Commands(
        build=_matching(BUILD, lines),
        deploy=_matching(DEPLOY, lines),
        roll_back=_matching(ROLL_BACK, lines),
        pinned_image=_matching(_PINNED_TAG, lines),
        workflows=tuple(workflows),
        unreadable=tuple(unreadable),
    )


def _matching(pattern: re.Pattern[str], lines: list[tuple[str, int, str]]) -> tuple[Location, ...]:
    return tuple(Location(path, line) for path, line, text in lines if pattern.search(text[:2000]))


def lines_of(path: str, repository: Repository) -> list[tuple[int, str]]:
    """Every command of one CI file with its line. Raises FileError and YamlError."""
    text = repository.read_text(path)
    if path.endswith("Jenkinsfile"):
        found = enumerate(text.splitlines(), start=1)
        return [(n, line) for n, line in found if not re.match(r"\s*(?://|\*)", line)]
    documents = read(text.encode())
    if path.startswith(".github/"):
        nodes = [node for document in documents for node in github_steps(document)]
    else:
        nodes = [n for document in documents for n in document.walk() if isinstance(n.scalar, str)]
    lines = [each for node in nodes for each in node.text_lines()]
    return [(number, line) for number, line in lines if not _NO_COMMAND.match(line)]


def github_steps(document: Node) -> Iterator[Node]:
    """What the steps of a workflow's jobs run, use and are given; jobs that never run left out."""
    if document.get("on") is None:
        return
    for _, job in (document.get("jobs") or Node(1)).items():
        if _never_runs(job):
            continue
        if (called := job.get("uses")) is not None:
            yield called
        for step in (job.get("steps") or Node(1)).elements():
            if not _never_runs(step):
                yield from _step(step)


def _step(step: Node) -> Iterator[Node]:
    for key in ("run", "uses"):
        node = step.get(key)
        if node is not None and isinstance(node.scalar, str):
            yield node
    for _, given in (step.get("with") or Node(1)).items():
        if isinstance(given.scalar, str):
            yield given


def _never_runs(node: Node) -> bool:
    condition = (node.string("if") or "").strip().removeprefix("${{").removesuffix("}}").strip()
    return condition.lower() == "false"


def find(repository: Repository, pattern: re.Pattern[str]) -> tuple[Location, ...]:
    """Where some CI workflow that can be read runs or uses something."""
    lines: list[tuple[str, int, str]] = []
    for file in list(repository.matching(*WORKFLOWS))[:MAX_FILES]:
        try:
            lines += [(file.path, *found) for found in lines_of(file.path, repository)]
        except (FileError, YamlError):
            continue
    return _matching(pattern, lines)
