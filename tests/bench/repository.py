"""A model repository of a wanted size: the lending example's tree with rows and a model of its own.

Used by `python -m tests.bench`. Columns are two thirds numbers, the rest whole numbers and texts
with some values missing; the model is a scikit-learn pipeline over all of them. The first column of
texts stands for a protected attribute.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

LENDING = Path(__file__).resolve().parents[2] / "examples" / "lending"
TRAINING_ROWS = 10_000
CONFIG = """\
model: {path: model/model.joblib, task: classification}
data:
  evaluation: data/evaluation.csv
  training: data/training.csv
  target: outcome
  positive_label: "1"
checks:
  model_fairness: {protected_attributes: [kind_%d]}
"""


def write(root: Path, rows: int, columns: int) -> Path:
    """The repository at `root`, with `columns` input columns."""
    shutil.copytree(LENDING, root, ignore=shutil.ignore_patterns("__pycache__"))
    (root / "holdpoint.yml").write_text(CONFIG % _first_kind(columns))
    generator = np.random.default_rng(4)
    training = _table(generator, TRAINING_ROWS, columns)
    training.to_csv(root / "data" / "training.csv", index=False)
    model = _model().fit(training.drop(columns="outcome"), training["outcome"])
    joblib.dump(model, root / "model" / "model.joblib")
    _table(generator, rows, columns).to_csv(root / "data" / "evaluation.csv", index=False)
    return root


def _table(generator: np.random.Generator, rows: int, columns: int) -> pd.DataFrame:
    numbers = _numbers(columns)
    found: dict[str, object] = {}
    signal = np.zeros(rows)
    for index in range(columns):
        if index < numbers:
            values = generator.normal(size=rows).round(4)
            signal += values * (1.5 if index < 4 else 0.05)
            values[generator.random(rows) < 0.02] = np.nan
            found[f"number_{index}"] = values
        elif index % 2:
            found[f"count_{index}"] = generator.integers(0, 12, rows)
        else:
            found[f"kind_{index}"] = np.array(["north", "south", "east", "west"])[
                generator.integers(0, 4, rows)
            ]
    found["outcome"] = (signal + generator.normal(size=rows) * 0.8 > 0).astype(int)
    return pd.DataFrame(found)


def _numbers(columns: int) -> int:
    """How many of the columns, the first of them, are measured numbers."""
    return columns * 2 // 3


def _first_kind(columns: int) -> int:
    """The first column of texts, whose groups are compared."""
    return _numbers(columns) + _numbers(columns) % 2


def _model() -> Pipeline:
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    prepared = make_column_transformer(
        (numbers, make_column_selector(dtype_include="number")),
        (OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_exclude="number")),
    )
    return make_pipeline(prepared, LogisticRegression(max_iter=500))
