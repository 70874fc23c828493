"""Data quality: each figure against pandas, scipy, scikit-learn; each defect in its place."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import r2_score, roc_auc_score

from checks import models
from checks.catalog import data_quality
from checks.config import Config, DataConfig
from checks.evidence import data_code, data_versions, python_code
from checks.evidence.data import split
from checks.evidence.model_runs import ModelFile
from checks.evidence.repository import Repository, digest, scan
from checks.measure import columns, data_defects, data_profile, drift, leakage, rows
from checks.render import plots
from checks.report import Evidence, Location, Report, Severity, State, Verdict
from checks.sandbox.table import Column, Table, column_of
from tests.checks.conftest import LENDING, judge
from tests.checks.trees import of, place

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

RNG = np.random.default_rng(5)
NAME = "data_quality"


def table(frame: pd.DataFrame) -> Table:
    """A frame as plain columns."""
    return Table(tuple(column_of(str(name), frame[name].to_numpy()) for name in frame))


@pytest.fixture(scope="module")
def report() -> Report:
    """The example's verdict."""
    return judge(LENDING, NAME)


def test_the_example_has_every_item(report: Report) -> None:
    (verdict,) = report.verdicts
    assert (verdict.score, verdict.passed, verdict.critical) == (1.0, True, False)
    found = {f.rule.removeprefix(f"{NAME}."): f.where for f in verdict.findings if f.worth}
    assert {rule: (at.path, at.line) for rule, at in found.items() if at} == {
        "preprocessing.saved": ("model/model.joblib", None),
        "missing.handled": ("model/model.joblib", None),
        "scaling.done": ("model/model.joblib", None),
        "validation.step": ("validate.py", 40),
        "outliers.handled": ("validate.py", 46),
        "versioning.data": ("data/SHA256SUMS", 1),
    }


@pytest.mark.parametrize(
    ("forward", "counts"),
    [
        ("return self.layers(rows.reshape(-1, 1) / 16)", True),
        ("rows = rows - self.mean\n        return self.layers(rows)", True),
        ("return self.layers(rows) / 8", False),
    ],
)
def test_a_network_may_scale_by_itself(tmp_path: Path, forward: str, counts: bool) -> None:
    code = (
        "import torch\n\n\nclass Net(torch.nn.Module):\n"
        f"    def forward(self, rows):\n        {forward}\n"
    )
    (tmp_path / "net.py").write_text(code)
    modules, _ = python_code.collect(scan(tmp_path))
    adapter = models.find("m.safetensors", None)
    found = data_code.collect(ModelFile("m.safetensors", b"", "", adapter), modules)
    for item in ("scaling.done", "preprocessing.saved"):
        assert [each.where and each.where.line for each in found[item]] == [5] * counts


def test_the_examples_figures_are_those_of_pandas(report: Report) -> None:
    training, evaluation = (
        pd.read_csv(LENDING / "data" / f"{name}.csv") for name in ("training", "evaluation")
    )
    figures = {f.name: f for f in report.verdicts[0].figures}
    assert figures["missing_share"].value == evaluation.isna().to_numpy().mean()
    assert figures["duplicates"].value == evaluation.duplicated().mean()
    keys = set(map(tuple, training.to_numpy().tolist()))
    shared = [tuple(row) in keys for row in evaluation.to_numpy().tolist()]
    assert figures["overlap"].value == pytest.approx(np.mean(shared))
    drifted: Any = report.verdicts[0].details["drift"]
    for each in drifted:
        before, after = training[each["column"]], evaluation[each["column"]]
        assert each["psi"] == pytest.approx(plain_psi(before, after)), each["column"]
        assert each["rows"] == [len(before), len(after)]
        if each["ks"] is None:
            assert before.dtype.kind not in "if"
        else:
            assert each["ks"] == pytest.approx(stats.ks_2samp(before, after).statistic)


def plain_psi(before: pd.Series[Any], after: pd.Series[Any]) -> float:
    """PSI with pandas' own binning and counting."""
    if before.dtype.kind in "if" and before.nunique() > 20:
        edges = np.unique(before.quantile([n / 10 for n in range(1, 10)]))
        bins = [-np.inf, *edges, np.inf]
        before, after = pd.cut(before, bins), pd.cut(after, bins)
    counts = [each.value_counts(normalize=True, dropna=False) for each in (before, after)]
    shares = pd.concat(counts, axis=1, keys=["t", "e"]).fillna(0).clip(lower=1e-4)
    return float(((shares["e"] - shares["t"]) * np.log(shares["e"] / shares["t"])).sum())


