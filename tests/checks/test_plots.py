"""The plots: their numbers are the report's, each says what it shows, odd data is drawn too."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from checks.measure import classification, regression
from checks.render import plots
from checks.render.plots import (
    calibration,
    confusion,
    fairness,
    importance,
    latency,
    residuals,
    robustness,
    score_bars,
)
from checks.render.svg import ticks
from checks.report import Figure, Verdict
from tests.checks.test_html import Node, everything, tree

if TYPE_CHECKING:
    from checks.render.svg import Plot

EMPTY = Verdict("x", True, 1.0, "")


def drawn(plot: Plot | None) -> Node:
    """The picture's elements."""
    assert plot is not None
    return tree(str(plot.svg))


def with_details(**details: object) -> Verdict:
    """A verdict with details."""
    return replace(EMPTY, details=details)


def texts(node: Node) -> list[str]:
    """Every text of the picture."""
    return [each.text for each in node.all("text")]


def attribute(node: Node, name: str) -> float:
    """A number of an element."""
    return float(node.attributes[name] or "nan")


def of_class(node: Node, tag: str, name: str) -> list[Node]:
    """Elements of a class."""
    return [each for each in node.all(tag) if each.attributes.get("class") == name]


def test_the_matrix_shows_its_counts_and_shares() -> None:
    node = drawn(
        confusion.of_verdict(
            with_details(classes=["no", "yes"], confusion=[[616, 13], [58, 27]]), "k"
        )
    )
    cells = [t for t in texts(node) if re.fullmatch(r"[\d,]+", t)]
    assert cells == ["616", "13", "58", "27"]
    assert [t for t in texts(node) if t.endswith("%")] == ["97.9%", "2.1%", "68.2%", "31.8%"]
    shades = [attribute(each, "fill-opacity") for each in of_class(node, "rect", "heat")]
    wanted = [616 / 629, 13 / 629, 58 / 85, 27 / 85]
    assert shades == pytest.approx([share * confusion.MOST_SHADE for share in wanted], abs=0.006)
    assert {"true class", "predicted class"} <= set(texts(node))


def test_many_classes_are_cut_and_it_is_said() -> None:
    size = 30
    rows = [[code + 1 if code == other else 1 for other in range(size)] for code in range(size)]
    names = [f"category_number_{code}" for code in range(size)]
    plot = confusion.of_verdict(with_details(classes=names, confusion=rows), "k")
    node = drawn(plot)
    assert plot is not None
    assert len(of_class(node, "rect", "heat")) == confusion.MOST_CLASSES**2
    shown = sum(rows[a][b] for a in range(18, 30) for b in range(18, 30))
    assert f"n = {sum(map(sum, rows)):,} rows" in plot.note
    assert f"the 12 of 30 classes with the most rows, which hold {shown:,} of the rows" in plot.note
    assert "catego…mber_29" in texts(node)


def test_one_class_and_a_class_without_rows_are_drawn() -> None:
    one = drawn(confusion.of_verdict(with_details(classes=["only"], confusion=[[12]]), "k"))
    assert "100.0%" in texts(one)
    none = drawn(
        confusion.of_verdict(with_details(classes=["a", "b"], confusion=[[0, 0], [0, 0]]), "k")
    )
    assert not any(text.endswith("%") for text in texts(none))


def test_the_curve_lies_where_the_figures_say() -> None:
    rng = np.random.default_rng(3)
    chances = rng.dirichlet([1.0, 1.0, 1.0], 500)
    truth = np.array([rng.choice(3, p=row) for row in chances])
    bins = classification.calibration_curve(truth, chances)
    ece = float(classification.calibration_error(truth, chances)(np.ones((1, 500)))[0])
    verdict = replace(
        with_details(calibration=bins), figures=(Figure("ece", ece, low=0.01, high=0.09),)
    )
    plot = calibration.of_verdict(verdict, "k")
    node, box = drawn(plot), calibration.CURVE
    assert plot is not None
    dots = of_class(node, "circle", "dot")
    across = [(attribute(dot, "cx") - box.left) / (box.right - box.left) for dot in dots]
    height = [(box.bottom - attribute(dot, "cy")) / (box.bottom - box.top) for dot in dots]
    assert across == pytest.approx([each["confidence"] for each in bins], abs=1e-3)
    assert height == pytest.approx([each["accuracy"] for each in bins], abs=1e-3)
    counts = [attribute(bar, "height") for bar in of_class(node, "rect", "bar")]
    most = max(each["rows"] for each in bins)
    tall = calibration.COUNTS.bottom - calibration.COUNTS.top
    assert counts == pytest.approx([each["rows"] / most * tall for each in bins], abs=0.01)
    # The error can be read off the curve: the mean distance from the diagonal, weighted by rows.
    rows = np.array([each["rows"] for each in bins])
    gap = np.abs(np.array(across) - np.array(height))
    assert (rows @ gap) / rows.sum() == pytest.approx(ece, abs=2e-3)
    assert f"n = 500 rows in {len(bins)} of 15 bins" in plot.note
    assert f"Expected calibration error: {ece:.4g} (0.01 to 0.09)." in plot.note


