"""The ML Test Score's 28 tests, and which of them something was found for.

Used by the testing check, which shows it as a table without points. The tests and the score (half a
point for a test done by hand, one for an automated one, the least of the four sections) are from
Breck et al. 2017, "The ML Test Score: A Rubric for ML Production Readiness". Only what can be seen
in a repository is looked for, so the score is the least that it can be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from checks.report import Location

SECTIONS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "data": (
        ("schema", "feature expectations are captured in a schema"),
        ("", "all features are beneficial"),
        ("", "no feature's cost is too much"),
        ("", "features adhere to meta-level requirements"),
        ("", "the data pipeline has appropriate privacy controls"),
        ("", "new features can be added quickly"),
        ("unit", "all input feature code is tested"),
    ),
    "model": (
        ("", "model specs are reviewed and submitted"),
        ("", "offline and online metrics correlate"),
        ("tuned", "all hyperparameters have been tuned"),
        ("", "the impact of model staleness is known"),
        ("baseline", "a simpler model is not better"),
        ("", "model quality is sufficient on important data slices"),
        ("inclusion", "the model is tested for considerations of inclusion"),
    ),
    "infrastructure": (
        ("reproduced", "training is reproducible"),
        ("fitted", "model specs are unit tested"),
        ("integration", "the ML pipeline is integration tested"),
        ("quality", "model quality is validated before serving"),
        ("", "the model is debuggable"),
        ("canary", "models are canaried before serving"),
        ("rollback", "serving models can be rolled back"),
    ),
    "monitoring": (
        ("updates", "dependency changes result in notification"),
        ("", "data invariants hold for inputs"),
        ("", "training and serving are not skewed"),
        ("", "models are not too stale"),
        ("stable", "models are numerically stable"),
        ("performance", "computing performance has not regressed"),
        ("drift", "prediction quality has not regressed"),
    ),
}


def table(found: Mapping[str, Location]) -> list[dict[str, object]]:
    """A row for each of the 28: section, test, points, and where it was found."""
    return [
        {
            "section": section,
            "test": text,
            "looked_for": bool(key),
            "points": 1.0 if key in found else 0.0,
            "path": found[key].path if key in found else None,
            "line": found[key].line if key in found else None,
        }
        for section, tests in SECTIONS.items()
        for key, text in tests
    ]


def totals(found: Mapping[str, Location]) -> dict[str, float]:
    """Points by section, of 7 each; the score is the least."""
    return {
        section: float(sum(key in found for key, _ in tests)) for section, tests in SECTIONS.items()
    }