@pytest.mark.parametrize("seed", range(5))
def test_drift_is_that_of_scipy_and_pandas(seed: int) -> None:
    rng = np.random.default_rng(seed)
    before = pd.DataFrame({"n": rng.normal(size=900), "k": rng.integers(0, 5, 900)})
    after = pd.DataFrame({"n": rng.normal(0.3, 1.2, 400), "k": rng.integers(0, 6, 400)})
    before["t"] = rng.choice(["a", "b", "c"], 900)
    after["t"] = rng.choice(["a", "b", "d"], 400)
    before.loc[:50, "n"] = np.nan
    found = {each.column: each for each in drift.compare(table(before), table(after))}
    for name in ("n", "k", "t"):
        assert found[name].psi == pytest.approx(plain_psi(before[name], after[name])), name
    numbers = before["n"].dropna(), after["n"]
    known = stats.ks_2samp(*numbers, method="asymp")
    distance, chance = drift.kolmogorov_smirnov(*(each.to_numpy() for each in numbers))
    assert distance == pytest.approx(known.statistic)
    size = len(numbers[0]) * len(numbers[1]) / (len(numbers[0]) + len(numbers[1]))
    assert chance == pytest.approx(stats.kstwobign.sf(np.sqrt(size) * known.statistic))
    assert np.log10(chance) == pytest.approx(np.log10(known.pvalue), abs=0.3)
    assert found["t"].ks is None
    counts = pd.crosstab(pd.concat([before["t"], after["t"]]).to_numpy(), [0] * 900 + [1] * 400)
    bins = np.repeat([0, 1, 2, 3] * 2, counts.to_numpy().T.ravel()).astype(int)
    contingency = stats.chi2_contingency(counts, correction=False)
    assert drift.homogeneity(bins[:900], bins[900:], 6) == pytest.approx(contingency.pvalue)


def test_two_samples_of_one_population_have_not_drifted() -> None:
    """Small ones have a large PSI by chance: 40 rows in ten bins and more."""
    alarms = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        one, other = (table(pd.DataFrame(rng.normal(size=(40, 5)))) for _ in range(2))
        shifts = drift.compare(one, other)
        assert max(each.psi for each in shifts) > 0.2
        alarms += any(each.beyond(0.2) for each in shifts)
    assert alarms <= 10  # 5 are expected at most, and no more than 10 in 99 of 100 cases


@pytest.mark.parametrize("classes", [2, 4])
def test_what_one_feature_predicts_is_that_of_scikit_learn(classes: int) -> None:
    truth = RNG.integers(0, classes, 2000)
    frame = pd.DataFrame(
        {
            "noise": RNG.normal(size=2000),
            "weak": truth + RNG.normal(size=2000),
            "code": np.where(RNG.random(2000) < 0.7, truth, 0),
            "id": [f"row {n}" for n in range(2000)],
        }
    )
    found = leakage.scan(table(frame), truth, classes)
    order = np.random.default_rng(leakage.SEED).permutation(2000)
    known, asked = order[:1000], order[1000:]
    for name in frame:
        places = pd.Series(leakage.bins(table(frame).column(str(name))))
        areas = []
        for label in range(classes):
            seen = pd.Series((truth == label)[known].astype(float))
            groups = seen.groupby(places[known].to_numpy())
            rates = (groups.sum() + seen.mean()) / (groups.count() + 1)
            scores = places[asked].map(rates).fillna(seen.mean())
            areas.append(roc_auc_score((truth == label)[asked], scores))
        assert found[str(name)] == pytest.approx(np.mean(areas)), name
    assert found["weak"] > 0.7
    assert found["noise"] < 0.6
    assert found["id"] == 0.5


def test_what_one_feature_predicts_of_a_number() -> None:
    truth = RNG.normal(size=4000)
    frame = pd.DataFrame({"same": truth * 2 + 1, "half": truth + RNG.normal(size=4000)})
    found = leakage.scan(table(frame), truth, 0)
    assert found["same"] > 0.99
    order = np.random.default_rng(leakage.SEED).permutation(4000)
    known, asked = order[:2000], order[2000:]
    places = pd.Series(leakage.bins(table(frame).column("half")))
    groups = pd.Series(truth[known]).groupby(places[known].to_numpy())
    means = (groups.sum() + truth[known].mean()) / (groups.count() + 1)
    assert found["half"] == pytest.approx(r2_score(truth[asked], places[asked].map(means)))


def test_a_rare_sign_that_comes_only_with_the_outcome_is_seen() -> None:
    truth = (RNG.random(20_000) < 0.005).astype(int)
    refund = Column("refund", "float", np.where(truth == 1, RNG.random(20_000) * 100 + 1, 0.0))
    assert leakage.scan(Table((refund,)), truth, 2)["refund"] > 0.99


