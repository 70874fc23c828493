"""The readers of Dockerfiles, manifests, workflows, pages and lock files: right, and bounded."""

from __future__ import annotations

import io
import pickle
from typing import TYPE_CHECKING

import joblib
import pytest
from sklearn.linear_model import LogisticRegression

from checks.evidence import commands, dependencies, dockerfiles, documents, manifests, repository

if TYPE_CHECKING:
    from pathlib import Path

    from checks.evidence.manifests import Manifests, Workload
    from checks.evidence.repository import Repository


def tree(root: Path, **files: str) -> Repository:
    """A repository of these files; `__` in a name stands for `/`, `_dot_` for a dot."""
    for name, text in files.items():
        target = root / name.replace("__", "/").replace("_dot_", ".")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    return repository.scan(root)


@pytest.mark.parametrize(
    ("text", "pinned", "root", "line"),
    [
        ("FROM python:3.12-slim\nUSER 1000", True, False, 1),
        ("FROM python\n", False, True, 1),
        ("FROM python:latest\nUSER root", False, True, 1),
        ("FROM python:slim\nUSER app:app", False, False, 1),
        ("# c\n\nARG V=3.12\nFROM python:${V}\nUSER app\nUSER 0:0", True, True, 4),
        ("FROM python:$UNKNOWN\nUSER $USER", False, True, 1),
        ("FROM a:1 AS build\nUSER x\nFROM b:2\nCOPY --from=build / /", True, True, 3),
        ("FROM a:1 AS base\nUSER x\nFROM base", True, False, 1),
        ("FROM --platform=linux/amd64 a@sha256:" + "0" * 64 + "\nUSER 1", True, False, 1),
        ("FROM gcr.io/distroless/python3-debian12:nonroot", False, False, 1),
        ("FROM a:1\nRUN <<EOF\nUSER root\nEOF\nUSER 7", True, False, 1),
        ("FROM a:1\nRUN echo \\\n  USER root\nUSER 7", True, False, 1),
    ],
)
def test_dockerfiles(text: str, pinned: bool, root: bool, line: int) -> None:
    found = dockerfiles.parse(text, "Dockerfile")
    assert found is not None
    assert (found.base_is_pinned, found.runs_as_root, found.base_line) == (pinned, root, line)


def test_a_file_without_from_is_no_dockerfile() -> None:
    assert dockerfiles.parse("USER 1\n\\", "Dockerfile") is None


@pytest.mark.parametrize(
    ("image", "latest", "pinned"),
    [
        ("a", True, False),
        ("a:latest", True, False),
        ("host:5000/a", True, False),
        ("host:5000/a:1.2", False, True),
        ("a:stable", False, False),
        ("a@sha256:" + "a" * 64, False, True),
        ("a:latest@sha256:" + "a" * 64, False, True),
        ("scratch", False, True),
    ],
)
def test_image_references(image: str, latest: bool, pinned: bool) -> None:
    assert dockerfiles.is_latest(image) is latest
    assert dockerfiles.is_pinned(image) is pinned


DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: model}
spec:
  selector: {matchLabels: {app: model}}
  strategy:
    type: RollingUpdate
  template:
    metadata: {labels: {app: model}}
    spec:
      containers:
        - name: model
          image: acme/model:1.2
          readinessProbe:
            httpGet: {path: /readyz, port: 8080}
