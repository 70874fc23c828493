"""Trains the model from data/training.csv and writes model/model.onnx.

Run it with the versions of requirements.txt. The graph has one input for each column, so that a
caller cannot mix columns up.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pandas as pd
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

HERE = Path(__file__).resolve().parent
MODEL = HERE / "model" / "model.onnx"
MANIFEST = HERE / "k8s" / "deployment.yaml"
TARGET = "progression"
FEATURES = ["age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6"]


def build() -> Pipeline:
    """Scaling and ridge regression as one object, so that serving cannot forget a step."""
    columns = ColumnTransformer([("numbers", StandardScaler(), FEATURES)])
    return Pipeline([("columns", columns), ("model", RidgeCV(alphas=(0.1, 1.0, 10.0, 100.0)))])


def main() -> None:
    """Fits, converts, and writes the digest where the release names it."""
    training = pd.read_csv(HERE / "data" / "training.csv")
    fitted = build().fit(training[FEATURES], training[TARGET])
    inputs = [(name, FloatTensorType([None, 1])) for name in FEATURES]
    graph = convert_sklearn(fitted, "diabetes", inputs, target_opset=17)
    MODEL.parent.mkdir(exist_ok=True)
    MODEL.write_bytes(graph.SerializeToString())
    digest = "sha256:" + hashlib.sha256(MODEL.read_bytes()).hexdigest()
    manifest = MANIFEST.read_text(encoding="utf-8")
    MANIFEST.write_text(
        re.sub(r'model-digest: "[^"]*"', f'model-digest: "{digest}"', manifest), encoding="utf-8"
    )
    print(f"{MODEL.relative_to(HERE)}: {MODEL.stat().st_size} bytes, {digest}")


if __name__ == "__main__":
    main()