def test_whiskers_are_the_intervals_of_the_accuracy() -> None:
    each = {"bin": 14, "confidence": 0.97, "accuracy": 0.9, "low": 0.8, "high": 0.95, "rows": 7}
    node = drawn(calibration.of_verdict(with_details(calibration=[each]), "k"))
    (whisker,) = of_class(node, "line", "whisker")
    box = calibration.CURVE
    ends = [(box.bottom - attribute(whisker, y)) / (box.bottom - box.top) for y in ("y1", "y2")]
    assert ends == pytest.approx([0.8, 0.95], abs=1e-3)


@pytest.mark.parametrize(
    ("hits", "rows", "low", "high"),
    [(0, 10, 0, 0.2775), (9, 10, 0.5958, 0.9821), (10, 10, 0.7225, 1)],
)
def test_the_interval_of_a_share_is_wilsons(hits: int, rows: int, low: float, high: float) -> None:
    assert classification.wilson(hits, rows) == pytest.approx((low, high), abs=1e-4)


def test_the_histogram_counts_every_call_once() -> None:
    times = [1.0, 1.0, 2.0, 4.9, 5.0]
    figures = (
        Figure("mean_ms", 2.78, "ms", threshold=100),
        Figure("p99_ms", 4.996, "ms", threshold=500),
    )
    plot = latency.of_verdict(replace(with_details(single_ms=times), figures=figures), "k")
    node, box = drawn(plot), latency.AREA
    assert plot is not None
    bars = of_class(node, "rect", "bar")
    heights = [attribute(bar, "height") / (box.bottom - box.top) * 2 for bar in bars]
    assert heights == pytest.approx([2, 1, 2], abs=1e-3)
    marks = of_class(node, "line", "mark")
    places = [(attribute(m, "x1") - box.left) / (box.right - box.left) * 4 + 1 for m in marks]
    assert places == pytest.approx([2.78, 4.996], abs=1e-2)
    assert {"mean 2.78 ms", "p99 4.996 ms", "calls"} <= set(texts(node))
    assert plot.note == "n = 5 calls with one row each, 1 to 5 ms. Limits in ms: mean 100, p99 500."


def test_a_long_tail_is_drawn_on_a_logarithmic_axis() -> None:
    times = [float(value) for value in np.geomspace(0.1, 1000, 301)]
    node = drawn(latency.of_verdict(with_details(single_ms=times), "k"))
    assert "time of a call (milliseconds, logarithmic)" in texts(node)
    counts = Counter(latency.histogram([float(v) for v in np.log10(times)], -1, 3))
    assert set(counts) <= {9, 10, 11}, "evenly spread in the logarithm"
    for tick in ("0.1", "1", "100"):
        assert tick in texts(node)


FAIR = [
    {
        "attribute": "sex",
        "measure": "rate of the positive label",
        "groups": [
            {"group": "f", "rows": 96, "selection_rate": 0.15, "low": 0.1, "high": 0.25},
            {"group": "m", "rows": 618, "selection_rate": 0.05, "low": 0.03, "high": 0.06},
        ],
    }
]


