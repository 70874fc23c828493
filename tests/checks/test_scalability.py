"""The scalability check: each item found, absent and broken; nothing missing ever helps."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.catalog.scalability import CHECK
from checks.config import Config, Declaration
from checks.report import Grade
from tests.checks.conftest import LENDING
from tests.checks.trees import look, of, place, require_removal_never_helps, write

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: model}
spec:
  replicas: 3
  selector: {matchLabels: {app: model}}
  template:
    metadata: {labels: {app: model}}
    spec:
      topologySpreadConstraints: [{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: DoNotSchedule}]
      containers:
        - name: model
          image: acme/model:1.2
          resources:
            requests: {cpu: 1, memory: 1Gi}
            limits: {memory: 1Gi}
"""
SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: model}
spec:
  selector: {app: model}
"""
INGRESS = """\
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: model}
spec:
  rules:
    - http:
        paths:
          - path: /
            pathType: Prefix
            backend:
              service: {name: model, port: {number: 80}}
"""
AUTOSCALER = """\
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: model}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: model}
  minReplicas: 2
  maxReplicas: 9
"""
KEDA = """\
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: model}
spec:
  scaleTargetRef: {name: model}
"""
BUDGET = """\
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: model}
spec:
  maxUnavailable: 1
  selector: {matchLabels: {app: model}}
"""
CODE = """\
import functools
from fastapi import FastAPI

app = FastAPI()


@functools.lru_cache(maxsize=10_000)
def features_of(customer: str) -> tuple:
    return load(customer)


@app.post("/predict")
def predict(rows: list[dict]):
    return model.predict(frame(rows)).tolist()
"""
RAY = """\
from ray import serve