def test_facts_of_a_column_are_those_of_pandas() -> None:
    values = np.concatenate([RNG.normal(size=500), [50.0, -40.0, np.nan, np.inf]])
    found = columns.facts(Column("x", "float", values))
    series = pd.Series(values).replace(np.inf, np.nan).dropna()
    q1, q3 = series.quantile([0.25, 0.75])
    assert found.missing == 1
    assert found.low == pytest.approx(q1 - 3 * (q3 - q1))
    assert found.outliers == 3
    assert not found.constant
    assert columns.facts(column_of("c", ["a"] * 9)).constant
    assert not columns.facts(column_of("c", ["a"] * 9 + [None])).constant
    assert columns.facts(column_of("k", [1, 2, 3] * 30 + [900])).outliers is None


def test_repeated_rows_are_those_of_pandas() -> None:
    frame = pd.DataFrame(
        {
            "a": RNG.integers(0, 6, 300).astype(float),
            "b": RNG.choice(np.array(["x", "y", None], object), 300),
            "c": RNG.integers(0, 3, 300) > 1,
        }
    )
    frame.loc[:20, "a"] = np.nan
    frame.loc[21:25, "a"] = -0.0
    keys = rows.hashes(table(frame))
    assert rows.duplicates(keys) == frame.duplicated().sum()
    assert rows.repeated(keys) == pytest.approx(frame.duplicated(keep=False).mean())
    whole = frame[frame["a"].notna()].astype({"a": int})
    assert rows.shared(rows.hashes(table(whole)), keys) == len(whole)


# --- judging --------------------------------------------------------------------------------------

CONFIG = Config(data=DataConfig(evaluation="e.csv", training="t.csv", target="y"))
EVERYTHING = {
    item: (Evidence("found", State.FOUND, "it is there", Location("train.py", 1)),)
    for item in data_quality.ITEMS
}


