"""Decision time and bad responses, cell by cell, against other rules and what is possible.

Ratios are taken within one run, on the same requests. It is no test: those are in
`tests/rollouts/analysis`, with bounds; here the figures are printed.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from rollouts.analysis import Settings
from tests.bench.rollouts import rules
from tests.bench.rollouts.streams import Taken, analysed, stream
from tests.rollouts.analysis.simulation import STABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

CELLS = (
    (20, 0.02),
    (20, 0.05),
    (20, 0.2),
    (100, 0.01),
    (100, 0.02),
    (100, 0.05),
    (100, 0.2),
    (1000, 0.02),
    (1000, 0.05),
    (1000, 0.2),
)
HEADER = "| req/s, errors | SPRT | r0 = 1 | r0 = 1.5 | fixed | Flagger | Argo | Kayenta |"
LINE = "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"


def report(runs: int) -> Iterator[str]:
    """Lines of Markdown."""
    yield "### Taking back: 10 % weight, stable fails with 0.5 %, alpha 1 %, one hour"
    yield ""
    yield f"{runs} runs a cell, Poisson arrivals, ticks of 1 s. Each entry: median seconds"
    yield "(times the SPRT's), median failed requests served by the candidate; P where fewer than"
    yield "half of the runs were taken back. The other rules are models of documented examples."
    yield ""
    yield from (HEADER, LINE)
    for number, (per_second, candidate) in enumerate(CELLS):
        yield _cell(per_second, candidate, runs, seed=100 + number)
    yield ""
    yield from _healthy(runs)


def _cell(per_second: int, candidate: float, runs: int, seed: int) -> str:
    seen = stream(per_second, candidate, STABLE, runs=runs, seed=seed)
    limit = rules.sprt(seen, Settings().alpha)
    ours = [analysed(seen, Settings(r0=r0))[0] for r0 in (1.0, 1.5)]
    others = [rule(seen) for rule in (rules.fixed, rules.flagger, rules.argo, rules.kayenta)]
    entries = [_entry(each, limit) for each in (limit, *ours, *others)]
    return f"| {per_second}, {candidate:.0%} | {' | '.join(entries)} |"


def _entry(found: Taken, limit: Taken) -> str:
    if not math.isfinite(found.median_s):
        return f"P {found.part:.2f}"
    ratio = found.median_s / limit.median_s
    return f"{found.median_s:.0f} s ({ratio:.1f}x), {found.median_bad:.0f} bad"


def _healthy(runs: int) -> Iterator[str]:
    """Candidates like stable: how many are taken back, and when they are called fine."""
    yield "### Leaving alone: the candidate fails as stable does"
    yield ""
    yield "Share taken back in an hour, without and with an incident shared by both (8 % for 4"
    yield "minutes); and the median seconds until `fine` (fixed 300, Flagger 300, Argo 2400)."
    yield ""
    yield "| req/s | r0 = 1 | r0 = 1.5 | fixed | Flagger | Argo | Kayenta | fine, r1 = 2 | r1 = 3 |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    for per_second in (20, 100, 1000):
        kept = runs if per_second < 1000 else max(50, runs // 4)
        still = stream(per_second, STABLE, STABLE, runs=kept, seed=200 + per_second)
        shared = stream(per_second, incident, incident, runs=kept, seed=300 + per_second)
        entries = []
        for r0 in (1.0, 1.5):
            parts = [analysed(seen, Settings(r0=r0))[0].part for seen in (still, shared)]
            entries.append(" / ".join(f"{part:.2%}" for part in parts))
        for rule in (rules.fixed, rules.flagger, rules.argo, rules.kayenta):
            entries.append(f"{rule(still).part:.1%} / {rule(shared).part:.1%}")
        for r1 in (2.0, 3.0):
            fine = analysed(still, replace(Settings(), r1=r1))[1]
            entries.append(f"{np.median(fine):.0f} s")
        yield f"| {per_second} | {' | '.join(entries)} |"


def incident(second: int) -> float:
    """8 % for four minutes, on both sides, while even the fixed rule is still looking."""
    return 0.08 if 30 <= second < 270 else STABLE
