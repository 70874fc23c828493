"""Kubernetes manifests of the repository: what runs, how it is replaced, how it is watched.

Used by the checks that read the tree. Multi-document YAML is read with line numbers and within the
bounds of `checks.yaml_nodes`; a Helm template that nobody rendered is unreadable and said to be.
The kinds that are understood are one table; an unknown kind is kept as an object without a meaning.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from checks.evidence.repository import FileError
from checks.report import Evidence, Location, State
from checks.yaml_nodes import Node, YamlError, read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from checks.evidence.repository import Repository

MAX_FILES = 2_000
MAX_TOTAL = 64 << 20  # bytes of YAML read in all
HELM = "a Helm template that needs helm to be read"
RENDER = "commit what `helm template` makes of the chart, so that it can be judged"
PROBES = ("readiness", "liveness", "startup")
ADVANCED = frozenset({"Canary", "BlueGreen"})
_TEMPLATE = re.compile(r"\{\{.*?\}\}", re.DOTALL)


@dataclass(frozen=True)
class Strategy:
    """How a new version replaces the old one; `stated` is False for Kubernetes' own default."""

    name: str  # Canary, BlueGreen, RollingUpdate, Recreate, ...
    line: int
    stated: bool = True


@dataclass(frozen=True)
class Workload:
    """Something that runs the model, as one object describes it. Lines are by the object's file."""

    kind: str
    name: str
    path: str
    line: int
    strategy: Strategy | None = None
    images: tuple[tuple[str, int], ...] = ()
    probes: tuple[tuple[str, int], ...] = ()
    analysis_line: int | None = None  # takes a bad version back by itself
    model_digest: tuple[str, int] | None = None
    problems: tuple[tuple[str, int], ...] = ()

    @property
    def valid(self) -> bool:
        """Whether the API server could take it, as far as is looked at here."""
        return not self.problems

    def at(self, line: int) -> Location:
        """A place in this object's file."""
        return Location(self.path, line)


@dataclass(frozen=True)
class KubernetesObject:
    """One document with apiVersion, kind and name."""

    path: str
    kind: str
    name: str
    group: str
    node: Node = field(repr=False, compare=False)


@dataclass(frozen=True)
class Manifests:
    """Everything that was found, and what could not be read."""

    objects: tuple[KubernetesObject, ...] = ()
    workloads: tuple[Workload, ...] = ()
    unreadable: tuple[Evidence, ...] = ()

    def names(self, kind: str) -> frozenset[str]:
        """The names of all objects of one kind."""
        return frozenset(each.name for each in self.objects if each.kind == kind)


def collect(repository: Repository) -> Manifests:
    """Reads every YAML file that holds Kubernetes objects."""
    objects: list[KubernetesObject] = []
    unreadable: list[Evidence] = []
    files = [f for f in repository.matching("*.yaml", "*.yml") if _may_hold(f.path)]
    budget = MAX_TOTAL
    for file in files[:MAX_FILES]:
        budget -= file.size
        if budget < 0:
            unreadable.append(_unreadable(file.path, f"more than {MAX_TOTAL >> 20} MiB of YAML"))
            break
        try:
            text = repository.read_text(file.path)
        except FileError as error:
            unreadable.append(_unreadable(file.path, str(error)))
            continue
        if "apiVersion" not in text:
            continue
        if _in_chart(file.path) and _TEMPLATE.search(text):
            unreadable.append(_unreadable(file.path, HELM, fix=RENDER))
            continue
        try:
            objects += _objects(file.path, read(text.encode()))
        except YamlError as error:
            why = "not rendered yet" if _TEMPLATE.search(text) else str(error)
            unreadable.append(_unreadable(file.path, why, error.line))
    workloads = [w for each in objects if (w := workload(each)) is not None]
    return Manifests(tuple(objects), tuple(workloads), tuple(unreadable))


def workload(each: KubernetesObject) -> Workload | None:
    """What an object says about a running model; None for a kind that runs nothing."""
    extract = _KINDS.get((each.group, each.kind))
    return extract(each) if extract else None


def _may_hold(path: str) -> bool:
    return not path.startswith((".github/", ".gitlab", ".circleci/"))


def _in_chart(path: str) -> bool:
    """Whether it lies where Helm keeps templates; asking for Chart.yaml too would let its removal
    turn what needs helm into evidence."""
    return "templates" in path.split("/")[:-1]


def _unreadable(path: str, why: str, line: int | None = None, fix: str | None = None) -> Evidence:
    where = Location(path, line)
    return Evidence("manifest", State.UNREADABLE, f"{path}: {why}", where, fix=fix)


def _objects(path: str, documents: list[Node]) -> Iterator[KubernetesObject]:
    for document in documents:
        listed = document.get("items") if document.string("kind") == "List" else None
        for node in listed.elements() if listed is not None else [document]:
            version, kind = node.string("apiVersion"), node.string("kind")
            name = node.string("metadata", "name") or node.string("metadata", "generateName")
            if version and kind and name:
                group = version.rpartition("/")[0]
                yield KubernetesObject(path, kind, name, group, node)


def _pod(each: KubernetesObject, *path: str) -> Workload:
    """The parts that all kinds with a pod template at `path` share."""
    template = each.node.get(*path)
    containers = [*_elements(template, "containers")]
    problems = []
    if not containers:
        problems.append((f"{each.kind} {each.name} has no containers", each.node.line_of(*path)))
    images, probes = [], []
    for container in containers:
        image = container.get("image")
        if image is not None and image.text:
            images.append((image.text, image.line))
        else:
            problems.append((f"a container of {each.name} names no image", container.line))
        for probe in PROBES:
            found = container.get(f"{probe}Probe")
            if found is not None and found.mapping:
                probes.append((probe, container.line_of(f"{probe}Probe")))
    return Workload(
        each.kind,
        each.name,
        each.path,
        each.node.line_of("kind"),
        images=tuple(images),
        probes=tuple(probes),
        problems=tuple(problems),
    )


