"""What the figures about the data mean against the limits: defects, and what each takes away. Pure.

Used by the `data_quality` check's `judge`. A defect belongs to one item and takes a share of that
item's points; a remark takes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from checks.measure.slices import SIGNIFICANCE
from checks.report import Location, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from checks.measure.data_profile import FileFacts, Profile
    from checks.measure.drift import Shift

SHOWN = 5  # columns named in one sentence
LARGE_KS = 0.1  # a distance that is worth a word when it is beyond chance
HALF = 0.5


class Limits(Protocol):
    """The part of the check's settings that the figures are compared with."""

    @property
    def missing(self) -> float: ...
    @property
    def duplicates(self) -> float: ...
    @property
    def overlap(self) -> float: ...
    @property
    def outliers(self) -> float: ...
    @property
    def leakage(self) -> float: ...
    @property
    def psi(self) -> float: ...
    @property
    def label_rows(self) -> int: ...


@dataclass(frozen=True)
class Taken:
    """One defect: its name, the item that it belongs to, and the share of it that is lost."""

    name: str
    item: str
    share: float
    severity: Severity
    message: str
    where: Location
    fix: str


def find(profile: Profile, limits: Limits) -> tuple[Taken, ...]:
    """Every defect of the measured data."""
    return (
        *_leaks(profile, limits),
        *_overlap(profile, limits),
        *_drifted(profile, limits),
        *_labels(profile, limits),
        *(defect for file in profile.files for defect in _of_file(file, limits)),
    )


def moved(profile: Profile, limits: Limits) -> tuple[Shift, ...]:
    """Columns whose distributions differ beyond chance, but not by as much as the limit."""
    return tuple(
        each
        for each in profile.shifts
        if not each.beyond(limits.psi)
        and each.ks is not None
        and each.ks_p is not None
        and each.ks > LARGE_KS
        and each.ks_p < SIGNIFICANCE
    )


def _of_file(file: FileFacts, limits: Limits) -> Iterator[Taken]:
    where, columns = Location(file.path), file.columns
    holes = [c for c in columns if c.missing / c.rows > limits.missing]
    if holes:
        shown = _names([f"{c.name} ({c.missing / c.rows:.0%})" for c in holes])
        said = f"more than {limits.missing:.0%} of the values are missing in {shown}"
        fix = f"{file.path}: find out why they are missing, or leave the columns out"
        yield Taken("missing", "missing", HALF, Severity.MAJOR, said, where, fix)
    far = [c for c in columns if c.outliers and c.outliers / c.rows > limits.outliers]
    if far:
        shown = _names([f"{c.name} ({c.outliers} of {c.rows} rows)" for c in far])
        said = f"more than {limits.outliers:.0%} of the values lie beyond Tukey's fences in {shown}"
        fix = f"{file.path}: check the units, clip or transform these columns"
        yield Taken("outliers", "outliers", HALF, Severity.MINOR, said, where, fix)
    same = [c.name for c in columns if c.constant and c.rows > 1]
    if same:
        said = f"the same value in every row of {file.path}: {_names(same)}"
        fix = f"{file.path}: leave the constant columns out, or find out what froze them"
        yield Taken("constant", "preprocessing", HALF / 2, Severity.MINOR, said, where, fix)
    share = file.duplicate_share
    if share > limits.duplicates:
        about = "about " if file.coverage < 1 else ""
        said = f"{file.duplicates} of {file.rows} rows repeat an earlier one ({about}{share:.1%})"
        fix = f"{file.path}: drop exact duplicates, which count some rows twice"
        yield Taken("duplicates", "validation", HALF / 2, Severity.MINOR, said, where, fix)


def _leaks(profile: Profile, limits: Limits) -> Iterator[Taken]:
    leaks = {name: power for name, power in profile.powers.items() if power >= limits.leakage}
    if leaks:
        path = profile.evaluation.path
        shown = _names([f"{n} ({profile.power_name} {p:.3f})" for n, p in leaks.items()])
        said = f"a single feature predicts the label: {shown} on held-out rows"
        fix = f"{path}: leave out what is known only after the outcome: {_names(list(leaks))}"
        yield Taken("leakage", "preprocessing", 1.0, Severity.MAJOR, said, Location(path), fix)


def _overlap(profile: Profile, limits: Limits) -> Iterator[Taken]:
    training, evaluation = profile.training, profile.evaluation
    beyond = profile.shared_share - profile.repeating_share
    if training is None or beyond <= limits.overlap:
        return
    about = (
        "sampled training rows, too (about " if training.coverage < 1 else "training rows, too ("
    )
    said = (
        f"{profile.shared} of {evaluation.rows} evaluation rows are {about}"
        f"{profile.shared_share:.1%}; {profile.repeating_share:.1%} of the training rows repeat "
        "anyway)"
    )
    fix = f"{evaluation.path}: take the rows of {training.path} out, and measure again"
    severity = Severity.CRITICAL if beyond > HALF else Severity.MAJOR
    yield Taken("overlap", "validation", 1.0, severity, said, Location(evaluation.path), fix)


def _drifted(profile: Profile, limits: Limits) -> Iterator[Taken]:
    far = [each for each in profile.shifts if each.beyond(limits.psi)]
    if far and profile.training is not None:
        path = profile.evaluation.path
        shown = _names([f"{each.column} (PSI {each.psi:.2f})" for each in far])
        n, m = far[0].rows
        said = f"drifted from training ({n} rows) to evaluation ({m} rows): {shown}"
        fix = f"{path}: find out which of the two looks like production, and train on that"
        yield Taken("drift", "validation", HALF, Severity.MAJOR, said, Location(path), fix)


def _labels(profile: Profile, limits: Limits) -> Iterator[Taken]:
    for file in profile.files:
        few = {label: rows for label, rows in file.labels.items() if rows < limits.label_rows}
        if few:
            shown = _names([f"{label} ({rows})" for label, rows in few.items()])
            said = f"fewer than {limits.label_rows} rows have the label {shown}"
            fix = f"{file.path}: add rows of these labels, or merge them"
            where = Location(file.path)
            yield Taken("balance", "validation", HALF / 2, Severity.MINOR, said, where, fix)


def _names(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(name[:80] for name in names[:SHOWN]) + more
