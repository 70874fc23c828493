"""Every metric agrees with scikit-learn on the rows as they are and on any resample of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from checks.measure import bootstrap, classification, regression

if TYPE_CHECKING:
    from checks.measure.bootstrap import Array, Floats, Metric


def draw(seed: int, rows: int, classes: int) -> tuple[Array, Array, Floats, Array]:
    """Truth that holds every class, predictions, probabilities with ties, and row counts."""
    generator = np.random.default_rng(seed)
    truth = np.r_[np.arange(classes), generator.integers(0, classes, rows - classes)]
    scores = np.round(generator.random((rows, classes)) + np.eye(classes)[truth], 1) + 0.05
    probabilities = scores / scores.sum(axis=1, keepdims=True)
    counts = np.ones(rows, dtype=np.int64)
    counts[classes:] = generator.integers(0, 4, rows - classes)
    predicted = generator.integers(0, classes, rows)
    return truth, predicted, probabilities, counts


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(12, 60), st.integers(2, 4))
def test_weights_mean_what_repeated_rows_mean(seed: int, rows: int, classes: int) -> None:
    truth, predicted, probabilities, counts = draw(seed, rows, classes)
    again = np.repeat(np.arange(rows), counts)
    mine = classification.metrics(truth, predicted, classes)
    positive = 1 if classes == 2 else None
    mine |= classification.probability_metrics(truth, probabilities, positive)
    t, p, q = truth[again], predicted[again], probabilities[again]
    expected = {"accuracy": reference.accuracy_score(t, p)}
    expected["precision"], expected["recall"], expected["f1"], _ = (
        reference.precision_recall_fscore_support(t, p, average="weighted", zero_division=0)
    )
    expected["log_loss"] = reference.log_loss(t, q)
    expected["roc_auc"] = (
        reference.roc_auc_score(t, q[:, 1])
        if classes == 2
        else reference.roc_auc_score(t, q, multi_class="ovr", average="weighted")
    )
    expected["ece"] = plain_ece(t, q)
    for name, value in expected.items():
        assert mine[name](counts[None, :].astype(float))[0] == pytest.approx(value, abs=1e-9), name


def plain_ece(truth: Array, probabilities: Floats) -> float:
    """The definition, bin by bin."""
    total = 0.0
    confidence, answer = probabilities.max(axis=1), probabilities.argmax(axis=1)
    for index in range(15):
        inside = (confidence > index / 15) & (confidence <= (index + 1) / 15)
        if inside.any():
            gap = abs((answer == truth)[inside].mean() - confidence[inside].mean())
            total += gap * inside.sum() / len(truth)
    return total


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(5, 60))
def test_regression_metrics_agree_on_any_resample(seed: int, rows: int) -> None:
    generator = np.random.default_rng(seed)
    truth = generator.normal(1000, 3, rows)
    predicted = truth + generator.normal(0, 1, rows)
    counts = generator.integers(0, 4, rows)
    counts[:3] = 1
    t, p = np.repeat(truth, counts), np.repeat(predicted, counts)
    mine = regression.metrics(truth, predicted)
    weights = counts[None, :].astype(float)
    assert mine["r2"](weights)[0] == pytest.approx(reference.r2_score(t, p), rel=1e-6)
    assert mine["mae"](weights)[0] == pytest.approx(reference.mean_absolute_error(t, p))
    rmse = reference.root_mean_squared_error(t, p)
    assert mine["rmse"](weights)[0] == pytest.approx(rmse)


def test_the_interval_is_that_of_a_plain_bootstrap_loop() -> None:
    truth, predicted, _, _ = draw(3, 400, 2)
    found = bootstrap.estimate(classification.metrics(truth, predicted, 2), 400)["f1"]
    generator = np.random.default_rng(7)
    plain = []
    for _ in range(500):
        rows = generator.integers(0, 400, 400)
        plain.append(reference.f1_score(truth[rows], predicted[rows], average="weighted"))
    low, high = np.quantile(plain, [0.025, 0.975])
    assert found.low == pytest.approx(low, abs=0.015)
    assert found.high == pytest.approx(high, abs=0.015)
    assert found.resamples == 2000
    assert found.rows == 400


def test_the_same_rows_give_the_same_interval_every_time() -> None:
    truth, predicted, _, _ = draw(5, 200, 3)
    metrics = classification.metrics(truth, predicted, 3)
    assert bootstrap.estimate(metrics, 200) == bootstrap.estimate(metrics, 200)


def test_a_paired_difference_is_narrower_than_two_intervals() -> None:
    generator = np.random.default_rng(1)
    truth = generator.integers(0, 2, 1000)
    one = np.where(generator.random(1000) < 0.85, truth, 1 - truth)
    other = one.copy()
    other[:40] = truth[:40]  # the same model, but right on forty more rows at most
    mine = classification.metrics(truth, other, 2)["accuracy"]
    theirs = classification.metrics(truth, one, 2)["accuracy"]
    paired = bootstrap.estimate({"d": bootstrap.difference(mine, theirs)}, 1000)["d"]
    alone = bootstrap.estimate({"a": mine}, 1000)["a"]
    assert paired.value == pytest.approx((other == truth).mean() - (one == truth).mean())
    assert paired.low is not None
    assert paired.high is not None
    assert alone.low is not None
    assert alone.high is not None
    assert paired.high - paired.low < (alone.high - alone.low) / 2
    assert paired.low > 0


def test_many_rows_get_fewer_resamples_but_never_too_few() -> None:
    assert bootstrap.resamples_for(700) == 2000
    assert 200 < bootstrap.resamples_for(20_000) < 2000
    assert bootstrap.resamples_for(10_000_000) == 200


def test_a_metric_without_a_value_is_left_out() -> None:
    constant = regression.metrics(np.ones(20), np.zeros(20))
    assert set(bootstrap.estimate(constant, 20)) == {"mae", "rmse"}


def test_the_confusion_matrix_is_scikit_learns() -> None:
    truth, predicted, _, _ = draw(9, 80, 3)
    expected = reference.confusion_matrix(truth, predicted).tolist()
    assert classification.confusion(truth, predicted, 3) == expected


def test_parts_of_many_rows_give_the_interval_of_all_of_them() -> None:
    """The bag of little bootstraps against the plain bootstrap, on each kind of metric."""
    generator = np.random.default_rng(7)
    rows = bootstrap.MANY_ROWS + 20_000
    truth = generator.integers(0, 2, rows)
    scores = 1 / (1 + np.exp(-generator.normal(2 * truth - 1, 1.5)))
    chances = np.c_[1 - scores, scores]

    def build(picks: Array | None) -> dict[str, Metric]:
        some = slice(None) if picks is None else picks
        answers = (scores[some] > 0.5).astype(int)
        return classification.metrics(truth[some], answers, 2) | (
            classification.probability_metrics(truth[some], chances[some], 1)
        )

    found = bootstrap.estimate_in_parts(build, rows)
    plain = bootstrap.estimate(build(None), rows)
    assert found.keys() == plain.keys()
    for name, each in found.items():
        other = plain[name]
        assert each.value == other.value
        assert None not in (each.low, each.high, other.low, other.high)
        width = (each.high or 0) - (each.low or 0)
        expected = (other.high or 0) - (other.low or 0)
        assert width == pytest.approx(expected, rel=0.25), name
        assert (each.low or 0) < each.value < (each.high or 1), name
    error = np.sqrt(plain["accuracy"].value * (1 - plain["accuracy"].value) / rows)
    accuracy = found["accuracy"]
    assert (accuracy.high or 0) - (accuracy.low or 0) == pytest.approx(3.92 * error, rel=0.15)
