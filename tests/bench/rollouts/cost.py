"""What one update of the analysis costs, and what a thousand rollouts take of a core.

Processor time, not the clock's; a busy machine shows higher figures all the same.
"""

from __future__ import annotations

import json
import math
import random
import time
from typing import TYPE_CHECKING

from rollouts.analysis import (
    Both,
    Histogram,
    Increment,
    Measure,
    Scores,
    Settings,
    Tick,
    judge,
    start,
    update,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

TICKS = 2000
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


def report() -> Iterator[str]:
    """Lines of Markdown."""
    yield "### Cost of the analysis"
    yield ""
    yield "| measured | one update | one verdict | 1 000 rollouts at 1 Hz | checkpoint |"
    yield "| --- | ---: | ---: | ---: | ---: |"
    errors, everything = Settings(), Settings.from_spec({}, frozenset(Measure))
    yield _row("errors, without any", errors, list(_ticks(0.0, more=False)))
    yield _row("errors, 0.5 %", errors, list(_ticks(0.005, more=False)))
    yield _row("errors, latency, labels, scores, share", everything, list(_ticks(0.005, more=True)))


def _row(name: str, settings: Settings, ticks: list[Tick]) -> str:
    state, began = start(settings), time.process_time()
    for tick in ticks:
        state = update(state, settings, tick)
    each_s = (time.process_time() - began) / len(ticks)
    began = time.process_time()
    for _ in range(200):
        judge(state, settings)
    verdict_s = (time.process_time() - began) / 200
    size = len(json.dumps(state.to_json(), separators=(",", ":")))
    micro = [f"{seconds * 1e6:.0f} us" for seconds in (each_s, verdict_s)]
    load = f"{1000 * (each_s + verdict_s):.0%} of a core"
    return f"| {name} | {' | '.join(micro)} | {load} | {size:,} bytes |"


def _ticks(rate: float, *, more: bool) -> Iterator[Tick]:
    chance = random.Random(1)
    for _ in range(TICKS):
        arms = [
            Increment(n, sum(chance.random() < rate for _ in range(n)))
            for n in (chance.randrange(8, 13), chance.randrange(80, 101))
        ]
        if not more:
            yield Tick(1.0, arms[0], arms[1])
            continue
        slow = [_histogram(chance, arm.requests) for arm in arms]
        scores = [Scores(arm.requests, arm.requests * chance.uniform(0.7, 0.9)) for arm in arms]
        yield Tick(
            1.0,
            arms[0],
            arms[1],
            share=0.1,
            latency=Both(slow[0], slow[1]),
            labels=Both(arms[0], arms[1]),
            scores=Both(scores[0], scores[1]),
        )


def _histogram(chance: random.Random, requests: int) -> Histogram:
    took = [chance.lognormvariate(math.log(0.06), 0.5) for _ in range(requests)]
    within = tuple(sum(each <= bound for each in took) for bound in BOUNDS)
    return Histogram(BOUNDS, within, requests)
