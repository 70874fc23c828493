"""Fairness: every figure is fairlearn's, small groups never pass, nothing configured is no pass."""

from __future__ import annotations

from typing import Any, cast

import joblib
import numpy as np
import pandas as pd
import pytest
from fairlearn import metrics as fair
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from checks.catalog.model_fairness import CHECK
from checks.check import Context
from checks.config import Config
from checks.measure import attributes, group_rates
from checks.measure.group_rates import Difference, Rows
from checks.report import Grade, Severity, Verdict
from checks.sandbox.table import column_of
from tests.checks.conftest import LENDING, judge
from tests.checks.in_process import InProcess
from tests.checks.trees import of

FAIRLEARN = {
    "demographic_parity": fair.demographic_parity_difference,
    "equalized_odds": fair.equalized_odds_difference,
    "equal_opportunity": fair.equal_opportunity_difference,
}


class Fixed:
    """A model that says what a column of its inputs says."""

    def __init__(self, column: str, classes: Any = ()) -> None:
        self.column, self.classes_ = column, np.array(classes)

    def predict(self, rows: pd.DataFrame) -> Any:
        """The column."""
        return rows[self.column].to_numpy()


def judged(rows: pd.DataFrame, target: Any, **more: Any) -> Verdict:
    """The verdict on a model that answers what the column `said` says."""
    names = {"protected_attributes", "least_rows", "four_fifths", "no_attributes_because",
             "favourable_label", "threshold"}  # fmt: skip
    chosen = {name: more.pop(name) for name in names & set(more)}
    config = Config(settings={CHECK.name: CHECK.settings(**chosen)})
    runs = InProcess(Fixed("said"), rows, target, **more).as_runs()
    return CHECK.judge(CHECK.collect(Context(cast("Any", None), config, runs)), config)


def by_name(found: tuple[Difference, ...]) -> dict[str, Difference]:
    """Differences by name."""
    return {each.name: each for each in found}


def masks(groups: Any) -> dict[str, Any]:
    """A mask for each group."""
    return {str(name): np.asarray(groups == name) for name in np.unique(groups)}


@settings(max_examples=10, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 1), st.integers(0, 1)),
        min_size=12,
        max_size=80,
    )
)
def test_differences_are_fairlearns(rows: list[tuple[int, int, int]]) -> None:
    # Every group has both kinds of rows, without which no rate is defined.
    ends = [(g, t, t) for g in range(3) for t in range(2)]
    groups, truth, said = (np.array([row[place] for row in [*rows, *ends]]) for place in range(3))
    found = by_name(
        group_rates.differences(Rows("classification", truth, said, 1, 2), masks(groups), 1)
    )
    for name, oracle in FAIRLEARN.items():
        wanted = oracle(truth, said, sensitive_features=groups)
        assert found[name].value == pytest.approx(wanted, abs=1e-12), name
        assert (found[name].low or 0) <= wanted + 1e-12
        assert (found[name].high or 0) >= wanted - 1e-12
    frame = fair.MetricFrame(
        metrics=metrics.accuracy_score, y_true=truth, y_pred=said, sensitive_features=groups
    )
    assert found["accuracy_gap"].value == pytest.approx(frame.difference(), abs=1e-12)


def test_several_labels_and_numbers_are_those_of_plain_numpy() -> None:
    generator = np.random.default_rng(1)
    groups, truth = generator.integers(0, 2, 400), generator.integers(0, 3, 400)
    said = np.where(generator.random(400) < 0.6 + 0.2 * groups, truth, (truth + 1) % 3)
    found = by_name(
        group_rates.differences(Rows("classification", truth, said, None, 3), masks(groups), 30)
    )
    shares = [
        abs((said[groups == 0] == label).mean() - (said[groups == 1] == label).mean())
        for label in range(3)
    ]
    assert found["demographic_parity"].value == pytest.approx(max(shares))
    right = said == truth
    gap = abs(right[groups == 0].mean() - right[groups == 1].mean())
    assert found["accuracy_gap"].value == pytest.approx(gap)
    numbers = truth + generator.normal(0, 1, 400) + groups
    found = by_name(
        group_rates.differences(Rows("regression", truth * 1.0, numbers, None), masks(groups), 30)
    )
    spread = truth.std()
    mean = abs(numbers[groups == 0].mean() - numbers[groups == 1].mean()) / spread
    assert found["prediction_gap"].value == pytest.approx(mean)
    error = numbers - truth
    wanted = abs(error[groups == 0].mean() - error[groups == 1].mean()) / spread
    assert found["error_gap"].value == pytest.approx(wanted)
    assert found["error_gap"].high == pytest.approx(wanted + 1.96 * 2 / 20 / spread, rel=0.1)


@pytest.mark.parametrize(
    ("name", "protected"),
    [
        ("age", True), ("AGE", True), ("applicantAge", True), ("age_group", True),
        ("applicant-sex", True), ("race", True), ("Marital Status", True), ("income", True),
        ("stage", False), ("usage", False), ("percentage", False), ("average", False),
        ("message", False), ("language", False), ("mileage", False), ("trace", False),
        ("sexton", False), ("embrace", False),
    ],
)  # fmt: skip
def test_a_name_is_recognised_by_whole_words(name: str, protected: bool) -> None:
    assert attributes.is_protected(name) is protected


def test_ages_are_compared_by_decade_and_other_numbers_by_quartile() -> None:
    ages = column_of("age", np.array([18, 29, 30, 39, 71]))
    assert list(attributes.groups(ages)) == ["10 to 19", "20 to 29", "30 to 39", "70 to 79"]
    income = column_of("income", np.arange(100) * 1.5)
    assert [int(mask.sum()) for mask in attributes.groups(income).values()] == [25] * 4


