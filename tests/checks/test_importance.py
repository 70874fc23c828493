"""Permutation importance: exact on the same shuffles, scikit-learn's within chance; its words."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics as reference
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LinearRegression, LogisticRegression, RidgeClassifier
from sklearn.tree import DecisionTreeClassifier

from checks.catalog.model_interpretability import CHECK, Settings
from checks.config import Declaration
from checks.evidence.answers import RunProblemError
from checks.measure import importance
from checks.measure.importance import Shuffle
from checks.report import Grade, Severity
from checks.sandbox.table import Table, column_of
from tests.checks.local_runs import CONFIG, LocalRuns, judged, table_of
from tests.checks.trees import of

if TYPE_CHECKING:
    from pathlib import Path

    from checks.report import Verdict

NAME = "model_interpretability"
GENERATOR = np.random.default_rng(4)
ROWS = 400
INPUTS = pd.DataFrame(
    {
        "strong": GENERATOR.normal(size=ROWS),
        "weak": GENERATOR.normal(size=ROWS),
        "idle": GENERATOR.normal(size=ROWS),
        "gone": np.where(GENERATOR.random(ROWS) < 0.3, np.nan, GENERATOR.normal(size=ROWS)),
    }
)
SIGNAL = INPUTS["strong"] * 2 + INPUTS["weak"]
LABELS = np.where(SIGNAL + GENERATOR.normal(size=ROWS) > 0, "yes", "no")
KNOWN = ["strong", "weak", "idle"]


def judge(
    root: Path, model: Any, target: Any, base: Any = None, rows: Any = INPUTS, **settings: Any
) -> Verdict:
    """The verdict on a fitted model and rows with a target."""
    frame = rows.assign(y=target)
    before = LocalRuns(base, frame) if base is not None else None
    config = replace(CONFIG, settings={NAME: Settings(**settings)})
    return judged(CHECK, root, LocalRuns(model, frame, before), config)


def measured(verdict: Verdict) -> dict[str, tuple[float, float | None, float | None]]:
    """Value and interval of each column in the details."""
    rows = verdict.details["importance"]
    assert isinstance(rows, list)
    return {row["column"]: (row["value"], row["low"], row["high"]) for row in rows}


def by_hand(model: Any, truth: Any, score: Any, repeats: int) -> dict[str, float]:
    """The same shuffles, scored by scikit-learn on the model in this process."""
    table, found = table_of(INPUTS[KNOWN]), {}
    for name in KNOWN:
        declines = []
        for repeat in range(repeats):
            shuffled = importance.stacked(table, [Shuffle(name, repeat)])
            rows = pd.DataFrame({c.name: c.values for c in shuffled.columns})
            assert sorted(rows[name]) == sorted(INPUTS[name])
            declines.append(score(model, INPUTS[KNOWN], truth) - score(model, rows, truth))
        found[name] = float(np.mean(declines))
    return found


CASES = [
    (LogisticRegression(), LABELS, None, "roc_auc", "decline of ROC AUC"),
    (LogisticRegression(), LABELS, "log_loss", "neg_log_loss", "rise of log loss"),
    (RidgeClassifier(), LABELS, None, "accuracy", "decline of accuracy"),
    (LinearRegression(), SIGNAL, None, "r2", "decline of R2"),
    (LinearRegression(), SIGNAL, "mae", "neg_mean_absolute_error", "rise of MAE"),
]


@pytest.mark.parametrize(("model", "target", "metric", "scoring", "said"), CASES)
def test_the_decline_is_that_of_the_same_shuffles_and_scikit_learns_within_chance(
    tmp_path: Path, model: Any, target: Any, metric: str | None, scoring: str, said: str
) -> None:
    fitted = model.fit(INPUTS[KNOWN], target)
    verdict = judge(tmp_path, fitted, target, metric=metric, repeats=20)
    found = measured(verdict)
    exact = by_hand(fitted, target, reference.get_scorer(scoring), 20)
    assert {name: value[0] for name, value in found.items()} == pytest.approx(exact, abs=1e-6)
    theirs = permutation_importance(
        fitted, INPUTS[KNOWN], target, scoring=scoring, n_repeats=60, random_state=1
    )
    for name, mean, deviation in zip(
        KNOWN, theirs.importances_mean, theirs.importances_std, strict=True
    ):
        value, low, high = found[name]
        chance = 4 * deviation * np.sqrt(1 / 20 + 1 / 60) + 1e-6
        assert abs(value - mean) < chance, name
        assert low is not None
        assert high is not None
        assert low - 1e-6 <= value <= high + 1e-6
    assert list(found)[:2] == ["strong", "weak"]
    finding = of(verdict, "importance")
    assert (finding.grade, finding.earned) == (Grade.MEASURED, 0.4)
    assert said in finding.message
    assert "20 shuffles of 400 rows" in finding.message
    assert "idle" not in finding.message


def test_the_interval_is_that_of_a_plain_bootstrap_loop(tmp_path: Path) -> None:
    model = RidgeClassifier().fit(INPUTS[KNOWN], LABELS)
    _, low, high = measured(judge(tmp_path, model, LABELS, repeats=1))["strong"]
    table = table_of(INPUTS[KNOWN])
    shuffled = importance.stacked(table, [Shuffle("strong", 0)])
    rows = pd.DataFrame({c.name: c.values for c in shuffled.columns})
    lost = (model.predict(INPUTS[KNOWN]) == LABELS) * 1.0 - (model.predict(rows) == LABELS)
    generator = np.random.default_rng(1)
    plain = [lost[generator.integers(0, ROWS, ROWS)].mean() for _ in range(2000)]
    assert (low, high) == pytest.approx(np.quantile(plain, [0.025, 0.975]), abs=0.02)


def test_columns_with_gaps_are_shuffled_with_them(tmp_path: Path) -> None:
    is_gone = INPUTS["gone"].isna().astype(int)
    model = DecisionTreeClassifier(max_depth=2).fit(INPUTS, is_gone)
    assert next(iter(measured(judge(tmp_path, model, is_gone)))) == "gone"


def test_a_model_that_looks_at_nothing_earns_half(tmp_path: Path) -> None:
    model = DecisionTreeClassifier(max_depth=1).fit(INPUTS[["idle"]], INPUTS["gone"].isna())
    finding = of(judge(tmp_path, model, LABELS == "yes"), "importance")
    assert (finding.severity, finding.earned) == (Severity.MAJOR, 0.2)
    assert "no column matters to the answers beyond chance" in finding.message


def test_a_metric_that_is_not_defined_is_said(tmp_path: Path) -> None:
    model = RidgeClassifier().fit(INPUTS[KNOWN], LABELS)
    finding = of(judge(tmp_path, model, LABELS, metric="roc_auc"), "importance")
    assert "roc_auc is not defined for these answers" in finding.message
    assert finding.earned == 0


def test_what_the_budget_did_not_reach_is_said(tmp_path: Path) -> None:
    wide = pd.DataFrame(GENERATOR.normal(size=(ROWS, 60)), columns=[f"c{n}" for n in range(60)])
    labels = np.where(wide["c0"] > 0, "yes", "no")
    model = LogisticRegression().fit(wide, labels)
    verdict = judge(tmp_path, model, labels, rows=wide, budget_seconds=0)
    reached = importance.MOST_CELLS // (ROWS * 60)
    assert 0 < reached < 60
    assert len(measured(verdict)) == reached
    said = of(verdict, "left_out").message
    assert f"c{reached}, c{reached + 1}" in said
    assert f"and {60 - reached - 5} more" in said
    assert verdict.details["importance_basis"] == {
        "metric": "ROC AUC",
        "basis": "decline of ROC AUC, 1 shuffle of 400 rows",
        "rows": 400,
        "columns": 60,
    }


def test_a_sample_is_said(tmp_path: Path) -> None:
    model = LogisticRegression().fit(INPUTS[KNOWN], LABELS)
    verdict = judge(tmp_path, model, LABELS, rows=INPUTS)
    assert {f.samples for f in verdict.figures} == {400}
    config = replace(CONFIG, settings={NAME: Settings(rows=150)})
    verdict = judged(CHECK, tmp_path, LocalRuns(model, INPUTS.assign(y=LABELS)), config)
    assert "150 of 400 rows" in of(verdict, "importance").message
    assert {f.samples for f in verdict.figures} == {150}


def test_against_the_base_branchs_model(tmp_path: Path) -> None:
    model = LogisticRegression().fit(INPUTS[KNOWN], LABELS)
    swapped = INPUTS[["weak", "strong", "idle"]].set_axis(KNOWN, axis=1)
    before = LogisticRegression().fit(swapped, LABELS)
    verdict = judge(tmp_path, model, LABELS, before)
    change = of(verdict, "change")
    assert change.severity is Severity.MINOR
    assert "strong #2 -> #1 (+" in change.message
    assert "weak #1 -> #2 (-" in change.message
    other = LogisticRegression(C=0.5).fit(INPUTS[KNOWN], LABELS)
    same = judge(tmp_path, model, LABELS, other)
    assert of(same, "change").message == "the 3 columns on top are those of before"
    assert same.score == verdict.score


def test_a_base_model_that_cannot_be_run_is_said(tmp_path: Path) -> None:
    model, frame = LogisticRegression().fit(INPUTS[KNOWN], LABELS), INPUTS.assign(y=LABELS)
    runs = LocalRuns(model, frame, BrokenRuns(model, frame))
    verdict = judged(CHECK, tmp_path, runs)
    said = of(verdict, "change").message
    assert (
        said == "no comparison with the base branch's model: m.pkl could not be run: it is broken"
    )
    assert of(verdict, "importance").earned == 0.4


def test_a_model_that_cannot_be_run_keeps_the_points_of_the_tree(tmp_path: Path) -> None:
    (tmp_path / "explain.py").write_text("import shap\nshap.TreeExplainer(model)\n")
    runs = BrokenRuns(RidgeClassifier(), INPUTS.assign(y=LABELS))
    verdict = judged(CHECK, tmp_path, runs)
    assert verdict.score == pytest.approx(0.2)
    assert verdict.critical
    finding = verdict.findings[0]
    assert (finding.rule, finding.grade) == (f"{NAME}.importance", Grade.MISSING)
    assert "m.pkl could not be run" in finding.message
    assert "importance" not in verdict.details
    said = Declaration(f"{NAME}.importance", "the vendor measures it")
    declared = replace(CONFIG, declarations=(said,))
    assert judged(CHECK, tmp_path, runs, declared).score == pytest.approx(0.4)


class BrokenRuns(LocalRuns):
    """A model that is not there."""

    def model_inputs(self) -> Table:
        """Fails as loading does."""
        raise RunProblemError("m.pkl could not be run: it is broken", "mend m.pkl", "m.pkl")


def test_columns_that_stand_in_for_each_other_are_named(tmp_path: Path) -> None:
    twin = INPUTS[KNOWN].assign(twin=INPUTS["strong"] ** 3)
    model = LogisticRegression().fit(twin, LABELS)
    said = of(judge(tmp_path, model, LABELS, rows=twin), "correlated").message
    assert said.startswith("strong and twin (1.00) say nearly the same")


@given(st.integers(0, 10_000), st.integers(5, 60))
def test_the_correlation_is_spearmans(seed: int, rows: int) -> None:
    generator = np.random.default_rng(seed)
    one = generator.integers(0, 6, rows).astype(float)
    other = one + generator.integers(0, 2, rows)
    answer = np.where(one + generator.integers(0, 2, rows) > 2, "yes", "no")
    texts = np.array(["red", "green", "blue", None], dtype=object)[np.arange(rows) % 4]
    table = Table(
        (
            column_of("one", one),
            column_of("other", other),
            column_of("answer", answer),
            column_of("texts", texts),
            column_of("still", np.ones(rows)),
        )
    )
    columns = {"one": one, "other": other, "answer": (answer == "yes").astype(float)}
    expected = {}
    for first, second in (("one", "other"), ("one", "answer"), ("other", "answer")):
        if len({*columns[first]}) > 1 and len({*columns[second]}) > 1:
            value = abs(stats.spearmanr(columns[first], columns[second]).statistic)
            expected[first, second] = value
    found = {(pair.one, pair.other): pair.correlation for pair in importance.correlated(table)}
    close = {pair for pair, value in expected.items() if abs(value - importance.SAME) < 1e-9}
    wanted = {pair: v for pair, v in expected.items() if v >= importance.SAME or pair in close}
    assert found == pytest.approx(wanted, abs=1e-6)


def test_a_gap_counts_as_the_middle() -> None:
    values = np.array([1.0, 2.0, np.nan, 4.0, 5.0])
    table = Table((column_of("a", values), column_of("b", np.array([1.0, 2.0, 3.0, 4.0, 5.0]))))
    (pair,) = importance.correlated(table)
    ranks = [-1.5, -0.5, 0.0, 0.5, 1.5]
    assert pair.correlation == pytest.approx(np.corrcoef(ranks, [1, 2, 3, 4, 5])[0, 1])


@given(st.integers(1, 40), st.integers(1, 9), st.integers(1, 4))
def test_every_column_is_shuffled_once_before_any_twice(rows: int, wide: int, repeats: int) -> None:
    table = Table(tuple(column_of(f"c{n}", np.arange(rows)) for n in range(wide)))
    shuffles = [each for batch in importance.batches(table, repeats) for each in batch]
    assert len(shuffles) == wide * repeats
    assert [s.repeat for s in shuffles] == sorted(s.repeat for s in shuffles)
    assert len(set(shuffles)) == len(shuffles)


def test_two_models_meet_the_same_shuffle_whatever_their_columns() -> None:
    values = np.arange(50)
    one = Table((column_of("a", values), column_of("b", values)))
    other = Table((column_of("b", values),))
    job = [Shuffle("b", 3)]
    shuffled = importance.stacked(one, job).column("b").values
    assert shuffled.tolist() == importance.stacked(other, job).column("b").values.tolist()
    assert shuffled.tolist() != values.tolist()
    assert importance.stacked(one, job).column("a").values.tolist() == values.tolist()
