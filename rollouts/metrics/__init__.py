"""Metrics of the pods: providers (one file each, found by `find`), the HTTP edge, the cursors."""

from rollouts.metrics.catalogue import find, providers
from rollouts.metrics.cursor import Cursor, advance
from rollouts.metrics.http import Scraper
from rollouts.metrics.interface import MetricError, PodTarget, Provider, Sample, Trouble

__all__ = [
    "Cursor",
    "MetricError",
    "PodTarget",
    "Provider",
    "Sample",
    "Scraper",
    "Trouble",
    "advance",
    "find",
    "providers",
]
