"""What the tree shows about explanations: found, weaker, absent; what is missing never helps."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.dummy import DummyClassifier

from checks.catalog.model_interpretability import CHECK
from checks.config import Declaration
from checks.report import Grade
from tests.checks.local_runs import CONFIG, LocalRuns, judged
from tests.checks.trees import of, place, require_removal_never_helps, write

if TYPE_CHECKING:
    from checks.report import Verdict

FRAME = pd.DataFrame({"age": range(30), "income": range(30), "y": ["a", "b"] * 15})
RUNS = LocalRuns(DummyClassifier().fit(FRAME[["age", "income"]], FRAME["y"]), FRAME)
MEASURED = 0.2  # a model that looks at nothing: half of the measured item


def look(root: Path, config: object = CONFIG) -> Verdict:
    """The verdict on a tree."""
    return judged(CHECK, root, RUNS, config)  # type: ignore[arg-type] # a Config


CODE = """\
import json
import shap
from sklearn.inspection import permutation_importance

found = permutation_importance(model, rows, labels)
values = shap.TreeExplainer(model)(rows)
json.dump(found, open("importance.json", "w"))
"""
SERVER = """\
from fastapi import FastAPI

app = FastAPI()


@app.post("/explain/{row}")
def explain(row: dict): ...
"""
ARTEFACT = '{"importance": {"age": 0.25}}'
WHOLE = {
    "train.py": CODE,
    "serve.py": SERVER,
    "model/importance.json": ARTEFACT,
    "requirements.txt": "numpy==2\nshap==0.45\n",
}


def test_everything(tmp_path: Path) -> None:
    verdict = look(write(tmp_path, WHOLE))
    assert verdict.score == pytest.approx(MEASURED + 0.6)
    found = [f for f in verdict.findings if f.grade is Grade.FOUND]
    assert {f.rule.partition(".")[2]: place(f) for f in found} == {
        "methods.code": ("train.py", 5),
        "shap.used": ("train.py", 6),
        "shap.named": ("train.py", 2),
        "stored.any": ("model/importance.json", 1),
        "served.endpoint": ("serve.py", 6),
    }  # fmt: skip


def test_nothing(tmp_path: Path) -> None:
    verdict = look(tmp_path)
    assert verdict.score == pytest.approx(MEASURED)
    assert verdict.critical
    items = ("methods.code", "shap.used", "shap.named", "stored.any", "served.endpoint")
    assert {of(verdict, item).grade for item in items} == {Grade.MISSING}


@pytest.mark.parametrize(
    ("item", "worth"), [("methods", 0.2), ("shap", 0.2), ("stored", 0.1), ("served", 0.1)]
)
def test_what_is_declared_is_half(tmp_path: Path, item: str, worth: float) -> None:
    said = Declaration(f"model_interpretability.{item}", "the platform does")
    config = CONFIG.__class__(data=CONFIG.data, declarations=(said,))
    assert look(tmp_path, config).score == pytest.approx(MEASURED + worth / 2)


@pytest.mark.parametrize(
    ("code", "rule"),
    [
        ("print(model.feature_importances_)", "methods.code"),
        ("table = dict(zip(names, model.coef_[0]))", "methods.code"),
        ("import xgboost as xgb\nxgb.plot_importance(booster)", "methods.code"),
        ("booster.feature_importance(importance_type='gain')", "methods.code"),
        ("from captum.attr import IntegratedGradients\nIntegratedGradients(net)", "methods.code"),
        ("from sklearn import inspection as i\ni.PartialDependenceDisplay.from_estimator(m, x)",
         "methods.code"),
        ("import eli5\neli5.show_weights(model)", "methods.code"),
        ("import shap\nshap.summary_plot(values)", "shap.used"),
        ("from lime import lime_tabular as lt\nlt.LimeTabularExplainer(rows)", "shap.used"),
        ("from captum.attr import KernelShap\nKernelShap(net)", "shap.used"),
        ("booster.predict(rows, pred_contribs=True)", "shap.used"),
        ("model.get_feature_importance(pool, type='ShapValues')", "shap.used"),
        ("import lime.lime_tabular", "shap.named"),
        ("import mlflow\nmlflow.shap.log_explanation(model.predict, rows)", "stored.any"),
        ("import mlflow\nmlflow.log_artifact('feature_importance.csv')", "stored.any"),
        ("import pandas as pd\npd.Series(importances).to_csv(target)", "stored.any"),
        ("plt.savefig('shap_summary.png')", "stored.any"),
        ("EXPLANATIONS.write_text(text)", "stored.any"),
        ("from flask import Flask\napp = Flask('a')\n@app.route('/v1/shap')\ndef f(): ...",
         "served.endpoint"),
        ("from http.server import X\nif path == '/explain': answer()", "served.endpoint"),
    ],
)  # fmt: skip
def test_code_that_explains(tmp_path: Path, code: str, rule: str) -> None:
    finding = of(look(write(tmp_path, {"app.py": code})), rule)
    assert finding.grade is Grade.FOUND
    assert finding.where is not None
    assert finding.where.line
    hidden = write(tmp_path / "other", {"tests/test_app.py": code, "text.py": f'"""{code!r}"""'})
    assert of(look(hidden), rule).grade is Grade.MISSING


@pytest.mark.parametrize(
    ("files", "rule"),
    [
        ({"a.py": "import shap"}, "shap.used"),
        ({"a.py": "import shap\nshap.initjs()"}, "shap.used"),
        ({"a.py": "# shap.TreeExplainer(model)\nnote = 'shap.Explainer(model)'"}, "shap.used"),
        ({"a.py": "import shap\nshap.Explainer(m)", "shap.py": "class X: ..."}, "shap.used"),
        ({"a.py": "import shap", "shap/__init__.py": ""}, "shap.named"),
        ({"a.py": "from .shap import Explainer\nExplainer(m)"}, "shap.used"),
        ({"requirements.txt": "shapely==2\n# shap\nreshape\n"}, "shap.named"),
        ({"pyproject.toml": '[project]\nname = "shap"\nkeywords = ["shap"]\n'}, "shap.named"),
        ({"a.py": "model.coef_ = weights"}, "methods.code"),
        ({"a.py": "from sklearn.inspection import permutation_importance"}, "methods.code"),
        ({"a.py": "json.dump({'explained_variance': 3}, f)"}, "stored.any"),
        ({"a.py": "np.save('x.npy', x.reshape(3))"}, "stored.any"),
        ({"a.py": "print('importance', importances)"}, "stored.any"),
        ({"importance.json": "{}"}, "stored.any"),
        ({"importance.json": '{"importance": {"height": 0.25}}'}, "stored.any"),
        ({"importance.json": '{"importance": {"age": "high", "income": "low"}}'}, "stored.any"),
        ({"tests/importance.json": ARTEFACT}, "stored.any"),
        ({"docs/explanation/chain.json": ARTEFACT}, "stored.any"),
        ({"shape.json": ARTEFACT}, "stored.any"),
        ({"importance.csv": "version https://git-lfs.github.com/spec/v1\noid sha256:"
          + "0" * 64 + "\nsize 35308\n"}, "stored.any"),
        ({"a.py": "PATH = '/explain'"}, "served.endpoint"),
        ({"a.py": "import flask\nx = open('/data/explained.csv')"}, "served.endpoint"),
        ({"a.py": "import flask\n'''POST /explain tells why'''"}, "served.endpoint"),
    ],
)  # fmt: skip
def test_what_is_no_explanation(tmp_path: Path, files: dict[str, str], rule: str) -> None:
    assert of(look(write(tmp_path, files)), rule).grade is Grade.MISSING


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("requirements.txt", "numpy\nshap>=0.40\n"),
        ("environment.yml", "dependencies:\n  - shap\n"),
        ("pyproject.toml", '[project]\ndependencies = ["numpy", "lime~=0.2"]\n'),
        ("pyproject.toml", '[tool.poetry.dependencies]\nshap = "^0.4"\n'),
        ("poetry.lock", '[[package]]\nname = "shap"\nversion = "0.4"\n'),
    ],
)
def test_what_is_installed(tmp_path: Path, path: str, text: str) -> None:
    verdict = look(write(tmp_path, {path: text}))
    assert place(of(verdict, "shap.named")) == (path, 2)
    assert of(verdict, "shap.used").earned == 0


OPENAPI = """\
openapi: 3.1.0
info: {title: m, version: "1"}
paths:
  /predict:
    post: {responses: {"200": {description: it}}}
  /explain:
    post: {responses: {"200": {description: why}}}
