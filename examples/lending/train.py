"""Trains the model from data/training.csv and writes model/model.joblib, the same bytes each time.

Run it with the versions of requirements.lock: `python train.py`. The model's digest is written
into k8s/modeldeployment.yaml too, because a release names the bytes that it runs, and into
model/importance.json, which says what the model leans on and which inputs are usual.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import joblib
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.inspection import permutation_importance
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from validate import validate_digest, validate_rows  # type: ignore[import-not-found]

HERE = Path(__file__).resolve().parent
MODEL = HERE / "model" / "model.joblib"
IMPORTANCE = HERE / "model" / "importance.json"
MANIFEST = HERE / "k8s" / "modeldeployment.yaml"
SEED = 0

TARGET = "deny"
NUMERIC = ["pirat", "hirat", "lvrat", "chist", "mhist", "unemp"]
YES_OR_NO = ["phist", "selfemp", "insurance", "condomin", "hschool"]
# `afam` (race) and `single` (marital status) stay in the data so that outcomes can be compared
# between groups; the Equal Credit Opportunity Act forbids deciding by them.
FEATURES = NUMERIC + YES_OR_NO


def build() -> Pipeline:
    """The preprocessing and the classifier as one object, so that serving cannot forget a step."""
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    answers = OneHotEncoder(handle_unknown="ignore", drop="if_binary")
    columns = ColumnTransformer([("numbers", numbers, NUMERIC), ("answers", answers, YES_OR_NO)])
    classifier = GradientBoostingClassifier(
        n_estimators=80, max_depth=3, learning_rate=0.08, random_state=SEED
    )
    return Pipeline([("columns", columns), ("classifier", classifier)])


def explain(model: Pipeline, training: pd.DataFrame, held_out: pd.DataFrame) -> dict[str, object]:
    """Permutation importances on rows that were held out, and the usual value of each input."""
    found = permutation_importance(
        model,
        held_out[FEATURES],
        held_out[TARGET],
        scoring="roc_auc",
        n_repeats=10,
        random_state=SEED,
    )
    usual = training[NUMERIC].median().to_dict() | training[YES_OR_NO].mode().iloc[0].to_dict()
    pairs = zip(found.importances_mean, found.importances_std, strict=True)
    return {
        "metric": "decline of ROC AUC, mean and standard deviation over 10 shuffles",
        "rows": len(held_out),
        "importance": {
            name: [round(float(mean), 6), round(float(deviation), 6)]
            for name, (mean, deviation) in zip(FEATURES, pairs, strict=True)
        },
        "usual": usual,
    }


def main() -> None:
    """Fits, saves, explains, and writes the digest where the release names it."""
    validate_digest(HERE / "data" / "training.csv")
    training = pd.read_csv(HERE / "data" / "training.csv")
    validate_rows(training)
    model = build().fit(training[FEATURES], training[TARGET])
    joblib.dump(model, MODEL, compress=3)
    digest = "sha256:" + hashlib.sha256(MODEL.read_bytes()).hexdigest()
    held_out = pd.read_csv(HERE / "data" / "evaluation.csv")
    explained = {"model": digest, **explain(model, training, held_out)}
    IMPORTANCE.write_text(json.dumps(explained, indent=2) + "\n", encoding="utf-8")
    manifest = MANIFEST.read_text(encoding="utf-8")
    MANIFEST.write_text(
        re.sub(r'digest: "sha256:[0-9a-f]{64}"', f'digest: "{digest}"', manifest), encoding="utf-8"
    )
    print(f"{MODEL.relative_to(HERE)}: {MODEL.stat().st_size} bytes, {digest}")


if __name__ == "__main__":
    main()
