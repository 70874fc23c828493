"""Robustness: the changes are what they say, the drops scikit-learn's, each weakness is found."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler, scale
from sklearn.tree import DecisionTreeClassifier

from checks.catalog.model_robustness import CHECK, PROBES
from checks.check import Context
from checks.config import Config
from checks.evidence.answers import Predictions
from checks.evidence.probing import Outcome, Robustness
from checks.evidence.smallest import Failure
from checks.measure import perturb, robustness
from checks.measure.bootstrap import Estimate
from checks.report import Grade, Severity
from checks.sandbox.table import Table, column_of
from tests.checks.conftest import LENDING, finding_of, judge
from tests.checks.in_process import InProcess, frame_of, table_of
from tests.checks.trees import of

if TYPE_CHECKING:
    from pathlib import Path

    from checks.report import Verdict

GENERATOR = np.random.default_rng(5)
ROWS = 240
INPUTS = pd.DataFrame(
    {
        "size": GENERATOR.normal(20, 4, ROWS),
        "age": GENERATOR.integers(20, 70, ROWS),
        "colour": GENERATOR.choice(["red", "green", "blue"], ROWS),
    }
)
SIGNAL = (INPUTS["size"] - 20) / 4 + (INPUTS["colour"] == "red")
LABELS = np.where(SIGNAL > 0.3, "yes", "no")
NUMBERS = INPUTS[["size", "age"]]


def judged(model: Any, inputs: pd.DataFrame, target: Any, **more: Any) -> Verdict:
    """The verdict on a fitted model and its rows."""
    settings = {k: more.pop(k) for k in ("rows",) if k in more}
    config = Config(settings={CHECK.name: CHECK.settings(**settings)})
    runs = InProcess(model, inputs, target, **more).as_runs()
    return CHECK.judge(CHECK.collect(Context(cast("Any", None), config, runs)), config)


def sturdy() -> Any:
    """A pipeline that copes with everything."""
    columns = ColumnTransformer(
        [
            ("numbers", SimpleImputer(), ["size", "age"]),
            ("texts", OneHotEncoder(handle_unknown="ignore"), ["colour"]),
        ]
    )
    return make_pipeline(columns, RandomForestClassifier(30, random_state=0))


@pytest.mark.parametrize("size", perturb.SCALES)
def test_noise_is_a_share_of_each_columns_own_deviation(size: float) -> None:
    wide = pd.DataFrame(
        {"a": GENERATOR.normal(0, 1e-6, 4000), "b": GENERATOR.normal(5e9, 1e8, 4000)}
    )
    probe = perturb.noise(table_of(wide), size)
    assert probe.table is not None
    for name in wide:
        added = probe.table.column(str(name)).values - wide[name].to_numpy()
        assert added.std() == pytest.approx(size * wide[name].to_numpy().std(), rel=0.05)
        assert abs(added.mean()) < 0.1 * added.std()


@settings(max_examples=10, deadline=None)
@given(
    values=st.lists(st.floats(-1e300, 1e300) | st.just(float("nan")), min_size=2, max_size=12),
    whole=st.lists(st.integers(-(2**62), 2**62), min_size=12, max_size=12),
    texts=st.lists(st.none() | st.text(max_size=3), min_size=12, max_size=12),
)
def test_whatever_the_rows_each_change_keeps_its_promise(
    values: list[float], whole: list[int], texts: list[str | None]
) -> None:
    count = len(values)
    words = np.empty(count, dtype=object)
    words[:] = texts[:count]
    table = Table(
        (
            column_of("f", np.array(values)),
            column_of("i", np.array(whole[:count])),
            column_of("t", words),
        )
    )
    for probe in perturb.probes(table, frame=True):
        if probe.table is None:
            assert probe.why
            continue
        assert probe.table.rows == count
        assert set(probe.table.names) == set(table.names)
        for column in probe.table.columns:
            if column.kind == "float":
                assert not np.isinf(column.values).any()
        if probe.name == "extremes":
            assert probe.table.column("t").values.tolist() == words.tolist()
        if probe.name.startswith("noise"):
            assert probe.table.column("i").values.dtype == np.int64
    again = perturb.probes(table, frame=True)
    for one, other in zip(perturb.probes(table, frame=True), again, strict=True):
        assert one.table is None or other.table is not None
        if one.table is not None and other.table is not None and one.asks == "drop":
            assert perturb.differing_columns(one.table, other.table) == []


def test_extremes_lie_ten_ranges_beyond_what_was_seen() -> None:
    probe = perturb.extremes(table_of(NUMBERS))
    assert probe.table is not None
    for name in NUMBERS:
        values, was = probe.table.column(str(name)).values, NUMBERS[name].to_numpy()
        far = values[values != was]
        span = was.max() - was.min()
        wanted = {float(was.max() + 10 * span), float(was.min() - 10 * span)}
        assert {float(v) for v in far} == wanted
        assert len(far) == pytest.approx(ROWS / 10, rel=0.4)


def test_a_tenth_of_the_values_are_missing() -> None:
    probe = perturb.missing(table_of(INPUTS))
    assert probe.table is not None
    gone = frame_of(probe.table).isna()
    assert gone.mean().to_dict() == pytest.approx(dict.fromkeys(INPUTS, 0.1), rel=0.4)
    kept = frame_of(probe.table).where(~gone, INPUTS)
    assert (kept["colour"] == INPUTS["colour"]).all()
    assert (kept["size"] == INPUTS["size"]).all()


def test_what_changes_nothing_is_no_probe() -> None:
    flags = table_of(pd.DataFrame({"flag": [0, 1, 1, 0] * 30}))
    by_name = {probe.name: probe for probe in perturb.probes(flags, frame=False)}
    assert "changes no value" in by_name["noise_0.001"].why
    assert by_name["unseen"].why == "no column holds text"
    assert "plain matrix" in by_name["order"].why
    assert by_name["extremes"].table is not None
    texts = table_of(INPUTS[["colour"]])
    by_name = {probe.name: probe for probe in perturb.probes(texts, frame=True)}
    assert by_name["noise_0.1"].why == "no column holds numbers"
    assert by_name["order"].why == "the model has one column"


def test_drops_are_those_of_scikit_learn() -> None:
    truth = GENERATOR.integers(0, 3, 500)
    base, worse = truth.copy(), truth.copy()
    base[:60] = (base[:60] + 1) % 3
    worse[:160] = (worse[:160] + 2) % 3
    classes = ("a", "b", "c")
    found = robustness.drops(
        "classification", truth, Predictions(base, classes), {"x": Predictions(worse, classes)}
    )
    for name, metric in (
        ("accuracy", metrics.accuracy_score),
        ("f1", lambda t, p: metrics.f1_score(t, p, average="weighted")),
    ):
        before, after = metric(truth, base), metric(truth, worse)
        drop = found["x"][name]
        assert drop.value == pytest.approx((before - after) / before)
        assert drop.low is not None
        assert drop.high is not None
        assert drop.low < drop.value < drop.high


def test_drops_of_a_regression_are_those_of_scikit_learn() -> None:
    truth = GENERATOR.normal(100, 3, 400)
    base, worse = truth + GENERATOR.normal(0, 1, 400), truth + GENERATOR.normal(0, 2, 400)
    changed = {"x": Predictions(worse, ())}
    found = robustness.drops("regression", truth, Predictions(base, ()), changed)["x"]["r2"]
    before, after = metrics.r2_score(truth, base), metrics.r2_score(truth, worse)
    assert found.value == pytest.approx((before - after) / before)
    useless = Predictions(np.full(400, truth.mean() + 9), ())
    assert robustness.drops("regression", truth, useless, changed) == {"x": {}}


def test_the_interval_of_a_drop_is_paired() -> None:
    truth = GENERATOR.integers(0, 2, 600)
    base = np.where(GENERATOR.random(600) < 0.7, truth, 1 - truth)
    worse = base.copy()
    worse[:3] = 1 - truth[:3]
    two = ("a", "b")
    changed = {"x": Predictions(worse, two)}
    drop = robustness.drops("classification", truth, Predictions(base, two), changed)["x"]
    low, high = drop["accuracy"].low, drop["accuracy"].high
    assert low is not None
    assert high is not None
    assert high - low < 0.015, "three rows of 600; unpaired it would be 0.15"


def test_a_sturdy_model_holds() -> None:
    verdict = judged(sturdy().fit(INPUTS, LABELS), INPUTS, LABELS)
    assert {finding.rule.partition(".")[2] for finding in verdict.findings} == set(PROBES)
    for name in ("missing", "unseen", "order", "repeat", "one_row", "dtype_category"):
        finding = of(verdict, name)
        assert finding.earned == finding.worth, finding
    assert sum(finding.worth for finding in verdict.findings) == pytest.approx(1)
    assert verdict.details["robustness"]


def test_its_figures_can_be_computed_again() -> None:
    model = sturdy().fit(INPUTS, LABELS)
    verdict = judged(model, INPUTS, LABELS)
    probe = perturb.missing(table_of(INPUTS))
    assert probe.table is not None
    before, after = model.predict(INPUTS), model.predict(frame_of(probe.table))
    drops = []
    for metric in (
        metrics.accuracy_score,
        lambda t, p: metrics.f1_score(t, p, average="weighted"),
    ):
        start = metric(LABELS, before)
        drops.append((start - metric(LABELS, after)) / start)
    figures = {f.name: f for f in verdict.figures}
    assert figures["drop_missing"].value == pytest.approx(max(drops))
    assert figures["drop_missing"].samples == ROWS


def test_a_refusal_is_told_from_an_accident_and_its_input_is_named() -> None:
    columns = ColumnTransformer(
        [("n", "passthrough", ["size", "age"]), ("t", OneHotEncoder(), ["colour"])]
    )
    model = make_pipeline(columns, LogisticRegression(max_iter=2000)).fit(INPUTS, LABELS)
    verdict = judged(model, INPUTS, LABELS)
    missing = of(verdict, "missing")
    assert missing.severity is Severity.MINOR
    assert missing.earned == pytest.approx(missing.worth / 2)
    assert "refused instead of answered, on row" in missing.message
    assert "= missing (was" in missing.message
    unseen = of(verdict, "unseen")
    assert "colour = 'never seen before' (was '" in unseen.message
    assert "Found unknown categories" in unseen.message
    assert unseen.recommendation is not None
    assert "handle_unknown" in unseen.recommendation


def test_the_row_that_is_named_fails_by_itself() -> None:
    columns = ColumnTransformer([("t", OneHotEncoder(), ["colour"])], remainder="passthrough")
    model = make_pipeline(columns, DecisionTreeClassifier(max_depth=3)).fit(INPUTS, LABELS)
    verdict = judged(model, INPUTS, LABELS)
    message = of(verdict, "unseen").message
    row = int(message.partition("on row ")[2].partition(",")[0]) - 1
    assert INPUTS["colour"][row] in message.partition("(was ")[2]
    with pytest.raises(ValueError, match="unknown categories"):
        model.predict(INPUTS.iloc[[row]].assign(colour="never seen before"))


def test_answers_that_are_no_numbers_are_an_accident() -> None:
    target = INPUTS["size"] + 100
    model = TransformedTargetRegressor(
        LinearRegression(), func=np.square, inverse_func=np.sqrt, check_inverse=False
    ).fit(NUMBERS, target)
    with np.errstate(invalid="ignore"):
        verdict = judged(model, NUMBERS, target)
    extremes = of(verdict, "extremes")
    assert extremes.severity is Severity.MAJOR
    assert extremes.earned == 0
    assert "fails on row" in extremes.message
    assert "NaN or infinite" in extremes.message


def test_a_model_that_guesses_is_found() -> None:
    model = DummyClassifier(strategy="stratified").fit(NUMBERS, LABELS)
    verdict = judged(model, NUMBERS, LABELS)
    repeat = of(verdict, "repeat")
    assert repeat.severity is Severity.MAJOR
    assert "silently" in repeat.message
    alone = of(verdict, "one_row")
    assert alone.grade is Grade.MISSING
    assert alone.earned == 0


def test_an_answer_that_depends_on_the_batch_is_found() -> None:
    model = make_pipeline(FunctionTransformer(scale), LogisticRegression()).fit(NUMBERS, LABELS)
    verdict = judged(model, NUMBERS, LABELS)
    alone = of(verdict, "one_row")
    assert alone.severity is Severity.MAJOR
    assert "of 20 rows, silently" in alone.message
    assert of(verdict, "repeat").severity is Severity.INFO


def test_columns_taken_by_position_are_found() -> None:
    model = make_pipeline(FunctionTransformer(np.asarray), LogisticRegression(max_iter=1000))
    model.fit(NUMBERS, LABELS)
    verdict = judged(model, NUMBERS, LABELS)
    order = of(verdict, "order")
    assert order.severity is Severity.MAJOR
    assert "by name" in (order.recommendation or "")


def test_a_plain_matrix_has_no_names() -> None:
    model = LogisticRegression(max_iter=1000).fit(NUMBERS.to_numpy(), LABELS)
    verdict = judged(model, NUMBERS, LABELS, frame=False)
    order = of(verdict, "order")
    assert order.worth == 0
    assert "does not apply" in order.message


def test_rows_are_sampled_and_it_is_said() -> None:
    model = sturdy().fit(INPUTS, LABELS)
    verdict = judged(model, INPUTS, LABELS, rows=100)
    assert "100 of 240 rows" in verdict.message
    assert {f.samples for f in verdict.figures} == {100}


def test_a_model_that_explains_nothing_cannot_lose_anything() -> None:
    model = DummyRegressor(strategy="constant", constant=99.0).fit(NUMBERS, SIGNAL)
    verdict = judged(model, NUMBERS, SIGNAL)
    missing = of(verdict, "missing")
    assert missing.grade is Grade.MISSING
    assert missing.earned == 0
    assert not verdict.passed


def test_in_the_sandbox_the_lending_model_holds() -> None:
    verdict = judge(LENDING, "model_robustness").verdicts[0]
    assert verdict.passed
    assert {finding.rule.partition(".")[2] for finding in verdict.findings} == set(PROBES)
    # Types that no file can hold reach the model on its own side.
    for name in ("dtype_category", "dtype_float32", "order"):
        assert of(verdict, name).earned == of(verdict, name).worth > 0


def test_in_the_sandbox_an_exception_leaves_the_model_alive(tmp_path: Path) -> None:
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(NUMBERS, LABELS)
    (tmp_path / "m.pkl").write_bytes(pickle.dumps(model))
    NUMBERS.assign(y=LABELS).to_csv(tmp_path / "e.csv", index=False)
    (tmp_path / "holdpoint.yml").write_text("data: {evaluation: e.csv, target: y}\n")
    report = judge(tmp_path, "model_robustness")
    missing = finding_of(report, "model_robustness.missing")
    assert missing.earned == pytest.approx(missing.worth / 2)
    assert "= missing (was" in missing.message
    assert "ValueError: Input X contains NaN" in missing.message
    assert finding_of(report, "model_robustness.one_row").severity is Severity.INFO


def test_a_model_that_cannot_be_run_is_critical(tmp_path: Path) -> None:
    (tmp_path / "m.pkl").write_bytes(b"")
    (tmp_path / "holdpoint.yml").write_text("data: {evaluation: e.csv, target: y}\n")
    verdict = judge(tmp_path, "model_robustness").verdicts[0]
    assert verdict.score is None
    assert verdict.critical


def outcome(name: str, **more: Any) -> Outcome:
    """An outcome of 100 rows."""
    return Outcome(name, f"title of {name}", 100, **more)


def points(*outcomes: Outcome) -> list[tuple[str, float, float]]:
    """What the judge gives: severity, worth and earned by outcome."""
    evidence = Robustness("m.pkl", "e.csv", 100, 100, {"accuracy": 0.9}, outcomes)
    found = {f.rule: f for f in CHECK.judge(evidence, Config()).findings}
    findings = [found[f"model_robustness.{each.name}"] for each in outcomes]
    return [(f.severity.value, round(f.worth, 4), round(f.earned, 4)) for f in findings]


def drop(value: float) -> dict[str, Estimate]:
    """Drops by metric, of which F1's is the larger."""
    return {
        "accuracy": Estimate(value / 2, None, None, 100, 200),
        "f1": Estimate(value, value - 0.01, value + 0.01, 100, 200),
    }


