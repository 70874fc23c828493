"""Asks a candidate's pods what the strategy wants answered before they get any traffic.

Asked by the reconciler at every look; it asks the pods when that is due. What it remembers (how
often in a row each pod answered) may be lost at any moment: then it is asked again. It deliberately
decides nothing.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rollouts import metrics
from rollouts.jsontypes import dig, dig_list, dig_text
from rollouts.model import HealthView

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rollouts.controller.store import Key
    from rollouts.jsontypes import JsonObject
    from rollouts.strategies import Check

EVERY_S = 1.0
WITHIN_S = 0.8
MAX_BYTES = 1 << 16
WORKERS = 16


@dataclass
class _Run:
    """The checks of one candidate: how often in a row each pod answered each check, by pod uid."""

    candidate: str
    scraper: metrics.Scraper
    asked: float | None = None
    streaks: dict[tuple[str, Check], int] = field(default_factory=dict)
    message: str = ""


class Prober:
    """Keyed by ModelDeployment; one thread at a time for each key."""

    def __init__(self) -> None:
        self._runs: dict[Key, _Run] = {}

    def look(
        self, key: Key, candidate: str, checks: tuple[Check, ...], pods: list[JsonObject], port: int
    ) -> HealthView | None:
        """What is known now, after asking if that is due; None where nothing is to be checked."""
        if not checks:
            self.forget(key)
            return None
        run = self._runs.get(key)
        if run is None or run.candidate != candidate:
            self.forget(key)
            scraper = metrics.Scraper(workers=WORKERS, max_bytes=MAX_BYTES)
            run = self._runs[key] = _Run(candidate, scraper)
        ready = [pod for pod in pods if _is_ready(pod)]
        if run.asked is None or time.monotonic() - run.asked >= EVERY_S:
            run.asked = time.monotonic()
            _ask(run, checks, ready, port)
        uids = [dig_text(pod, "metadata", "uid") for pod in ready]
        passed = [
            uid
            for uid in uids
            if all(run.streaks.get((uid, check), 0) >= check.times for check in checks)
        ]
        return HealthView(len(passed), run.message)

    def next_look_s(self, key: Key) -> float | None:
        """Seconds until the pods are asked again; None where nothing is to be checked."""
        run = self._runs.get(key)
        if run is None or run.asked is None:
            return None
        return max(0.0, run.asked + EVERY_S - time.monotonic())

    def forget(self, key: Key) -> None:
        """Drops what is known and closes the connections."""
        run = self._runs.pop(key, None)
        if run is not None:
            run.scraper.close()

    def close(self) -> None:
        """Drops everything."""
        for key in list(self._runs):
            self.forget(key)


def _ask(run: _Run, checks: tuple[Check, ...], pods: Iterable[JsonObject], port: int) -> None:
    """One round over all pods. A pod that is gone, or new, begins at nothing."""
    asked = {
        _target(pod, check, port): (dig_text(pod, "metadata", "uid"), check)
        for pod in pods
        for check in checks
    }
    answers = run.scraper.fetch(asked, deadline_s=WITHIN_S)
    failures = [answer for answer in answers.values() if isinstance(answer, metrics.MetricError)]
    run.message = failures[0].sentence if failures else ""
    run.streaks = {
        key: 0 if isinstance(answers[target], metrics.MetricError) else run.streaks.get(key, 0) + 1
        for target, key in asked.items()
    }


def _target(pod: JsonObject, check: Check, port: int) -> metrics.PodTarget:
    return metrics.PodTarget(
        name=dig_text(pod, "metadata", "name"),
        uid=dig_text(pod, "metadata", "uid"),
        ip=dig_text(pod, "status", "podIP"),
        port=check.port or port,
        path=check.path,
    )


def _is_ready(pod: JsonObject) -> bool:
    if dig(pod, "metadata", "deletionTimestamp") or not dig_text(pod, "status", "podIP"):
        return False
    conditions = dig_list(pod, "status", "conditions")
    return any(dig(c, "type") == "Ready" and dig(c, "status") == "True" for c in conditions)
