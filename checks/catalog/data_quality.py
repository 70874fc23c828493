"""Are the data sound that the model was trained and judged on, and does the code keep them so?

What it looks for
    Measured, on the evaluation data and, where `data.training` names it, on the training data:
    missing values; exact duplicates; constant columns; outliers (beyond Tukey's outer fences, 3
    interquartile ranges); rows by label; leakage (what a single feature predicts of the label on
    held-out rows: area under the ROC curve, or R2); evaluation rows that are training rows, too;
    drift by population stability index (deciles of the training values, or categories) and the
    two-sample Kolmogorov-Smirnov test, both corrected for looking at many columns.
    In the code and the model file: preprocessing that is saved with the model, a schema or
    validation step (pandera, Great Expectations, pydantic, jsonschema, a function that checks rows
    and refuses), missing values handled, features scaled (also by a network's own `forward`; a
    model of trees needs none), outliers handled, and data versioned (DVC, Git LFS, lakeFS, a digest
    in the repository).

Why
    A model is only as good as its rows, and so is every figure about it: a leaked label or a copy
    of the training rows makes a useless model look perfect.

How it is scored
    Preprocessing saved with the model 0.3, validation 0.2, missing values handled 0.2, scaling 0.1,
    outliers 0.1, versioning 0.1; what is only declared is worth half. A measured defect takes from
    the item that it belongs to: leakage all of preprocessing, constant columns a quarter of it;
    overlap all of validation, drift half, duplicates and rare labels a quarter each; missing values
    and outliers half of theirs. Overlap counts beyond what repeats within the training data anyway,
    drift above PSI 0.2 (Siddiqi 2006) and beyond chance; more than half of the rows shared is
    critical. The other limits are conventions. Passed at 0.7, critical below 0.5 and when
    configured data cannot be read.

How to fix
    Each finding names the file. `examples/lending` has a pipeline with imputer and scaler in one
    file, a validation step before training, and digests of its data.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from checks.check import Needs
from checks.config import number, share
from checks.evidence import data_code, data_versions, python_code
from checks.evidence.answers import RunProblemError
from checks.items import Item, defect_finding, item_finding, unreadable_finding
from checks.measure import data_defects, data_figures, data_profile
from checks.report import Evidence, Finding, Grade, Severity, Verdict
from checks.scoring import unjudged, verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from checks.check import Context
    from checks.config import Config
    from checks.evidence.release import Defect
    from checks.measure.data_defects import Taken
    from checks.measure.data_profile import Profile
    from checks.sandbox.table import Table

NAME = "data_quality"


@dataclass(frozen=True)
class Settings:
    """What can be set under `checks: {data_quality: ...}` in holdpoint.yml."""

    missing: float = share(0.2, "largest share of missing values in a column")
    duplicates: float = share(0.05, "largest share of rows that repeat an earlier one")
    overlap: float = share(0.05, "largest share of evaluation rows that are training rows, too")
    outliers: float = share(0.05, "largest share of a column's values beyond Tukey's fences")
    leakage: float = share(0.99, "largest AUC or R2 that a single feature may have")
    psi: float = number(0.2, about="largest population stability index of a column")
    label_rows: int = number(30, about="least rows of each label")
    passed_at: float = share(0.7)
    critical_below: float = share(0.5)


ITEMS: Mapping[str, Item] = {
    "preprocessing.saved": Item(
        "preprocessing saved with the model",
        0.3,
        "save the steps before the model and the model as one (a Pipeline, the network, the graph)",
    ),
    "validation.step": Item(
        "a schema or validation step for the data",
        0.2,
        "check columns, kinds and ranges before training and serving (pandera, pydantic)",
    ),
    "missing.handled": Item(
        "handling of missing values",
        0.2,
        "fill or refuse missing values (sklearn.impute, fillna), even where none is missing today",
    ),
    "scaling.done": Item(
        "feature scaling",
        0.1,
        "scale within the model (StandardScaler, a normalisation layer)",
        Severity.MINOR,
    ),
    "outliers.handled": Item(
        "handling of outliers",
        0.1,
        "clip, transform or refuse values out of range before the model sees them",
        Severity.MINOR,
    ),
    "versioning.data": Item(
        "versioned data",
        0.1,
        "data/SHA256SUMS: write the digests of the data files there, or use DVC or Git LFS",
        Severity.MINOR,
    ),
}


@dataclass(frozen=True)
class Gathered:
    """What was measured, or why nothing was, and what was found in code and tree."""

    profile: Profile | None
    found: Mapping[str, tuple[Evidence, ...]]
    problem: str = ""
    fix: str = ""
    defects: tuple[Defect, ...] = ()
    unreadable: tuple[Evidence, ...] = ()


class DataQuality:
    """The check; see the module's text."""

    name = NAME
    title = "Data quality"
    needs = Needs.BOTH
    settings: type[Any] = Settings
    items: Mapping[str, float] = {
        "preprocessing": 0.3,
        "validation": 0.2,
        "missing": 0.2,
        "scaling": 0.1,
        "outliers": 0.1,
        "versioning": 0.1,
    }
    rules = (*ITEMS, "defect.*", "shift.*", "unreadable", "training", "measured")

    def collect(self, context: Context) -> Gathered:
        """Measures the data files; reads code and model file; runs nothing of them here."""
        modules, unreadable = python_code.collect(context.repository, notebooks=True)
        found = data_code.collect(context.runs.model, modules)
        try:
            profile = _profile(context)
        except RunProblemError as error:
            return Gathered(None, found, str(error), error.fix, unreadable=unreadable)
        digests = {file.path: file.digest for file in profile.files}
        versions = data_versions.collect(context.repository, digests)
        return Gathered(
            profile,
            {**found, "versioning.data": versions},
            defects=tuple(data_versions.defects(context.repository, digests)),
            unreadable=unreadable,
        )

    def judge(self, evidence: Gathered, config: Config) -> Verdict:
        """Gives each item's points, less what the measured defects take."""
        settings: Settings = config.of(self)
        taken = data_defects.find(evidence.profile, settings) if evidence.profile else ()
        lost = _lost(taken)
        findings = [
            _item(name, evidence, config, lost.get(name.partition(".")[0], {})) for name in ITEMS
        ]
        findings += [unreadable_finding(NAME, each) for each in evidence.unreadable]
        if evidence.profile is None:
            failed = unjudged(NAME, f"{NAME}.measured", evidence.problem, evidence.fix)
            return replace(failed, findings=(*failed.findings, *findings))
        findings += [_taken(each) for each in taken]
        findings += [defect_finding(NAME, each) for each in evidence.defects]
        findings += _remarks(evidence.profile, settings)
        result = verdict(NAME, findings, settings, _message(evidence.profile, len(taken)))
        figures = data_figures.figures(evidence.profile, settings)
        return replace(result, figures=figures, details=data_figures.details(evidence.profile))


