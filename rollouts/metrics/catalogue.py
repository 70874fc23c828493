"""Finds the metric providers: every file of this folder that is not plumbing holds a `PROVIDER`.

Called by the controller with `spec.analysis.metrics.type`. There is deliberately no list of
providers to keep: a new one is a new file.
"""

from __future__ import annotations

from functools import cache

from rollouts.discovery import units
from rollouts.metrics.interface import MetricError, Provider, Trouble

NOT_PROVIDERS = frozenset(
    {
        *("answer", "catalogue", "cursor", "exposition", "extras", "http", "interface", "losses"),
        *("presets", "quality", "reading", "sources"),
    }
)


@cache
def providers() -> dict[str, Provider]:
    """Every provider by its type, in the order of their file names."""
    return units("rollouts.metrics", "PROVIDER", NOT_PROVIDERS)


def find(name: str) -> Provider:
    """The provider of that type. Raises MetricError with the known ones, never falls back."""
    provider = providers().get(name)
    if provider is None:
        raise MetricError(
            Trouble.SPEC_INVALID,
            f"spec.analysis.metrics.type {name!r} is no provider; "
            f"known are {', '.join(providers())}",
        )
    return provider