def people(count: int = 400, gap: float = 0.3) -> tuple[pd.DataFrame, Any]:
    """Rows of two groups, and what the model says about them."""
    generator = np.random.default_rng(2)
    sex = generator.choice(["f", "m"], count)
    truth = generator.random(count) < 0.4
    said = truth ^ (generator.random(count) < 0.1 + gap * (sex == "f"))
    labels = np.where(said, "yes", "no")
    rows = pd.DataFrame({"said": labels, "sex": sex, "size": generator.normal(size=count)})
    return rows, np.where(truth, "yes", "no")


def test_a_guess_is_said_to_be_one() -> None:
    rows, target = people()
    verdict = judged(rows, target, ignore=("sex",))
    assert "which is a guess" in of(verdict, "attributes").message
    assert "sex" in verdict.message
    named = judged(rows, target, protected_attributes=("sex",))
    assert not [f for f in named.findings if f.rule == "model_fairness.attributes"]
    assert named.score == verdict.score


def test_an_issue_costs_half_an_attribute() -> None:
    rows, target = people()
    verdict = judged(rows, target, protected_attributes=("sex",))
    odds = of(verdict, "equalized_odds.sex")
    assert odds.severity is Severity.MAJOR
    assert odds.recommendation
    issues = sum(f.severity is Severity.MAJOR for f in verdict.findings)
    assert verdict.score == pytest.approx(1 - issues / 2)
    assert not verdict.critical
    fine = judged(*people(gap=0.0), protected_attributes=("sex",), threshold=0.2)
    assert fine.score == 1
    assert fine.passed


def test_more_than_two_issues_are_critical() -> None:
    rows, target = people()
    rows = rows.assign(gender=rows["sex"])
    verdict = judged(rows, target, protected_attributes=("sex", "gender"), threshold=0.0)
    assert verdict.critical
    assert verdict.score == 0


def test_few_rows_are_never_a_pass() -> None:
    rows, target = people(50, gap=0.0)
    verdict = judged(rows, target, protected_attributes=("sex",))
    assert verdict.score == 0
    assert not verdict.passed
    parity = of(verdict, "demographic_parity.sex")
    assert parity.grade is Grade.MISSING
    assert "too few to say: f, m" in parity.message


def test_nothing_configured_and_nothing_found_is_no_success() -> None:
    rows, target = people()
    rows = rows.drop(columns="sex")
    for chosen in (None, ()):
        verdict = judged(rows, target, protected_attributes=chosen)
        assert verdict.score == 0
        assert verdict.applicable
        assert "no_attributes_because" in (of(verdict, "attributes").recommendation or "")
    said = judged(rows, target, protected_attributes=(), no_attributes_because="about bolts")
    assert not said.applicable
    assert said.score is None
    assert "about bolts" in said.message


def test_a_named_column_that_is_gone_costs_its_places() -> None:
    rows, target = people(gap=0.0)
    verdict = judged(rows, target, protected_attributes=("sex", "sexx"), threshold=0.2)
    assert verdict.score == pytest.approx(0.5)
    assert "the nearest name is 'sex'" in of(verdict, "equalized_odds.sexx").message


def test_the_four_fifths_rule_is_checked_where_it_is_asked_for() -> None:
    rows, target = people()
    plain = judged(rows, target, protected_attributes=("sex",))
    assert not [f for f in plain.findings if "four_fifths" in f.rule]
    verdict = judged(
        rows, target, protected_attributes=("sex",), four_fifths=True, favourable_label="no"
    )
    rates = (rows["said"] == "no").groupby(rows["sex"]).mean()
    found = of(verdict, "four_fifths.sex")
    assert f"is {rates.min() / rates.max():.2f} of the highest" in found.message


def test_groups_together_are_shown() -> None:
    rows, target = people(800)
    race = np.random.default_rng(4).choice(["a", "b"], 800)
    verdict = judged(rows.assign(race=race), target, protected_attributes=("sex", "race"))
    together = of(verdict, "together.sex+race")
    both = rows["sex"] + " and " + race
    said = (rows["said"] == "yes").astype(int)
    wanted = fair.demographic_parity_difference(said, said, sensitive_features=both)
    assert f"is {wanted:.3f}" in together.message
    assert together.worth == 0


def test_lending_has_the_figures_of_fairlearn_and_says_what_is_wrong() -> None:
    verdict = judge(LENDING, "model_fairness").verdicts[0]
    figures = {figure.name: figure for figure in verdict.figures}
    data = pd.read_csv(LENDING / "data" / "evaluation.csv")
    model = joblib.load(LENDING / "model" / "model.joblib")
    truth = (data["deny"] == "yes").astype(int)
    said = (model.predict(data[list(model.feature_names_in_)]) == "yes").astype(int)
    for name, attribute in [
        ("demographic_parity", "afam"), ("demographic_parity", "single"),
        ("equalized_odds", "single"), ("equal_opportunity", "single"),
    ]:  # fmt: skip
        wanted = FAIRLEARN[name](truth, said, sensitive_features=data[attribute])
        assert figures[f"{name}_{attribute}"].value == pytest.approx(wanted, abs=1e-12)
    assert of(verdict, "demographic_parity.afam").severity is Severity.MAJOR
    assert "too few to say: yes" in of(verdict, "equalized_odds.afam").message
    assert not verdict.critical
    assert verdict.score == 0.5
    rates = verdict.details["fairness"]
    assert isinstance(rates, list)
    shares = {g["group"]: g["selection_rate"] for g in rates[0]["groups"]}
    assert shares == pytest.approx(pd.Series(said).groupby(data["afam"]).mean().to_dict(), abs=1e-6)