def test_each_group_is_drawn_where_its_rate_is() -> None:
    plot = fairness.of_verdict(with_details(fairness=FAIR), "k")
    node = drawn(plot)
    assert plot is not None
    dots = [attribute(dot, "cx") for dot in of_class(node, "circle", "dot")]
    wide = fairness.RIGHT - fairness.LEFT
    rates = [(x - fairness.LEFT) / wide * 0.25 for x in dots]
    assert rates == pytest.approx([0.15, 0.05], abs=1e-3)
    ends = [(attribute(w, "x1"), attribute(w, "x2")) for w in of_class(node, "line", "whisker")]
    wanted = [(0.1, 0.25), (0.03, 0.06)]
    for drawn_ends, bounds in zip(ends, wanted, strict=True):
        places = [(x - fairness.LEFT) / wide * 0.25 for x in drawn_ends]
        assert places == pytest.approx(list(bounds), abs=1e-3)
    assert {"15.0%, 96", "5.0%, 618", "sex"} <= set(texts(node))
    assert plot.note.startswith("n = 714 rows. Bars: 95 % intervals (Wilson)")


NOISE = [
    {"scale": 0.001, "value": 0.9, "low": 0.89, "high": 0.91},
    {"scale": 0.1, "value": 0.88, "low": 0.86, "high": 0.895},
]
ROBUST: dict[str, object] = {
    "metric": "accuracy",
    "baseline": 0.9,
    "limit": 0.855,
    "rows": 714,
    "noise": NOISE,
    "probes": [{"probe": "extremes", "value": -40.0, "low": -60.0, "high": -20.0}],
}


def test_the_robustness_curve_lies_where_the_figures_say() -> None:
    plot = robustness.of_verdict(with_details(robustness=ROBUST), "k")
    node, box = drawn(plot), robustness.AREA
    assert plot is not None
    limit, ideal = (of_class(node, "line", name)[0] for name in ("mark", "ideal"))
    pixels = (attribute(limit, "y1") - attribute(ideal, "y1")) / (0.9 - 0.855)
    dots = [attribute(dot, "cy") for dot in of_class(node, "circle", "dot")]
    heights = [0.9 - (y - attribute(ideal, "y1")) / pixels for y in dots]
    assert heights == pytest.approx([0.9, 0.9, 0.88], abs=1e-4)
    ends = [attribute(w, "y1") - attribute(w, "y2") for w in of_class(node, "line", "whisker")]
    assert ends[:2] == pytest.approx([0.02 * pixels, 0.035 * pixels], rel=1e-2)
    # What falls deeper than is drawn stands on the floor, with its figure.
    assert len(of_class(node, "polygon", "bad")) == 1
    assert "-40" in texts(node)
    assert "n = 714 rows" in plot.note
    assert "Arrows: deeper than is drawn." in plot.note
    numbers = [float(n) for each in everything(node) for n in _numbers(each)]
    assert all(0 <= n <= max(box.bottom, 640) for n in numbers)


@pytest.mark.parametrize("times", [[0.0], [2.0, 2.0], [0.0, 5.0], [1e-9, 1e9], [5e-324, 1.0]])
def test_odd_times_are_drawn(times: list[float]) -> None:
    node = drawn(latency.of_verdict(with_details(single_ms=times), "k"))
    numbers = [float(n) for each in everything(node) for n in _numbers(each)]
    assert np.isfinite(numbers).all()


@pytest.mark.parametrize(
    ("low", "high", "wanted"),
    [
        (0, 0.25, [0, 0.05, 0.1, 0.15, 0.2, 0.25]),
        (42, 321, [100, 200, 300]),
        (-0.2, 0.4, [-0.2, 0, 0.2, 0.4]),
        (5, 5, [5]),
        (-1e308, 1e308, [-1e308]),
    ],
)
def test_the_axes_are_marked_at_round_values(low: float, high: float, wanted: list[float]) -> None:
    assert ticks(low, high) == pytest.approx(wanted)


BASIS = {"metric": "ROC AUC", "rows": 714, "columns": 3, "basis": "decline"}
COLUMNS = [
    {"column": "age", "value": 0.3, "low": 0.2, "high": 0.4},
    {"column": "<b>income", "value": 0.1, "low": None, "high": None},
    {"column": "idle", "value": -0.1, "low": -0.2, "high": 0.05},
]


