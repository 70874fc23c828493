"""Weak groups: the tests are scipy's, a planted one is found, harmless ones are not accused."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from checks.measure import slices
from checks.sandbox.table import Table, column_of


def test_the_exact_test_is_the_hypergeometric_one() -> None:
    generator = np.random.default_rng(0)
    losses = (generator.random(500) < 0.2).astype(float)
    group = np.array(["a", "b"])[(generator.random(500) < 0.3).astype(int)]
    scan = slices.scan(Table((column_of("group", group),)), losses)
    found = {each.value: each.p_value for each in scan.slices}
    expected = []
    for value in ("a", "b"):
        inside = losses[group == value]
        p = stats.hypergeom.sf(inside.sum() - 1, 500, losses.sum(), len(inside))
        expected.append(float(p))
    adjusted = slices.holm(expected)
    assert found == pytest.approx(dict(zip("ab", adjusted, strict=True)), rel=1e-6)


def test_other_losses_get_welchs_test() -> None:
    generator = np.random.default_rng(1)
    group = np.repeat(["a", "b"], [60, 140])
    losses = generator.gamma(2, 1, 200) + 0.5 * (group == "a")
    scan = slices.scan(Table((column_of("group", group),)), losses)
    found = next(each for each in scan.slices if each.value == "a").p_value
    one, other = losses[group == "a"], losses[group == "b"]
    p = stats.ttest_ind(one, other, equal_var=False, alternative="greater").pvalue
    q = stats.ttest_ind(other, one, equal_var=False, alternative="greater").pvalue
    assert found == pytest.approx(slices.holm([float(p), float(q)])[0], rel=1e-9)


def test_holm_on_a_worked_example() -> None:
    assert slices.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert slices.holm([]) == []


def test_a_planted_weak_group_is_found_with_its_counts() -> None:
    generator = np.random.default_rng(2)
    region = generator.choice(["north", "south", "east"], 900)
    age = generator.integers(18, 80, 900)
    wrong = np.where(region == "south", 0.4, 0.08)
    losses = (generator.random(900) < wrong).astype(float)
    scan = slices.scan(Table((column_of("region", region), column_of("age", age))), losses)
    weak = [each for each in scan.slices if each.weak]
    assert [(each.column, each.value) for each in weak] == [("region", "south")]
    assert weak[0].rows == int((region == "south").sum())
    assert weak[0].loss == pytest.approx(losses[region == "south"].mean())


def test_harmless_groups_are_rarely_accused() -> None:
    accused = 0
    for seed in range(100):
        generator = np.random.default_rng(seed)
        columns = tuple(column_of(f"c{i}", generator.integers(0, 4, 400)) for i in range(10))
        losses = (generator.random(400) < 0.15).astype(float)
        accused += any(each.weak for each in slices.scan(Table(columns), losses).slices)
    # At most 5 % in the long run; 12 of 100 would be a 1-in-1000 accident at exactly 5 %.
    assert accused < 12


def test_small_groups_are_counted_not_tested() -> None:
    values = np.array(["rare"] * 10 + ["common"] * 190)
    scan = slices.scan(Table((column_of("kind", values),)), np.zeros(200))
    assert scan.too_few == 1
    assert all(each.value != "rare" for each in scan.slices)


def test_missing_values_and_numbers_become_groups() -> None:
    numbers = np.r_[np.full(40, np.nan), np.linspace(0, 1, 160)]
    texts = np.array([None] * 50 + ["x"] * 150, dtype=object)
    table = Table((column_of("number", numbers), column_of("text", texts)))
    names = {(each.column, each.value) for each in slices.scan(table, np.zeros(200)).slices}
    assert ("number", "missing") in names
    assert ("text", "missing") in names
    assert len([name for name in names if name[0] == "number"]) == 5