"""


def one(root: Path, text: str) -> Workload:
    """The only workload of a manifest."""
    found = manifests.collect(tree(root, k8s__x_dot_yaml=text))
    assert found.unreadable == ()
    (workload,) = found.workloads
    return workload


def test_a_deployment(tmp_path: Path) -> None:
    found = one(tmp_path, DEPLOYMENT)
    assert found.valid
    assert found.strategy == manifests.Strategy("RollingUpdate", 7, stated=True)
    assert found.images == (("acme/model:1.2", 13),)
    assert found.probes == (("readiness", 14),)


def test_what_kubernetes_does_by_default_is_not_stated(tmp_path: Path) -> None:
    found = one(tmp_path, DEPLOYMENT.replace("  strategy:\n    type: RollingUpdate\n", ""))
    assert found.strategy is not None
    assert not found.strategy.stated


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        ("{app: model}}\n  strategy", "{app: other}}\n  strategy", "does not match its template"),
        ("matchLabels", "matchLables", "has no selector.matchLabels"),
        ("image:", "imgae:", "names no image"),
        ("containers:", "container:", "has no containers"),
    ],
)
def test_invalid_manifests(tmp_path: Path, before: str, after: str, sentence: str) -> None:
    found = one(tmp_path, DEPLOYMENT.replace(before, after))
    assert not found.valid
    assert sentence in found.problems[0][0]


@pytest.mark.parametrize(
    ("text", "strategy", "line"),
    [
        (
            (
                "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: r}\nspec:\n"
                "  workloadRef: {kind: Deployment, name: d}\n  strategy:\n    blueGreen: {}\n"
            ),
            "BlueGreen",
            7,
        ),
        (
            (
                "apiVersion: flagger.app/v1beta1\nkind: Canary\nmetadata: {name: c}\nspec:\n"
                "  targetRef: {kind: Deployment, name: d}\n  analysis: {interval: 1m}\n"
            ),
            "Canary",
            6,
        ),
        (
            (
                "apiVersion: serving.kserve.io/v1beta1\nkind: InferenceService\n"
                "metadata: {name: i}\nspec:\n  predictor:\n    canaryTrafficPercent: 10\n"
            ),
            "Canary",
            6,
        ),
    ],
)
def test_other_kinds(tmp_path: Path, text: str, strategy: str, line: int) -> None:
    found = one(tmp_path, text)
    assert found.valid
    assert found.strategy is not None
    assert (found.strategy.name, found.strategy.line) == (strategy, line)


def test_several_documents_and_lists(tmp_path: Path) -> None:
    listed = "\n".join("  " + line for line in DEPLOYMENT.splitlines())
    text = (
        f"{DEPLOYMENT}---\napiVersion: v1\nkind: Service\nmetadata: {{name: s}}\n---\n"
        f"apiVersion: v1\nkind: List\nitems:\n- \n{listed}\n"
    )
    found = manifests.collect(tree(tmp_path, k8s__x_dot_yaml=text))
    assert [each.kind for each in found.objects] == ["Deployment", "Service", "Deployment"]
    assert len(found.workloads) == 2


def test_an_unrendered_chart_is_unreadable_and_says_so(tmp_path: Path) -> None:
    template = DEPLOYMENT.replace("model:1.2", "model:{{ .Values.tag }}")
    found = manifests.collect(
        tree(
            tmp_path,
            chart__Chart_dot_yaml="apiVersion: v2\nname: model\nversion: 1.0.0\n",
            chart__templates__deployment_dot_yaml="{{- if .Values.on }}\n" + template,
            chart__templates__plain_dot_yaml=DEPLOYMENT,
        )
    )
    assert len(found.workloads) == 1
    (evidence,) = found.unreadable
    assert evidence.why.endswith("a Helm template that needs helm to be read")
    assert evidence.where is not None
    assert evidence.where.path == "chart/templates/deployment.yaml"


def test_broken_and_hostile_manifests_are_unreadable_not_fatal(tmp_path: Path) -> None:
    found: Manifests = manifests.collect(
        tree(
            tmp_path,
            a_dot_yaml="apiVersion: v1\nkind: [",
            b_dot_yaml="apiVersion: &a [*a]",
            c_dot_yaml="apiVersion: " + "[" * 500,
            d_dot_yaml="apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: [x]}\n",
            e_dot_yaml="apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\nspec: 3\n",
        )
    )
    assert [each.where and each.where.path for each in found.unreadable] == [
        "a.yaml",
        "b.yaml",
        "c.yaml",
    ]
    (workload,) = found.workloads
    assert not workload.valid


WORKFLOW = """\
on: push
jobs:
  build:
    steps:
      - uses: docker/build-push-action@v6
        with: {tags: "acme/x:${{ github.sha }}"}
      - run: |
          # kubectl apply -f k8s
          echo "helm upgrade x"
          kubectl --context prod apply -f k8s
  off:
    if: ${{ false }}
    steps:
      - run: helm rollback x
  on:
    steps:
      - if: false
        run: docker build .
      - run: kubectl rollout undo deployment/x