"""


@pytest.mark.parametrize(
    ("code", "earned"),
    [
        ("", 0.1),  # served by something that is not here
        ("import flask\nserve('/predict')", 0.0),  # it serves the others, and not this one
        ("routes = {'/predict': 1, '/explain': 2}", 0.1),
    ],
)
def test_a_described_endpoint_has_to_be_in_the_code_that_serves_the_others(
    tmp_path: Path, code: str, earned: float
) -> None:
    finding = of(look(write(tmp_path, {"openapi.yaml": OPENAPI, "a.py": code})), "served.endpoint")
    assert finding.earned == earned
    if earned:
        assert place(finding) == ("openapi.yaml", 7)


def test_an_explainer_beside_the_model(tmp_path: Path) -> None:
    service = (
        "apiVersion: serving.kserve.io/v1beta1\nkind: InferenceService\nmetadata: {name: m}\n"
        "spec:\n  predictor: {minReplicas: 1}\n  explainer:\n    containers: [{image: acme/why}]\n"
    )
    verdict = look(write(tmp_path, {"m.yaml": service}))
    assert place(of(verdict, "served.endpoint")) == ("m.yaml", 6)


@given(st.sets(st.sampled_from(sorted(WHOLE))), st.sampled_from(sorted(WHOLE)))
@settings(max_examples=25)
def test_removing_any_file_never_raises_the_score(kept: set[str], removed: str) -> None:
    files = {name: WHOLE[name] for name in kept | {removed}}
    require_removal_never_helps(look, files, removed)
