"""Benign models are judged inside as they are outside; data files come back as plain columns."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from checks.sandbox import (
    Column,
    Kind,
    ModelFailed,
    ModelSession,
    Table,
    column_of,
    scripts,
)
from tests.checks.sandbox.environments import public_environment, require_real_root

OWN = Path(sys.executable)
ROWS = 200


def frame() -> pd.DataFrame:
    rng = np.random.default_rng(7)
    income = rng.normal(50, 10, ROWS)
    income[::17] = np.nan
    purpose = rng.choice(["home", "car", "größe"], ROWS).astype(object)
    purpose[::23] = None
    return pd.DataFrame(
        {"income": income, "age": rng.integers(18, 90, ROWS), "purpose": pd.Series(purpose)}
    )


def table_of(data: pd.DataFrame) -> Table:
    return Table(tuple(column_of(str(name), data[name].to_numpy()) for name in data))


def dumped(model: Any, compress: Any = 0) -> bytes:
    buffer = io.BytesIO()
    joblib.dump(model, buffer, compress=compress)
    return buffer.getvalue()


def pipeline() -> Pipeline:
    """Threads in two places, text, missing values: what a repository's model looks like."""
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    text = OneHotEncoder(handle_unknown="ignore")
    columns = ColumnTransformer(
        [("numbers", numbers, ["income", "age"]), ("text", text, ["purpose"])], n_jobs=2
    )
    forest = RandomForestClassifier(20, n_jobs=2, random_state=0)
    return Pipeline([("columns", columns), ("forest", forest)])


@pytest.fixture
def session() -> Iterator[ModelSession]:
    with ModelSession(OWN) as opened:
        assert opened.warning is None
        yield opened


@pytest.mark.parametrize("compress", [0, 3, ("xz", 1)])
def test_a_pipeline_answers_inside_as_outside(session: ModelSession, compress: Any) -> None:
    data = frame()
    labels = np.where(data["age"] > 50, "yes", "no")
    model = pipeline().fit(data, labels)
    info = session.load(dumped(model, compress), "joblib", {"imports": ["sklearn.pipeline"]})
    assert info.type_name == "Pipeline"
    assert info.outputs == ("predict", "predict_proba", "predict_log_proba")
    assert info.classes is not None
    assert info.classes.tolist() == ["no", "yes"]
    assert info.feature_names == ("income", "age", "purpose")
    answer = session.predict(table_of(data))
    assert answer.values.tolist() == model.predict(data).tolist()
    assert answer.seconds > 0
    scores = session.predict(table_of(data), "predict_proba")
    np.testing.assert_array_equal(scores.values, model.predict_proba(data))


def test_openmp_works_in_the_sandbox(session: ModelSession) -> None:
    rng = np.random.default_rng(1)
    inputs = rng.normal(size=(5000, 3))
    model = HistGradientBoostingRegressor(max_iter=20).fit(inputs, inputs.sum(axis=1))
    session.load(dumped(model), "joblib")
    table = Table(tuple(column_of(str(i), inputs[:, i]) for i in range(3)))
    np.testing.assert_array_equal(session.predict(table).values, model.predict(inputs))


def test_a_model_without_names_is_given_a_matrix(session: ModelSession) -> None:
    inputs = np.arange(20.0).reshape(10, 2)
    model = LogisticRegression().fit(inputs, [0, 1] * 5)
    info = session.load(dumped(model), "joblib")
    assert info.feature_names is None
    table = Table((column_of("a", inputs[:, 0]), column_of("b", inputs[:, 1])))
    np.testing.assert_array_equal(
        session.predict(table, "decision_function").values, model.decision_function(inputs)
    )
    assert b"Warning" not in session.noise


def test_memory_is_read_by_the_parent(session: ModelSession) -> None:
    before = session.rss_bytes()
    session.load(dumped(np.ones(8 << 20)), "joblib")
    assert session.rss_bytes() > before + (48 << 20)
    assert session.peak_rss_bytes() >= session.rss_bytes()


def test_a_missing_package_is_named(session: ModelSession) -> None:
    payload = b"cno_such_package\nModel\n."
    with pytest.raises(ModelFailed, match="No module named 'no_such_package'") as caught:
        session.load(payload, "pickle")
    assert caught.value.kind is Kind.RAISED


def test_under_another_uid_a_model_works_as_well() -> None:
    require_real_root()
    inputs = np.arange(20.0).reshape(10, 2)
    model = RandomForestClassifier(5, n_jobs=2).fit(inputs, [0, 1] * 5)
    table = Table((column_of("a", inputs[:, 0]), column_of("b", inputs[:, 1])))
    with public_environment() as interpreter, ModelSession(interpreter) as session:
        assert session.layers.uid
        assert session.layers.names == {"uid", "landlock", "seccomp", "rlimits", "env"}
        session.load(dumped(model), "joblib")
        np.testing.assert_array_equal(session.predict(table).values, model.predict(inputs))


def test_columns_know_their_kind() -> None:
    assert column_of("x", [1, 2]).kind == "int"
    assert column_of("x", [1.0, 2]).kind == "float"
    assert column_of("x", [True, False]).kind == "bool"
    assert column_of("x", ["a", None, float("nan")]).values.tolist() == ["a", None, None]


def test_a_table_selects_and_takes() -> None:
    table = table_of(frame())
    assert table.select(("age", "income")).names == ("age", "income")
    assert table.take(slice(0, 3)).rows == 3
    with pytest.raises(KeyError):
        table.column("missing")
    with pytest.raises(ValueError, match="one length"):
        Table((Column("a", "int", np.arange(2)), Column("b", "int", np.arange(3))))


def test_unknown_words_name_the_known_ones(session: ModelSession) -> None:
    with pytest.raises(ValueError, match="known: joblib, onnx, pickle, python, skops, torch"):
        session.load(b"", "xls")
    with pytest.raises(ValueError, match="known: predict, "):
        session.predict(table_of(frame()), "__reduce__")
    with pytest.raises(ValueError, match="unknown parser 'xlsx'; known: arrow, csv"):
        scripts.text(scripts.PARSERS, "xlsx")