serve.run(app)
"""
WHOLE = {
    "k8s/deployment.yaml": DEPLOYMENT,
    "k8s/service.yaml": SERVICE,
    "k8s/ingress.yaml": INGRESS,
    "k8s/hpa.yaml": AUTOSCALER,
    "k8s/pdb.yaml": BUDGET,
    "serve.py": CODE,
    "cluster.py": RAY,
}


def test_everything(tmp_path: Path) -> None:
    verdict = look(CHECK, write(tmp_path, WHOLE))
    assert verdict.score == 1.0
    assert {f.rule: place(f) for f in verdict.findings} == {
        "scalability.horizontal.replicas": ("k8s/deployment.yaml", 5),
        "scalability.horizontal.resources": ("k8s/deployment.yaml", 14),
        "scalability.horizontal.disruption": ("k8s/pdb.yaml", 6),
        "scalability.horizontal.spread": ("k8s/deployment.yaml", 10),
        "scalability.balancing.entry": ("k8s/ingress.yaml", 11),
        "scalability.caching.code": ("serve.py", 8),
        "scalability.batching.code": ("serve.py", 13),
        "scalability.autoscaling.scaler": ("k8s/hpa.yaml", 5),
        "scalability.distributed.serving": ("cluster.py", 3),
    }


def test_nothing(tmp_path: Path) -> None:
    verdict = look(CHECK, tmp_path)
    assert (verdict.score, verdict.critical) == (0.0, True)
    assert {f.grade for f in verdict.findings} == {Grade.MISSING}


def test_what_is_declared_is_half(tmp_path: Path) -> None:
    config = Config(declarations=(Declaration("scalability.horizontal", "the platform does"),))
    assert look(CHECK, tmp_path, config).score == pytest.approx(0.15)


@pytest.mark.parametrize(
    ("path", "before", "after", "rule", "sentence", "line"),
    [
        ("k8s/hpa.yaml", "name: model}\n  min", "name: old}\n  min", "autoscaling.scaler",
         "scales Deployment old", 5),
        ("k8s/hpa.yaml", "kind: Deployment", "kind: ModelDeployment", "autoscaling.scaler",
         "cannot be scaled", 5),
        ("k8s/pdb.yaml", "{app: model}", "{app: old}", "horizontal.disruption",
         "selects no pod", 6),
    ],
)  # fmt: skip
def test_a_reference_to_nothing_takes_the_item(
    tmp_path: Path, path: str, before: str, after: str, rule: str, sentence: str, line: int
) -> None:
    assert before in WHOLE[path]
    files = {**WHOLE, path: WHOLE[path].replace(before, after)}
    finding = of(look(CHECK, write(tmp_path, files)), rule)
    assert finding.earned == 0
    assert sentence in finding.message
    assert place(finding) == (path, line)
    assert finding.recommendation == f"{path}: name something that exists"


@pytest.mark.parametrize(
    ("changes", "item", "sentence"),
    [
        ({"k8s/service.yaml": SERVICE.replace("app: model", "app: old")}, "service", "no pod"),
        ({"k8s/ingress.yaml": INGRESS.replace("{name: model, p", "{name: old, p")}, "route", "old"),
    ],
)
def test_a_service_or_route_to_nothing_is_a_finding(
    tmp_path: Path, changes: dict[str, str], item: str, sentence: str
) -> None:
    files = {**WHOLE, **changes}
    verdict = look(CHECK, write(tmp_path, files))
    found = [f for f in verdict.findings if f.where and f.where.path in changes]
    assert any(sentence in f.message for f in found)
    if item == "service":  # the ingress leads to a Service that leads nowhere
        assert of(verdict, "balancing.entry").earned == 0
    else:
        assert found[0].rule == "scalability.defect.route"
        assert of(verdict, "balancing.entry").where is not None


def test_a_broken_autoscaler_beside_a_good_one_is_a_finding(tmp_path: Path) -> None:
    files = {**WHOLE, "k8s/old.yaml": KEDA.replace("{name: model}\nspec:\n  scaleTargetRef: "
             "{name: model}", "{name: old}\nspec:\n  scaleTargetRef: {name: gone}")}  # fmt: skip
    verdict = look(CHECK, write(tmp_path, files))
    assert verdict.score == 1.0
    assert place(of(verdict, "defect.autoscaler")) == ("k8s/old.yaml", 5)


def test_keda_scales_a_deployment_by_default(tmp_path: Path) -> None:
    verdict = look(CHECK, write(tmp_path, {"d.yaml": DEPLOYMENT, "k.yaml": KEDA}))
    assert place(of(verdict, "autoscaling.scaler")) == ("k.yaml", 5)


@pytest.mark.parametrize(
    ("before", "after", "rule"),
    [
        ("replicas: 3", "replicas: 1", "horizontal.replicas"),
        ("limits: {memory: 1Gi}", "limits: {cpu: 1}", "horizontal.resources"),
        ("requests:", "request:", "horizontal.resources"),
        ("topologySpread", "topologyspread", "horizontal.spread"),
        ("image:", "imgae:", "horizontal.replicas"),
    ],
)
def test_a_manifest_that_does_not_say_it(
    tmp_path: Path, before: str, after: str, rule: str
) -> None:
    verdict = look(CHECK, write(tmp_path, {"d.yaml": DEPLOYMENT.replace(before, after)}))
    assert of(verdict, rule).earned == 0


@pytest.mark.parametrize(
    ("code", "rule"),
    [
        ("import redis\nredis.Redis()", "caching.code"),
        ("from cachetools import TTLCache\nTTLCache(9, 9)", "caching.code"),
        ("from ray import serve\n@serve.batch\nasync def f(x): ...", "batching.code"),
        ("import bentoml\nbentoml.api(batchable=True)", "batching.code"),
        ("import litserve as ls\nls.LitServer(a, max_batch_size=8)", "batching.code"),
        ("import flask\ndef f(rows): return m.predict(rows)", "batching.code"),
        ("import flask\ndef f(rows: list):\n x = array(rows)\n s.run(None, x)", "batching.code"),
        ("import http\ndef f(s):\n rows = read(s)\n s.network(rows)", "batching.code"),
    ],
)
def test_code_that_carries_load(tmp_path: Path, code: str, rule: str) -> None:
    finding = of(look(CHECK, write(tmp_path, {"app.py": code})), rule)
    assert finding.grade is Grade.FOUND
    assert finding.where is not None
    assert finding.where.line
    assert of(look(CHECK, write(tmp_path, {"app.py": ""})), rule).grade is Grade.MISSING


@pytest.mark.parametrize(
    ("code", "rule"),
    [
        ("import redis", "caching.code"),
        ("import functools\n@functools.lru_cache\ndef settings(): ...", "caching.code"),
        ("def train(rows): return m.predict(rows)", "batching.code"),
        ("import flask\ndef f(row: dict): return m.predict([row])", "batching.code"),
        ("import flask\ndef f(rows: dict): return m.predict([r for r in rows])", "batching.code"),
        ("import flask\ndef f(rows: list):\n row = rows[0]\n m.predict(row)", "batching.code"),
        ("import flask\ndef f(s):\n row = read(s)\n s.network(row)", "batching.code"),
        ("import litserve as ls\nls.LitServer(a, max_batch_size=1)", "batching.code"),
        ("import flask\ndef f(rows: " + "a+" * 5000 + "a): ...", "batching.code"),
    ],
)
def test_code_that_does_not(tmp_path: Path, code: str, rule: str) -> None:
    finding = of(look(CHECK, write(tmp_path, {"app.py": code})), rule)
    assert finding.grade is Grade.MISSING


def test_servers_made_for_several_machines(tmp_path: Path) -> None:
    service = (
        "apiVersion: serving.kserve.io/v1beta1\nkind: InferenceService\nmetadata: {name: m}\n"
        "spec:\n  predictor:\n    minReplicas: 2\n    maxReplicas: 5\n    batcher: {}\n"
    )
    verdict = look(CHECK, write(tmp_path, {"m.yaml": service}))
    lines = {f.rule.partition(".")[2]: place(f) for f in verdict.findings if f.earned}
    assert lines == {
        "distributed.serving": ("m.yaml", 5),
        "balancing.entry": ("m.yaml", 5),
        "horizontal.replicas": ("m.yaml", 6),
        "autoscaling.scaler": ("m.yaml", 7),
        "batching.code": ("m.yaml", 8),
    }
    triton = DEPLOYMENT.replace("acme/model:1.2", "nvcr.io/nvidia/tritonserver:24.01-py3")
    write(tmp_path, {"m.yaml": triton, "models/m/config.pbtxt": 'name: "m"\ndynamic_batching {}\n'})
    verdict = look(CHECK, tmp_path)
    assert place(of(verdict, "distributed.serving")) == ("m.yaml", 13)
    assert place(of(verdict, "batching.code")) == ("models/m/config.pbtxt", 2)


def test_a_template_is_unreadable(tmp_path: Path) -> None:
    template = DEPLOYMENT.replace("3", "{{ .Values.replicas }}")
    verdict = look(CHECK, write(tmp_path, {"chart/templates/d.yaml": template}))
    assert "needs helm" in of(verdict, "unreadable").message
    assert verdict.score == 0.0


@given(st.sets(st.sampled_from(sorted(WHOLE))), st.sampled_from(sorted(WHOLE)))
@settings(max_examples=40)
def test_removing_any_file_never_raises_the_score(kept: set[str], removed: str) -> None:
    files = {name: WHOLE[name] for name in kept | {removed}}
    require_removal_never_helps(lambda root: look(CHECK, root), files, removed)


@pytest.mark.parametrize(
    "path", sorted(p for p in LENDING.rglob("*") if p.is_file()), ids=lambda p: p.name
)
def test_of_the_example_neither(path: Path, lending: Path) -> None:
    if "__pycache__" in path.parts:
        return
    before = look(CHECK, lending).score
    (lending / path.relative_to(LENDING)).unlink()
    after = look(CHECK, lending).score
    assert before == pytest.approx(0.6)  # nothing kept, no autoscaler, one machine is enough
    assert before is not None
    assert after is not None
    assert after <= before
    if path.name in {"serve.py", "modeldeployment.yaml", "poddisruptionbudget.yaml"}:
        assert after < before
