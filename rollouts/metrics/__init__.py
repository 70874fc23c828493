"""Metrics of the pods: providers (one file each, found by `find`), the HTTP edge, the cursors."""

from rollouts.metrics.catalogue import find, providers
from rollouts.metrics.cursor import Cursor, CursorError, advance
from rollouts.metrics.http import Scraper
from rollouts.metrics.interface import MetricError, PodTarget, Provider, Sample, Trouble
from rollouts.metrics.losses import Losses
from rollouts.metrics.losses import count as count_losses

__all__ = [
    "Cursor",
    "CursorError",
    "Losses",
    "MetricError",
    "PodTarget",
    "Provider",
    "Sample",
    "Scraper",
    "Trouble",
    "advance",
    "count_losses",
    "find",
    "providers",
]