def sound(seed: int) -> pd.DataFrame:
    """Rows without a defect."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.normal(size=(600, 3)), columns=["a", "b", "c"])
    frame["y"] = np.where(frame["a"] + rng.normal(size=600) > 0, "p", "n")
    return frame


def judged(training: pd.DataFrame, evaluation: pd.DataFrame) -> Verdict:
    """The verdict on these rows, where the code lacks nothing."""
    before, after = (
        split(table(frame), path, "sha256:0", CONFIG)
        for frame, path in ((training, "t.csv"), (evaluation, "e.csv"))
    )
    measured = data_profile.profile(after, before, after.inputs)
    return data_quality.CHECK.judge(data_quality.Gathered(measured, EVERYTHING), CONFIG)


def leak(e: pd.DataFrame) -> pd.DataFrame:
    """Puts the label into a feature."""
    return e.assign(c=(e["y"] == "p") * 1.0 + RNG.normal(size=len(e)) * 0.01)


def holes(e: pd.DataFrame) -> pd.DataFrame:
    """Makes nearly half of a column missing."""
    return e.assign(d=np.where(RNG.random(len(e)) < 0.45, np.nan, e["b"]))


def far(e: pd.DataFrame) -> pd.DataFrame:
    """Makes a tenth of a column huge."""
    return e.assign(b=np.where(RNG.random(len(e)) < 0.1, 1e6, e["b"]))


@pytest.mark.parametrize(
    ("both", "change", "defect", "severity", "item", "left"),
    [
        (True, leak, "leakage", "major", "preprocessing.saved", 0.0),
        (True, lambda e: e.assign(d=7), "constant", "minor", "preprocessing.saved", 0.225),
        (False, lambda e: e.assign(a=e["a"] + 2), "drift", "major", "validation.step", 0.1),
        (False, lambda e: pd.concat([e, e.head(40)]), "duplicates", "minor", "validation.step",
         0.15),
        (False, lambda e: e.assign(y=np.where(np.arange(len(e)) < 20, "p", "n")),
         "balance", "minor",
         "validation.step", 0.15),
        (True, holes, "missing", "major", "missing.handled", 0.1),
        (True, far, "outliers", "minor", "outliers.handled", 0.05),
    ],
)  # fmt: skip
def test_a_defect_takes_from_the_item_that_it_belongs_to(
    both: bool,
    change: Callable[[pd.DataFrame], pd.DataFrame],
    defect: str,
    severity: str,
    item: str,
    left: float,
) -> None:
    training, evaluation = sound(1), sound(2)
    before = judged(training, evaluation)
    assert before.score == 1.0
    assert not [f for f in before.findings if ".defect." in f.rule]
    verdict = judged(change(training) if both else training, change(evaluation))
    found = of(verdict, f"defect.{defect}")
    assert found.severity == severity
    assert found.recommendation in verdict.recommendations
    assert of(verdict, item).earned == pytest.approx(left)
    assert {f.rule for f in verdict.findings if f.earned < f.worth} == {f"{NAME}.{item}"}


def test_rows_of_the_training_data_are_found_among_those_judged() -> None:
    training, evaluation = sound(1), sound(2)
    verdict = judged(training, pd.concat([evaluation, training.head(150)]))
    found = of(verdict, "defect.overlap")
    assert found.severity is Severity.MAJOR
    assert found.message.startswith("150 of 750 evaluation rows are training rows, too (20.0%")
    assert of(verdict, "validation.step").earned == 0
    same = judged(training, training)
    assert same.critical
    assert of(same, "defect.overlap").severity is Severity.CRITICAL


def test_what_a_sample_shares_is_reckoned_for_the_whole() -> None:
    rng = np.random.default_rng(7)
    training = pd.DataFrame(rng.normal(size=(20_000, 3)), columns=["a", "b", "c"])
    training["y"] = rng.choice(["p", "n"], 20_000)
    evaluation = pd.concat([training.head(500), sound(1), sound(2), sound(3), sound(4)])
    part = split(table(training.sample(5_000, random_state=1)), "t.csv", "", CONFIG)
    judged_rows = split(table(evaluation), "e.csv", "", CONFIG)
    sampled = data_profile.profile(
        judged_rows, dataclasses.replace(part, total=20_000), judged_rows.inputs
    )
    assert sampled.shared_share == pytest.approx(500 / 2900, abs=0.03)
    (defect,) = (
        each
        for each in data_defects.find(sampled, data_quality.Settings())
        if each.name == "overlap"
    )
    assert "sampled training rows, too (about 1" in defect.message


def test_coarse_data_repeat_by_nature() -> None:
    def coarse() -> pd.DataFrame:
        frame = pd.DataFrame(RNG.integers(0, 2, (900, 4)), columns=list("abcd"))
        return frame.assign(y=np.where(RNG.random(900) < 0.5, "p", "n"))

    rules = [f.rule for f in judged(coarse(), coarse()).findings]
    assert f"{NAME}.defect.overlap" not in rules
    assert f"{NAME}.defect.duplicates" in rules


# --- repositories ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda root: (root / "training.csv").unlink(), "training.csv does not exist"),
        (lambda root: (root / "training.csv").write_text("a,b\n1,2\n"), "no column 'deny'"),
        (lambda root: (root / "evaluation.csv").write_bytes(b""), "empty"),
    ],
)
def test_configured_data_that_cannot_be_read_fails_closed(
    lending: Path, damage: Callable[[Path], object], sentence: str
) -> None:
    damage(lending / "data")
    report = judge(lending, NAME)
    (verdict,) = report.verdicts
    assert (verdict.score, verdict.critical) == (None, True)
    assert sentence in report.critical_issues[0]
    # What the code shows is still said.
    assert of(verdict, "preprocessing.saved").earned == 0.3


def test_a_digest_of_other_data_is_named(lending: Path) -> None:
    sums = lending / "data" / "SHA256SUMS"
    first, second = sums.read_text().splitlines()
    sums.write_text(f"{first}\n{'0' * 64}{second[64:]}\n")
    (verdict,) = judge(lending, NAME).verdicts
    assert place(of(verdict, "defect.digest")) == ("data/SHA256SUMS", 2)
    assert of(verdict, "versioning.data").earned == 0.1


PIECES = {
    "validate.py": ("validation.step", "outliers.handled"),
    "data/SHA256SUMS": ("versioning.data",),
    "serve.py": (),
}


@pytest.mark.parametrize("name", PIECES)
def test_a_removed_piece_of_evidence_moves_its_items(name: str) -> None:
    """The code's part only: what the measured part takes does not depend on it."""
    whole = scan(LENDING)
    damaged = Repository(whole.root, tuple(f for f in whole.files if f.path != name))
    payload = (LENDING / "model" / "model.joblib").read_bytes()
    model = ModelFile("model/model.joblib", payload, "", models.find("m.joblib", None))
    digests = {
        path: digest((LENDING / path).read_bytes())
        for path in ("data/evaluation.csv", "data/training.csv")
    }

    def lacking(repository: Repository) -> set[str]:
        modules, _ = python_code.collect(repository)
        found = data_code.collect(model, modules)
        found["versioning.data"] = data_versions.collect(repository, digests)
        return {item for item in data_quality.ITEMS if not found[item]}

    assert lacking(whole) == set()
    assert lacking(damaged) == set(PIECES[name])


def test_the_plot_shows_the_columns_that_moved_most(report: Report) -> None:
    (plot,) = plots.of_verdict(report.verdicts[0], "k")
    assert "n = 1,663 training and 714 evaluation rows" in plot.note
    assert "hirat 0.026, KS 0.02" in str(plot.svg)
    assert "limit 0.2" in str(plot.svg)
