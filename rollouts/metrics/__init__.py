"""Metrics of the pods: providers (one file each, found by `find`), the HTTP edge, the cursors."""

from rollouts.metrics.catalogue import find, providers
from rollouts.metrics.cursor import Cursor, CursorError, advance
from rollouts.metrics.http import Scraper
from rollouts.metrics.interface import (
    Arm,
    MetricError,
    PodProvider,
    PodTarget,
    Provider,
    QueryProvider,
    Sample,
    Served,
    Trouble,
)
from rollouts.metrics.losses import Losses
from rollouts.metrics.losses import count as count_losses
from rollouts.metrics.reading import read

__all__ = [
    "Arm",
    "Cursor",
    "CursorError",
    "Losses",
    "MetricError",
    "PodProvider",
    "PodTarget",
    "Provider",
    "QueryProvider",
    "Sample",
    "Scraper",
    "Served",
    "Trouble",
    "advance",
    "count_losses",
    "find",
    "providers",
    "read",
]
