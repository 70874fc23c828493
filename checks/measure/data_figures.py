"""The figures and details of the data in the report. Pure; used by the `data_quality` check."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from checks.report import Figure

if TYPE_CHECKING:
    from checks.measure.data_defects import Limits
    from checks.measure.data_profile import Profile

MOST_SHOWN = 100  # columns in the details


def figures(profile: Profile, limits: Limits) -> tuple[Figure, ...]:
    """The measured numbers with their limits."""
    file = profile.evaluation
    found = [
        Figure("missing_share", file.missing_share, samples=file.rows),
        _limited("duplicates", file.duplicate_share, limits.duplicates, file.rows),
    ]
    outliers = [c.outliers / c.rows for c in file.columns if c.outliers is not None]
    if outliers:
        found.append(_limited("outliers", max(outliers), limits.outliers, file.rows))
    if profile.powers:
        name = f"single_feature_{profile.power_name.lower()}"
        power = max(profile.powers.values())
        found.append(
            replace(
                _limited(name, power, limits.leakage, file.rows // 2),
                met=power < limits.leakage,
            )
        )
    if profile.training is not None:
        found.append(_limited("overlap", profile.shared_share, limits.overlap, file.rows))
        beyond = profile.shared_share - profile.repeating_share
        found[-1] = replace(found[-1], met=beyond <= limits.overlap)
    if profile.shifts:
        largest = profile.shifts[0]
        drifted = any(each.beyond(limits.psi) for each in profile.shifts)
        figure = _limited("psi", largest.psi, limits.psi, sum(largest.rows))
        if figure.met is False and not drifted:
            figure = replace(figure, met=None)  # what chance explains is neither met nor missed
        found.append(figure)
    return tuple(found)


def _limited(name: str, value: float, limit: float, samples: int) -> Figure:
    return Figure(name, value, threshold=limit, met=value <= limit, samples=samples)


def details(profile: Profile) -> dict[str, object]:
    """Plain values for the plots and the JSON report; many columns are cut."""
    return {
        "rows": {file.path: [file.rows, file.total] for file in profile.files},
        "labels": {file.path: dict(file.labels) for file in profile.files if file.labels},
        "columns": [
            {"name": c.name, "missing": c.missing, "outliers": c.outliers, "constant": c.constant}
            for c in profile.evaluation.columns[:MOST_SHOWN]
        ],
        "leakage": {
            name: round(power, 6)
            for name, power in sorted(profile.powers.items(), key=lambda item: -item[1])[
                :MOST_SHOWN
            ]
        },
        "drift": [
            {
                "column": each.column,
                "psi": each.psi,
                "psi_p": each.psi_p,
                "ks": each.ks,
                "ks_p": each.ks_p,
                "rows": list(each.rows),
            }
            for each in profile.shifts[:MOST_SHOWN]
        ],
    }
