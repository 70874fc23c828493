"""Three model repositories as people lay them out; nothing in them knows of Holdpoint."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import joblib
import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from tests.checks.histories import commit_all
from tests.checks.trees import write

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ROWS = 300
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "churn.fullname" . }}
  labels:
    {{- include "churn.labels" . | nindent 4 }}
spec:
  replicas: {{ .Values.replicas }}
  template:
    spec:
      containers:
        - name: churn
          image: "{{ .Values.image }}"
          {{- with .Values.probes }}
          {{- toYaml . | nindent 10 }}
          {{- end }}
"""
FASTAPI = """\
import joblib
import pandas as pd
from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()
model = joblib.load("{model}")


class Row(BaseModel):
    tenure: float
    bill: float
    contract: str


@app.post("/predict")
def predict(rows: list[Row]) -> dict[str, list[str]]:
    return {{"answers": model.predict(pd.DataFrame([row.dict() for row in rows])).tolist()}}
"""
DOCKERFILE = "FROM python:3.11-slim\nCOPY . /app\nRUN pip install -r /app/requirements.txt\n"
README = """\
# churn

Predicts which customers leave. Train with the notebook, then `uvicorn src.app:app`.

## Deployment

Build the image, then install the chart. Ask the platform team for access to the cluster first; the
values for each stage lie in chart/values.yaml.

    docker build -t churn .
    helm upgrade --install churn chart
"""


def customers(seed: int) -> pd.DataFrame:
    """Who left; the contract says most of it."""
    rng = np.random.default_rng(seed)
    tenure, bill = rng.integers(0, 72, ROWS), rng.normal(70, 25, ROWS).round(2)
    contract = rng.choice(["monthly", "yearly"], ROWS)
    left = (contract == "monthly") & (tenure < 40) | (rng.random(ROWS) < 0.05)
    return pd.DataFrame(
        {
            "customer_id": np.arange(seed * ROWS, (seed + 1) * ROWS),
            "tenure": tenure,
            "bill": bill,
            "contract": contract,
            "churned": np.where(left, "yes", "no"),
        }
    )


def churn_model() -> Pipeline:
    """What the notebook trains."""
    columns = ColumnTransformer(
        [
            ("numbers", StandardScaler(), ["tenure", "bill"]),
            ("text", OneHotEncoder(handle_unknown="ignore"), ["contract"]),
        ]
    )
    data = customers(0)
    model = make_pipeline(columns, RandomForestClassifier(20, max_depth=5, random_state=0))
    return model.fit(data[["tenure", "bill", "contract"]], data["churned"])


def notebook(*cells: str) -> str:
    """The text of a notebook with these cells of code."""
    made = [
        {"cell_type": "code", "metadata": {}, "outputs": [], "source": cell.splitlines(True)}
        for cell in cells
    ]
    return json.dumps({"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, indent=1)


def with_artifacts(root: Path) -> Path:
    """A model in artifacts/, data in data/raw, notebooks, a Helm chart that nobody rendered."""
    files: Mapping[str, str] = {
        "README.md": README,
        "Dockerfile": DOCKERFILE,
        "requirements.txt": "fastapi\njoblib\npandas\nscikit-learn\nuvicorn\n",
        "src/app.py": FASTAPI.format(model="artifacts/model.joblib"),
        "notebooks/01-explore.ipynb": notebook("import pandas as pd", "pd.read_csv('x.csv')"),
        "notebooks/02-train.ipynb": notebook(
            'import pandas as pd\nimport joblib\ndata = pd.read_csv("../data/raw/train.csv")',
            'X = data.drop(columns=["customer_id", "churned"])\ny = data["churned"]',
            'import shap\nmodel.fit(X, y)\njoblib.dump(model, "../artifacts/model.joblib")',
        ),
        "chart/Chart.yaml": "apiVersion: v2\nname: churn\nversion: 0.1.0\n",
        "chart/values.yaml": "replicas: 2\nimage: registry.invalid/churn:1.4.0\n",
        "chart/templates/deployment.yaml": DEPLOYMENT,
        "chart/templates/_helpers.tpl": '{{- define "churn.fullname" -}}churn{{- end }}\n',
        ".github/workflows/ci.yml": "on: push\njobs:\n  lint:\n    runs-on: ubuntu-latest\n"
        "    steps:\n      - run: docker build -t churn .\n",
    }
    write(root, files)
    (root / "artifacts").mkdir()
    joblib.dump(churn_model(), root / "artifacts" / "model.joblib")
    joblib.dump(StandardScaler(), root / "artifacts" / "scaler.joblib")
    (root / "data" / "raw").mkdir(parents=True)
    customers(0).to_csv(root / "data" / "raw" / "train.csv", index=False)
    customers(1).to_csv(root / "data" / "raw" / "test.csv", index=False)
    return commit_all(root)


def with_two_models(root: Path) -> Path:
    """A monorepo: two services with a model each, and what they share."""
    for name in ("churn", "price"):
        files = {
            "Dockerfile": DOCKERFILE,
            "requirements.txt": "scikit-learn\n",
            "app.py": FASTAPI.format(model="model.joblib"),
            "README.md": f"# {name}\n\nA service.\n",
        }
        write(root / "services" / name, files)
    write(root, {"README.md": "# models\n", "libs/common/log.py": "import logging\n"})
    churn, price = root / "services" / "churn", root / "services" / "price"
    joblib.dump(churn_model(), churn / "model.joblib")
    customers(1).to_csv(churn / "test.csv", index=False)
    data = customers(1)[["tenure", "bill"]]
    noise = np.random.default_rng(2).normal(0, 5, ROWS)
    data = data.assign(price=lambda d: d["tenure"] * 2 + d["bill"] + noise)
    model = LinearRegression().fit(data[["tenure", "bill"]], data["price"])
    joblib.dump(model, price / "model.joblib")
    data.to_csv(price / "test.csv", index=False)
    return commit_all(root)


def without_model(root: Path) -> Path:
    """Code, tests and data, and no trained model anywhere."""
    files = {
        "README.md": "# features\n\nShared feature code.\n",
        "features/clean.py": "def clean(text: str) -> str:\n    return text.strip()\n",
        "tests/test_clean.py": "from features.clean import clean\n\n\n"
        'def test_it() -> None:\n    assert clean(" a ") == "a"\n',
        "data/rows.csv": "a,b\n1,2\n",
        "pyproject.toml": '[project]\nname = "features"\nversion = "0"\n',
    }
    return commit_all(write(root, files))