def test_a_drop_brings_its_share() -> None:
    found = points(
        outcome("noise_0.1", drops=drop(0.049)),
        outcome("missing", drops=drop(0.1)),
        outcome("extremes", drops=drop(0.05)),
        outcome("unseen", drops=drop(-0.2)),
    )
    assert found == [
        ("info", 0.25, 0.25),
        ("major", 0.25, 0.125),
        ("major", 0.25, 0.25),
        ("info", 0.25, 0.25),
    ]


def test_types_share_one_place_and_what_does_not_apply_counts_nothing() -> None:
    found = points(
        outcome("order", why_not="one column"),
        outcome("dtype_float32", different=1),
        outcome("dtype_floats", different=2),
        outcome("repeat", different=0),
        outcome("one_row", untold="the time was spent"),
    )
    third = round(1 / 3, 4)
    assert found == [
        ("info", 0.0, 0.0),
        ("info", round(1 / 6, 4), round(1 / 6, 4)),
        ("major", round(1 / 6, 4), 0.0),
        ("info", third, third),
        ("minor", third, 0.0),
    ]


@pytest.mark.parametrize(
    ("name", "refused", "expected"),
    [
        ("missing", True, ("minor", 1.0, 0.5)),
        ("missing", False, ("major", 1.0, 0.0)),
        ("order", True, ("info", 1.0, 1.0)),
        ("order", False, ("major", 1.0, 0.0)),
    ],
)
def test_refusals_and_accidents(
    name: str, refused: bool, expected: tuple[str, float, float]
) -> None:
    failure = Failure("ValueError: no", refused, 3, "age", "missing (was 4)")
    assert points(outcome(name, failure=failure)) == [expected]
