"""Other rules on the same streams, as their documented examples set them, and what is possible.

Models, not the products: intervals, thresholds and counts are those of the documentation, delays of
scraping and of pods are left out, to their advantage. Each takes back at the end of an interval.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from tests.bench.rollouts.streams import taken
from tests.rollouts.analysis.simulation import STABLE, note

if TYPE_CHECKING:
    from tests.bench.rollouts.streams import Stream, Taken
    from tests.rollouts.analysis.twin import Bools, Floats


def sprt(seen: Stream, alpha: float) -> Taken:
    """Wald's test with both rates known: nobody who keeps alpha is faster on average."""
    per_error = math.log(seen.candidate / STABLE)
    per_success = math.log((1 - seen.candidate) / (1 - STABLE))
    total = np.cumsum(seen.k_c * per_error + (seen.n_c - seen.k_c) * per_success, axis=0)
    return _first(seen, np.asarray(total >= math.log(1 / alpha)), 1)


def fixed(seen: Stream) -> Taken:
    """Every 30 s: over 5 % of the last 30 s; promoted after 300 s."""
    return _first(seen, _failing(seen, 30)[:10] > 0.05, 30)


def flagger(seen: Stream) -> Taken:
    """Every 60 s: success of at least 99 %; five failed checks, taken back on the tick after.

    Five that passed promote.
    """
    failed = _failing(seen, 60) > 0.01
    return _race(seen, failed, failures=5, passes=5, every_s=60, delay_s=60)


def argo(seen: Stream) -> Taken:
    """Every 5 minutes: success of at least 95 %; more than three failures; eight in all."""
    failed = (_failing(seen, 300) > 0.05)[:8]
    return _race(seen, failed, failures=4, passes=9, every_s=300, delay_s=0)


def kayenta(seen: Stream) -> Taken:
    """Mann and Whitney's test on points of a minute, at 98 %, every 5 minutes from minute 10 on.

    Taken back when the candidate's points lie higher and by over a quarter of stable's mean.
    """
    candidate, stable = _failing(seen, 60), _rates(seen.k_s, seen.n_s, 60)
    at = np.full(seen.runs, np.inf)
    for minute in range(10, 61, 5):
        left, right = candidate[:minute], stable[:minute]
        found = stats.mannwhitneyu(left, right, axis=0, alternative="greater", method="asymptotic")
        higher = left.mean(axis=0) > 1.25 * right.mean(axis=0)
        note(at, np.asarray((found.pvalue < 0.01) & higher), minute * 60)
    return taken(seen, at)


def _failing(seen: Stream, window_s: int) -> Floats:
    return _rates(seen.k_c, seen.n_c, window_s)


def _rates(errors: object, requests: object, window_s: int) -> Floats:
    """(windows, runs): error rate of each, 0 where there was no request."""
    k, n = (np.asarray(each) for each in (errors, requests))
    k, n = (each.reshape(-1, window_s, each.shape[1]).sum(axis=1) for each in (k, n))
    return np.asarray(np.where(n > 0, k / np.maximum(n, 1), 0.0))


def _first(seen: Stream, yes: Bools, every_s: int) -> Taken:
    at = np.where(yes.any(axis=0), (yes.argmax(axis=0) + 1.0) * every_s, np.inf)
    return taken(seen, at)


def _race(
    seen: Stream, failed: Bools, *, failures: int, passes: int, every_s: int, delay_s: int
) -> Taken:
    """Taken back where so many failures come before so many passes."""
    bad, good = np.cumsum(failed, axis=0), np.cumsum(~failed, axis=0)
    out = (bad >= failures) & (good < passes)
    at = np.where(out.any(axis=0), (out.argmax(axis=0) + 1.0) * every_s + delay_s, np.inf)
    return taken(seen, at)
