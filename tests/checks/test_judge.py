"""Scores and readiness: means, criticals, and that less evidence is never worth more."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks import catalog, config
from checks.catalog import deployment, inference_performance, model_performance
from checks.catalog.deployment import ITEMS, Gathered
from checks.config import Config
from checks.evidence.release import Defect
from checks.judge import judge
from checks.measure.bootstrap import Estimate
from checks.measure.performance import Performance
from checks.measure.slices import SliceScan
from checks.report import Evidence, Finding, Grade, Location, Severity, State, Verdict

DEFAULTS = Config()


def verdict(score: float | None, *, critical: bool = False, applicable: bool = True) -> Verdict:
    """A verdict with one finding."""
    severity = Severity.CRITICAL if critical else Severity.MAJOR
    finding = Finding("x.y", Grade.FOUND, severity, "a sentence", 1, score or 0, None, "mend it")
    passed = (score or 0) >= 0.8
    return Verdict("x", passed, score, "m", critical, applicable, ("mend it",), (finding,))


def test_overall_is_the_mean_of_what_applies() -> None:
    found = judge([verdict(1.0), verdict(0.7), verdict(None, applicable=False)])
    assert found.score == 0.85
    assert found.is_ready
    assert found.recommendations == ("mend it",)


def test_what_could_not_be_judged_counts_nothing() -> None:
    found = judge([verdict(1.0), verdict(None, critical=True)])
    assert found.score == 0.5
    assert not found.is_ready
    assert found.critical_issues == ("x: a sentence",)


def test_what_was_found_to_be_critical_comes_before_what_scores_too_low() -> None:
    low = replace(verdict(0.1, critical=True), check_name="low", findings=())
    found = judge([low, verdict(0.2, critical=True)])
    assert found.critical_issues == ("x: a sentence", "low: the score is too low (0.10): m")


@given(st.lists(st.floats(0.95, 1.0), min_size=1, max_size=12), st.integers(0, 11))
def test_one_critical_issue_is_enough_to_be_not_ready(scores: list[float], index: int) -> None:
    verdicts = [verdict(score) for score in scores]
    assert judge(verdicts).is_ready
    position = index % len(verdicts)
    verdicts[position] = verdict(scores[position], critical=True)
    assert not judge(verdicts).is_ready


def test_nothing_and_a_part_are_never_ready() -> None:
    assert not judge([]).is_ready
    assert judge([]).score is None
    assert not judge([verdict(None, applicable=False)]).is_ready
    assert not judge([verdict(1.0)], complete=False).is_ready


def test_recommendations_are_critical_first_and_said_once() -> None:
    minor = Finding("a.b", Grade.FOUND, Severity.MINOR, "m", recommendation="later")
    critical = Finding("a.c", Grade.FOUND, Severity.CRITICAL, "c", recommendation="now")
    one = Verdict("a", False, 0.5, "", True, findings=(minor, minor))
    other = Verdict("b", False, 0.5, "", True, findings=(critical, minor))
    assert judge([one, other]).recommendations == ("now", "later")


@pytest.mark.parametrize(
    ("score", "words"),
    [(0.3, "Rework"), (0.55, "Address"), (0.7, "Stage"), (0.9, "Release step by step")],
)
def test_next_steps(score: float, words: str) -> None:
    steps = judge([verdict(score)]).next_steps
    assert any(step.startswith(words) for step in steps)
    assert steps[-1].startswith("Keep watching")


def gathered(names: set[str], *, bad: int = 0) -> Gathered:
    """What a tree with evidence for these items yields."""
    found = {name: (Evidence("found", State.FOUND, "there", Location("f", 1)),) for name in names}
    defect = Defect("root", Severity.MAJOR, "runs as root", Location("Dockerfile", 1), "fix it")
    return Gathered(found, (defect,) * bad)


names = st.sets(st.sampled_from(sorted(ITEMS)))


@given(names, names, st.integers(0, 3))
def test_removing_evidence_never_raises_the_score(kept: set[str], lost: set[str], bad: int) -> None:
    more = deployment.CHECK.judge(gathered(kept | lost, bad=bad), DEFAULTS)
    less = deployment.CHECK.judge(gathered(kept), DEFAULTS)
    assert less.score is not None
    assert more.score is not None
    assert less.score <= more.score
    assert not (less.passed and not more.passed)


@given(names)
def test_a_declaration_is_worth_half_and_shown(found: set[str]) -> None:
    text = b"declarations: [{item: deployment.rollback, says: they do}]"
    declared = config.load(text, "holdpoint.yml", catalog.discover())
    without = deployment.CHECK.judge(gathered(found - {"rollback.path"}), DEFAULTS)
    said = deployment.CHECK.judge(gathered(found - {"rollback.path"}), declared)
    there = deployment.CHECK.judge(gathered(found | {"rollback.path"}), declared)
    assert without.score is not None
    assert said.score == pytest.approx(without.score + 0.05)
    assert there.score == pytest.approx(without.score + 0.1)
    shown = next(f for f in said.findings if f.rule == "deployment.rollback.path")
    assert shown.grade is Grade.DECLARED
    assert shown.message == "declared, not found: they do"


def test_the_items_are_worth_what_they_should_be() -> None:
    totals: dict[str, float] = {}
    for name, item in ITEMS.items():
        key = name.partition(".")[0]
        totals[key] = totals.get(key, 0) + item.worth
    assert totals == pytest.approx(dict(deployment.CHECK.items))


def test_high_risk_asks_for_an_advanced_strategy() -> None:
    text = b"checks: {deployment: {risk: high}}"
    high = config.load(text, "holdpoint.yml", catalog.discover())
    plain = gathered(set(ITEMS) - {"advanced.strategy"})
    rules = [f.rule for f in deployment.CHECK.judge(plain, high).findings]
    assert "deployment.risk" in rules
    assert "deployment.risk" not in [
        f.rule for f in deployment.CHECK.judge(gathered(set(ITEMS)), high).findings
    ]


def performance(**values: float) -> Performance:
    """Evidence with these metrics on 500 rows and a sound gain."""
    estimates = {name: Estimate(v, v - 0.02, v + 0.02, 500, 2000) for name, v in values.items()}
    gain = {"accuracy": Estimate(0.1, 0.05, 0.15, 500, 2000)}
    task = "regression" if "r2" in values else "classification"
    return Performance(
        task=task,
        rows=500,
        of_total="500 rows",
        data_path="d.csv",
        model_path="m.pkl",
        estimates=estimates,
        trivial="always answering 'no'",
        gains=gain,
        scan=SliceScan((), 0),
    )


GOOD = performance(accuracy=0.9, precision=0.9, recall=0.9, f1=0.9)


def test_met_thresholds_earn_everything() -> None:
    found = model_performance.CHECK.judge(GOOD, DEFAULTS)
    assert found.score == 1.0
    assert found.passed
    assert not found.critical


def test_a_shortfall_costs_twice_its_relative_size() -> None:
    found = model_performance.CHECK.judge(
        performance(accuracy=0.85, precision=0.72, recall=0.8, f1=0.4), DEFAULTS
    )
    # precision is 10 % short and earns 0.8; F1 is half and earns nothing
    assert found.score == pytest.approx((1 + 0.8 + 1 + 0) / 4)
    assert not found.passed
    assert found.recommendations == ("m.pkl: bring precision 0.720 to 0.8, F1 0.400 to 0.8",)


def test_far_below_is_critical() -> None:
    found = model_performance.CHECK.judge(
        performance(accuracy=0.5, precision=0.5, recall=0.5, f1=0.5), DEFAULTS
    )
    assert found.critical


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_better_figure_never_scores_less(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert model_performance.share_earned("f1", low, 0.8) <= model_performance.share_earned(
        "f1", high, 0.8
    )
    assert model_performance.share_earned("mae", high, 0.4) <= model_performance.share_earned(
        "mae", low, 0.4
    )


def test_a_model_no_better_than_the_trivial_answer_is_critical() -> None:
    useless = replace(GOOD, gains={"accuracy": Estimate(0.0, 0.0, 0.0, 500, 2000)})
    found = model_performance.CHECK.judge(useless, DEFAULTS)
    assert found.score == 1.0
    assert found.critical
    assert not found.passed
    unsure = replace(GOOD, gains={"accuracy": Estimate(0.01, -0.02, 0.04, 30, 2000)})
    severities = {f.severity for f in model_performance.CHECK.judge(unsure, DEFAULTS).findings}
    assert Severity.MAJOR in severities


def test_a_model_whose_labels_are_worse_than_the_trivial_answer_is_told_so() -> None:
    """A good ranking does not make up for it: the threshold is wrong."""
    gains = {
        "accuracy": Estimate(-0.2, -0.27, -0.15, 400, 2000),
        "roc_auc": Estimate(0.22, 0.13, 0.30, 400, 2000),
    }
    found = model_performance.CHECK.judge(replace(GOOD, gains=gains), DEFAULTS)
    said = next(f for f in found.findings if f.rule == "model_performance.gain")
    assert said.severity is Severity.MAJOR
    assert said.message.startswith("worse than always answering 'no' in accuracy:")
    assert "decision threshold" in (said.recommendation or "")
    by_chance = gains | {"accuracy": Estimate(-0.02, -0.05, 0.01, 400, 2000)}
    found = model_performance.CHECK.judge(replace(GOOD, gains=by_chance), DEFAULTS)
    said = next(f for f in found.findings if f.rule == "model_performance.gain")
    assert said.severity is Severity.INFO


def test_a_threshold_on_a_figure_that_is_missing_fails() -> None:
    text = b"checks: {model_performance: {roc_auc: 0.7}}"
    asked = config.load(text, "holdpoint.yml", catalog.discover())
    found = model_performance.CHECK.judge(GOOD, asked)
    assert found.score == pytest.approx(0.8)
    assert any(f.grade is Grade.MISSING for f in found.findings)


def test_worse_than_the_base_branch_beyond_chance_is_major() -> None:
    changed = replace(
        GOOD,
        changes={
            "accuracy": Estimate(-0.03, -0.05, -0.01, 500, 2000),
            "log_loss": Estimate(0.03, 0.01, 0.05, 500, 2000),
            "f1": Estimate(-0.01, -0.03, 0.01, 500, 2000),
        },
    )
    findings = model_performance.CHECK.judge(changed, DEFAULTS).findings
    worse = {f.rule for f in findings if f.severity is Severity.MAJOR}
    assert worse == {"model_performance.change.accuracy", "model_performance.change.log_loss"}


def test_regression_has_thresholds_of_its_own() -> None:
    found = model_performance.CHECK.judge(performance(r2=0.45, mae=2.0, rmse=3.0), DEFAULTS)
    assert found.score == pytest.approx(0.8)
    assert [f.name for f in found.figures if f.threshold is not None] == ["r2"]


def latency(times: list[float], growth: int = 0) -> inference_performance.Evidence:
    """Evidence of these single calls in milliseconds."""
    return inference_performance.Evidence(
        "m.pkl", 100.0, tuple(times), 5000.0, 1000, 20, growth, 200_000_000, 35_000
    )


@pytest.mark.parametrize(
    ("times", "growth", "score", "passed", "critical"),
    [
        ([10.0] * 100, 0, 1.0, True, False),
        ([10.0] * 100, 100_000_000, 1.0, True, False),
        ([10.0] * 100, 100_000_001, 0.8, True, False),
        ([10.0] * 97 + [900.0] * 3, 0, 2 / 3, False, False),
        ([10.0] * 97 + [900.0] * 3, 200_000_000, 2 / 3 * 0.8, False, False),
        ([150.0] * 94 + [400.0] * 6, 0, 1 / 3, False, True),
        ([900.0] * 100, 0, 0.0, False, True),
    ],
)
def test_latency(
    times: list[float], growth: int, score: float, passed: bool, critical: bool
) -> None:
    found = inference_performance.CHECK.judge(latency(times, growth), DEFAULTS)
    assert found.score == pytest.approx(score, abs=1e-6)
    assert (found.passed, found.critical) == (passed, critical)
    p99 = next(figure for figure in found.figures if figure.name == "p99_ms")
    assert p99.samples == 100