def test_the_importances_lie_where_the_figures_say() -> None:
    plot = importance.of_verdict(
        with_details(importance=COLUMNS, importance_basis={**BASIS, "columns": 30}), "k"
    )
    node = drawn(plot)
    assert plot is not None

    def value(x: float) -> float:
        return -0.2 + (x - 190) / (600 - 190) * 0.6

    whiskers = of_class(node, "line", "whisker")
    ends = [(value(attribute(w, "x1")), value(attribute(w, "x2"))) for w in whiskers]
    expected = [(0.2, 0.4), (0.1, 0.1), (-0.2, 0.05)]
    assert [each for pair in ends for each in pair] == pytest.approx(
        [each for pair in expected for each in pair], abs=1e-3
    )
    marks = [value(attribute(each, "cx")) for each in of_class(node, "circle", "dot")]
    assert marks == pytest.approx([0.3, 0.1, -0.1], abs=1e-3)
    widths = [attribute(bar, "width") / 410 * 0.6 for bar in of_class(node, "rect", "pale")]
    assert widths == pytest.approx([0.3, 0.1, 0.1], abs=1e-3)
    assert {"age", "<b>income", "0.2", "ROC AUC lost when the column is shuffled"} <= set(
        texts(node)
    )
    assert "n = 714 rows" in plot.note
    assert "Cut: 3 of 30 columns are drawn." in plot.note


@pytest.mark.parametrize("value", [0.0, 1e-300, -1e300, 5])
def test_odd_importances_are_drawn(value: float) -> None:
    one = [{"column": "", "value": value, "low": value, "high": value}]
    node = drawn(importance.of_verdict(with_details(importance=one, importance_basis=BASIS), "k"))
    numbers = [float(n) for each in everything(node) for n in _numbers(each)]
    assert np.isfinite(numbers).all()


def test_bars_are_as_long_as_the_scores() -> None:
    verdicts = (
        replace(EMPTY, check_name="a_check", score=0.25, passed=False),
        replace(EMPTY, check_name="b", score=0.5, critical=True),
        replace(EMPTY, check_name="c", score=1.0),
        replace(EMPTY, check_name="d", score=None, applicable=False),
        replace(EMPTY, check_name="e", score=None, passed=False, critical=True),
    )
    plot = score_bars.of_report(verdicts, "k")
    node = drawn(plot)
    full = attribute(of_class(node, "rect", "track")[0], "width")
    kinds = [each for each in node.all("rect") if each.attributes["class"] != "track"]
    assert [attribute(bar, "width") / full for bar in kinds] == pytest.approx([0.25, 0.5, 1, 0, 0])
    assert [bar.attributes["class"] for bar in kinds] == ["poor", "bad", "good", "axis", "bad"]
    assert {"A check", "0.25 failed", "0.50 critical", "1.00 passed", "n/a"} <= set(texts(node))
    assert plot is not None
    assert plot.note == "n = 5 checks."
    long = score_bars.of_report(verdicts * 20, "k")
    assert long is not None
    assert long.note == "n = 100 checks. Cut: the first 30 are drawn."


def test_each_plot_says_what_it_is_to_who_cannot_see_it() -> None:
    bins = [{"bin": 0, "confidence": 0.05, "accuracy": 0.5, "low": 0.1, "high": 0.9, "rows": 2}]
    drift = [{"column": "a", "psi": 0.3, "ks": None, "rows": [9, 5]}]
    verdict = with_details(
        classes=["a"], confusion=[[2]], calibration=bins, single_ms=[1.0], drift=drift
    )
    found = [*plots.of_verdict(verdict, "k"), score_bars.of_report([verdict], "s")]
    assert len(found) == 5
    for plot in found:
        picture = drawn(plot).all("svg")[0]
        title, description = picture.children[:2]
        assert (title.tag, description.tag) == ("title", "desc")
        assert plot is not None
        assert title.text == plot.title
        assert plot.note in description.text
        assert plot.note.startswith("n = ")
        named = picture.attributes["aria-labelledby"]
        assert named == f"{title.attributes['id']} {description.attributes['id']}"
        assert picture.attributes["role"] == "img"


BAD_BIN = {"bin": 3, "confidence": 0.5, "accuracy": 7, "low": 0.1, "high": 0.9, "rows": 2}