CHECK = DataQuality()


def _profile(context: Context) -> Profile:
    evaluation, training = context.runs.evaluation(), context.runs.training()
    return data_profile.profile(evaluation, training, _inputs(context))


def _inputs(context: Context) -> Table:
    """What the model gets; every input column where the model cannot be asked."""
    try:
        return context.runs.model_inputs()
    except RunProblemError:
        return context.runs.evaluation().inputs


def _lost(taken: tuple[Taken, ...]) -> dict[str, dict[str, float]]:
    """The shares that are lost, by item and by what takes them; the same thing takes once."""
    lost: dict[str, dict[str, float]] = {}
    for each in taken:
        lost.setdefault(each.item, {})[each.name] = each.share
    return lost


def _item(name: str, evidence: Gathered, config: Config, lost: Mapping[str, float]) -> Finding:
    finding = item_finding(f"{NAME}.{name}", ITEMS[name], evidence.found.get(name, ()), config)
    share_lost = min(1.0, sum(lost.values()))
    if not finding.earned or not share_lost:
        return finding
    earned = round(finding.earned * (1 - share_lost), 6)
    message = f"{finding.message}; {', '.join(lost)} takes {finding.earned - earned:.2g} away"
    return replace(finding, earned=earned, message=message)


def _taken(each: Taken) -> Finding:
    return Finding(
        f"{NAME}.defect.{each.name}",
        Grade.MEASURED,
        each.severity,
        each.message,
        where=each.where,
        recommendation=each.fix,
    )


def _remarks(profile: Profile, settings: Settings) -> list[Finding]:
    remarks = [
        Finding(
            f"{NAME}.shift.{number}",
            Grade.MEASURED,
            Severity.INFO,
            f"{each.column} differs from training beyond chance (Kolmogorov-Smirnov {each.ks:.2f}, "
            f"adjusted p {_chance(each.ks_p)}, {each.rows[0]} and {each.rows[1]} rows), "
            f"PSI {each.psi:.2f}",
        )
        for number, each in enumerate(data_defects.moved(profile, settings)[:5], start=1)
    ]
    if profile.training is None:
        said = "no training data is configured: overlap and drift were not measured"
        fix = "set data.training in holdpoint.yml"
        remarks.append(
            Finding(f"{NAME}.training", Grade.MISSING, Severity.INFO, said, recommendation=fix)
        )
    return remarks


def _chance(p_value: float | None) -> str:
    return "< 0.001" if p_value is None or p_value < 0.001 else f"{p_value:.2g}"


def _message(profile: Profile, defects: int) -> str:
    shown = [f"{file.of_total} rows of {file.path}" for file in profile.files]
    return f"{defects or 'no'} measured defect{'s' * (defects != 1)} in {' and '.join(shown)}"