def _deployment(each: KubernetesObject) -> Workload:
    base = _pod(each, "spec", "template", "spec")
    node = each.node
    stated = node.string("spec", "strategy", "type") or node.string(
        "spec", "updateStrategy", "type"
    )
    key = "updateStrategy" if each.kind == "StatefulSet" else "strategy"
    line = node.line_of("spec", key, "type")
    strategy = Strategy(stated or "RollingUpdate", line, stated=stated is not None)
    return replace(base, strategy=strategy, problems=base.problems + _selector_problems(each))


def _selector_problems(each: KubernetesObject) -> tuple[tuple[str, int], ...]:
    wanted = dict(_texts(each.node.get("spec", "selector", "matchLabels")))
    labels = dict(_texts(each.node.get("spec", "template", "metadata", "labels")))
    if not wanted:
        line = each.node.line_of("spec", "selector")
        return ((f"{each.kind} {each.name} has no selector.matchLabels", line),)
    if any(labels.get(key) != value for key, value in wanted.items()):
        line = each.node.line_of("spec", "selector", "matchLabels")
        return ((f"the selector of {each.name} does not match its template's labels", line),)
    return ()


def _rollout(each: KubernetesObject) -> Workload:
    referenced = each.node.get("spec", "workloadRef") is not None
    base = _pod(each, "spec", "template", "spec")
    if referenced:
        base = replace(base, problems=())
    names = {"canary": "Canary", "blueGreen": "BlueGreen"}
    for key, name in names.items():
        part = each.node.get("spec", "strategy", key)
        if part is not None:
            line = each.node.line_of("spec", "strategy", key)
            analysis = part.line_of("analysis") if part.get("analysis") else None
            return replace(base, strategy=Strategy(name, line), analysis_line=analysis)
    problem = (f"Rollout {each.name} names no strategy", each.node.line_of("spec", "strategy"))
    return replace(base, problems=(*base.problems, problem))


def _model_deployment(each: KubernetesObject) -> Workload:
    node, problems = each.node, []
    image = node.get("spec", "image")
    if image is None or "@sha256:" not in (image.text or ""):
        line = node.line_of("spec", "image")
        problems.append((f"ModelDeployment {each.name} must name its image by digest", line))
    if not node.string("spec", "model", "name"):
        problems.append((f"ModelDeployment {each.name} names no model", node.line_of("spec")))
    kind = node.string("spec", "strategy", "type")
    strategy = Strategy(kind, node.line_of("spec", "strategy", "type")) if kind else None
    digest = node.get("spec", "model", "digest")
    probes = node.get("spec", "probes")
    return Workload(
        each.kind,
        each.name,
        each.path,
        node.line_of("kind"),
        strategy=strategy,
        images=((image.text, image.line),) if image is not None and image.text else (),
        probes=tuple(
            (probe, node.line_of("spec", "probes", probe))
            for probe in PROBES
            if probes is not None and probes.get(probe) is not None
        ),
        analysis_line=node.line_of("spec", "analysis") if node.get("spec", "analysis") else None,
        model_digest=(digest.text, digest.line) if digest is not None and digest.text else None,
        problems=tuple(problems),
    )


def _inference_service(each: KubernetesObject) -> Workload:
    node = each.node
    percent = node.get("spec", "predictor", "canaryTrafficPercent")
    strategy = Strategy("RollingUpdate", node.line_of("spec", "predictor"), stated=False)
    if percent is not None:
        line = node.line_of("spec", "predictor", "canaryTrafficPercent")
        strategy = Strategy("Canary", line)
    problems: tuple[tuple[str, int], ...] = ()
    if node.get("spec", "predictor") is None:
        problems = ((f"InferenceService {each.name} has no predictor", node.line),)
    # KServe gives its serving containers a readiness probe of its own.
    line = node.line_of("spec", "predictor")
    return Workload(
        each.kind, each.name, each.path, node.line, strategy, (), (("readiness", line),),
        problems=problems,
    )  # fmt: skip


def _flagger(each: KubernetesObject) -> Workload:
    node = each.node
    line = node.line_of("spec", "analysis")
    problems: tuple[tuple[str, int], ...] = ()
    if node.get("spec", "targetRef", "name") is None:
        problems = ((f"Canary {each.name} names no targetRef", node.line_of("spec")),)
    return Workload(
        each.kind, each.name, each.path, node.line_of("kind"), Strategy("Canary", line),
        analysis_line=line, problems=problems,
    )  # fmt: skip


_KINDS: dict[tuple[str, str], Callable[[KubernetesObject], Workload]] = {
    ("apps", "Deployment"): _deployment,
    ("apps", "StatefulSet"): _deployment,
    ("argoproj.io", "Rollout"): _rollout,
    ("holdpoint.dev", "ModelDeployment"): _model_deployment,
    ("serving.kserve.io", "InferenceService"): _inference_service,
    ("flagger.app", "Canary"): _flagger,
}


def _elements(node: Node | None, key: str) -> Iterator[Node]:
    found = node.get(key) if node is not None else None
    if found is not None:
        yield from found.elements()


def _texts(node: Node | None) -> Iterator[tuple[str, str]]:
    if node is not None:
        for key, value in node.items():
            if value.text is not None:
                yield key, value.text