"""


def test_workflows_count_by_what_they_run(tmp_path: Path) -> None:
    found = commands.collect(tree(tmp_path, _dot_github__workflows__ci_dot_yml=WORKFLOW))
    places = [
        [where.line for where in each]
        for each in (found.build, found.pinned_image, found.deploy, found.roll_back)
    ]
    assert places == [[5], [6], [10], [19]]


def test_other_systems_and_broken_workflows(tmp_path: Path) -> None:
    found = commands.collect(
        tree(
            tmp_path,
            _dot_github__workflows__a_dot_yml="jobs: {x: {steps: [{run: docker build .}]}}",
            _dot_github__workflows__b_dot_yml="on: [",
            Jenkinsfile="// sh 'docker build .'\nsh 'helm upgrade --install x .'\n",
        )
    )
    assert found.build == ()
    assert [where.path for where in found.deploy] == ["Jenkinsfile"]
    assert [each.where and each.where.path for each in found.unreadable] == [
        ".github/workflows/b.yml"
    ]


def test_gitlab(tmp_path: Path) -> None:
    (tmp_path / ".gitlab-ci.yml").write_text(
        "build:\n  script:\n    - docker build -t x:$CI_COMMIT_SHA .\n"
        "deploy:\n  script: [helm upgrade --install x chart --atomic]\n"
    )
    found = commands.collect(repository.scan(tmp_path))
    assert [where.line for where in found.build] == [3]
    assert [where.line for where in found.pinned_image] == [3]
    assert [where.line for where in found.deploy + found.roll_back] == [5, 5]


def test_pages_count_when_they_say_what_to_type() -> None:
    text = (
        "# Model\n## Rolling back\nJust do it.\n## Rollback\n\n    kubectl rollout undo d/x\n"
        "```\n# Rollback in a comment\n```\n"
        "Rollback by hand\n----------------\nRun `helm rollback x 1`.\n"
        "# Log\n2026-02-03: rollback drill, 40 s\n"
    )
    found = list(documents.parse(text, "docs/x.md"))
    assert [section.title for section in found] == [
        "Model",
        "Rolling back",
        "Rollback",
        "Rollback by hand",
        "Log",
    ]
    assert [where.line for where in documents.roll_back_sections(found)] == [4, 10]
    assert [where.line for where in documents.drill_records(found)] == [14]


def test_a_rollback_is_found_under_any_heading() -> None:
    text = "# Run\n`kubectl rollout undo\ndeployment/x` takes it back.\n# Roll out\n`kubectl apply`"
    found = documents.roll_back_sections(list(documents.parse(text, "docs/x.md")))
    assert [where.line for where in found] == [1]


@pytest.mark.parametrize("compress", [0, 3, ("gzip", 3), ("bz2", 3), ("xz", 3), ("lzma", 3)])
def test_the_version_inside_a_joblib_file(compress: int | tuple[str, int]) -> None:
    buffer = io.BytesIO()
    joblib.dump(LogisticRegression().fit([[0.0], [1.0]], [0, 1]), buffer, compress=compress)
    expected = LogisticRegression().__getstate__()["_sklearn_version"]
    assert dependencies.trained_with(buffer.getvalue()) == {"scikit-learn": expected}


@pytest.mark.parametrize("protocol", range(2, 6))
def test_the_version_inside_a_pickle(protocol: int) -> None:
    payload = pickle.dumps(LogisticRegression(), protocol=protocol)
    assert dependencies.trained_with(payload)["scikit-learn"]


@pytest.mark.parametrize("payload", [b"", b"\x78\x9c broken", b"\x1f\x8b", b"BZh9", b"]\x00\x00"])
def test_broken_files_name_no_version(payload: bytes) -> None:
    assert dependencies.trained_with(payload) == {}


def test_pins_with_their_lines(tmp_path: Path) -> None:
    found = dependencies.pins(
        tree(
            tmp_path,
            requirements_dot_txt="# x\nnumpy==2.0\nScikit_Learn[a]==1.5.0 ; python_version > '3'\n",
            poetry_dot_lock='[[package]]\nname = "scikit-learn"\nversion = "1.4.2"\n',
            uv_dot_lock="not toml [",
        ),
        "scikit-learn",
    )
    assert [(pin.version, pin.where.path, pin.where.line) for pin in found] == [
        ("1.4.2", "poetry.lock", 2),
        ("1.5.0", "requirements.txt", 3),
    ]