@pytest.mark.parametrize(
    "details",
    [
        {},
        {"classes": [], "confusion": []},
        {"classes": ["a"], "confusion": [[1, 2]]},
        {"classes": ["a", "b"], "confusion": [[1, 2]]},
        {"classes": ["a"], "confusion": [["<b>"]]},
        {"classes": ["a"], "confusion": [[-1]]},
        {"classes": ["a"], "confusion": [[True]]},
        {"classes": "a", "confusion": "b"},
        {"calibration": []},
        {"calibration": [None, 3, {}]},
        {"calibration": [BAD_BIN]},
        {"calibration": [{**BAD_BIN, "accuracy": 0.5, "bin": 15}]},
        {"calibration": [{**BAD_BIN, "accuracy": 0.5, "rows": 0}]},
        {"importance": COLUMNS},
        {"importance": [], "importance_basis": BASIS},
        {"importance": COLUMNS, "importance_basis": {"rows": "many"}},
        {"importance": [None, {}, {"column": 3, "value": 1}], "importance_basis": BASIS},
        {"importance": [{"column": "a", "value": float("nan")}], "importance_basis": BASIS},
        {"single_ms": []},
        {"single_ms": ["fast"]},
        {"single_ms": [float("nan")]},
        {"single_ms": [-1.0]},
        {"single_ms": {"a": 1}},
        {"fairness": {}},
        {"fairness": [{"attribute": "a", "groups": []}]},
        {"fairness": [{"attribute": "a", "groups": [{**FAIR[0], "group": "x"}]}]},
        {"robustness": []},
        {"robustness": {**ROBUST, "noise": [], "probes": []}},
        {"robustness": {**ROBUST, "noise": [{"scale": 1, "value": "<b>"}]}},
        {"robustness": {**ROBUST, "baseline": float("nan")}},
        {"robustness": {**ROBUST, "limit": 7.0}},
        {"robustness": {**ROBUST, "rows": True}},
        {"drift": "far"},
        {"drift": [None, {}, {"column": "a", "psi": float("nan"), "rows": [1, 2]}]},
        {"drift": [{"column": "a", "psi": 0.1, "rows": [1]}]},
        {"drift": [{"column": 7, "psi": 0.1, "rows": [1, 2]}]},
    ],
)
def test_details_of_another_shape_are_not_drawn(details: dict[str, object]) -> None:
    assert plots.of_verdict(replace(EMPTY, details=details), "k") == ()


def _numbers(node: Node) -> list[str]:
    names = {"x", "y", "x1", "x2", "y1", "y2", "width", "height"}
    return [value or "" for name, value in node.attributes.items() if name in names]


def test_a_regressions_points_lie_where_the_values_say() -> None:
    generator = np.random.default_rng(0)
    truth = generator.normal(50, 10, 3000)
    predicted = truth + generator.normal(0, 3, 3000)
    predicted[7] += 80
    found = regression.residuals(truth, predicted)
    pairs = found["points"]
    assert isinstance(pairs, list)
    assert 400 < len(pairs) <= regression.POINTS
    assert [pytest.approx(truth[7], rel=1e-5), pytest.approx(predicted[7], rel=1e-5)] in pairs
    assert min(x for x, _ in pairs) == pytest.approx(truth.min(), rel=1e-5)
    plot = residuals.of_verdict(with_details(residuals=found), "r")
    circles = drawn(plot).all("circle")
    assert len(circles) == len(pairs)
    low, high = min(map(min, pairs)), max(map(max, pairs))
    x, y = pairs[0]
    width, height = (
        residuals.BOX.right - residuals.BOX.left,
        residuals.BOX.bottom - residuals.BOX.top,
    )
    first = min(circles, key=lambda each: float(each.attributes["cx"] or 0))
    across = residuals.BOX.left + (x - low) / (high - low) * width
    down = residuals.BOX.bottom - (y - low) / (high - low) * height
    assert float(first.attributes["cx"] or 0) == pytest.approx(across, abs=0.01)
    assert float(first.attributes["cy"] or 0) == pytest.approx(down, abs=0.01)
    assert plot is not None
    assert plot.note.startswith("n = 3,000 rows, ")
    assert "the 20 worst" in plot.note


@pytest.mark.parametrize(
    "odd",
    [None, [], {}, {"points": "x"}, {"points": [[1]]}, {"points": [["a", "b"]]},
     {"points": [[float("nan"), 1.0]]}, {"points": [[1.0, 2.0]] * 501}, {"points": [[True, 1]]}],
)  # fmt: skip
def test_odd_residuals_draw_nothing(odd: object) -> None:
    assert residuals.of_verdict(with_details(residuals=odd), "r") is None


def test_a_constant_regression_is_drawn() -> None:
    plot = residuals.of_verdict(with_details(residuals={"rows": 2, "points": [[5.0, 5.0]]}), "r")
    assert len(drawn(plot).all("circle")) == 1
