"""Two-sample evidence for common events: the safe test of a two-by-two table, on the scale of logs.

Called by `events` for each latency boundary and for wrong labels. For the null "the candidate's
odds of the event are at most `times` stable's" and guesses theta_c, theta_s that were made before
the tick, a tick with n_c, k_c requests and events at the candidate and n_s, k_s at stable adds

    l = sum over both arms of  k ln(theta/q) + (n - k) ln((1 - theta)/(1 - q))

where (q_c, q_s) is the null's point nearest to the guesses: q_c has `times` the odds of q_s, and
n_c q_c + n_s q_s = n_c theta_c + n_s theta_s. With `times` = 1 that is the pooled rate of Turner,
Ly and Grunwald (Generic E-variables for exact sequential k-sample tests, arXiv 2106.02693); with a
tolerance it is the reverse information projection of Turner and Grunwald (arXiv 2203.09785). Why it
holds: ln E[exp l] <= sum n (theta - q) (p - q) / (q (1 - q)), which is 0 along the tangent of the
null's edge at q, and the null lies on one side of that tangent because q_c is a concave function of
q_s for `times` >= 1. It deliberately does not say where the guesses come from.
"""

from __future__ import annotations

import math


def times_odds(rate: float, times: float) -> float:
    """The rate whose odds are `times` the odds of `rate`."""
    return times * rate / (1.0 + (times - 1.0) * rate)


def nearest(n_c: float, n_s: float, total: float, times: float) -> tuple[float, float]:
    """(q_c, q_s) with q_c at `times` the odds of q_s and n_c q_c + n_s q_s = total."""
    linear = n_c * times + n_s - total * (times - 1.0)
    square = n_s * (times - 1.0)
    # The root that stays exact where the square term vanishes.
    q_s = 2.0 * total / (linear + math.sqrt(linear * linear + 4.0 * square * total))
    return times_odds(q_s, times), q_s


def increment(
    times: float, guess: tuple[float, float], candidate: tuple[int, int], stable: tuple[int, int]
) -> float:
    """l of one tick; 0 where the guess (theta_c, theta_s) itself is within the null.

    `candidate`, `stable`: (requests, events). Guesses must lie strictly between 0 and 1.
    """
    theta_c, theta_s = guess
    n_c, n_s = candidate[0], stable[0]
    if not (n_c and n_s) or theta_c <= times_odds(theta_s, times):
        return 0.0
    q_c, q_s = nearest(n_c, n_s, n_c * theta_c + n_s * theta_s, times)
    return one_arm(theta_c, q_c, candidate) + one_arm(theta_s, q_s, stable)


def one_arm(theta: float, null: float, seen: tuple[int, int]) -> float:
    """ln of the likelihood ratio of `seen` = (requests, events): theta against null."""
    n, k = seen
    return k * math.log(theta / null) + (n - k) * (math.log1p(-theta) - math.log1p(-null))


def divergence(theta: float, null: float) -> float:
    """What one request adds on average where `theta` is the truth (Kullback and Leibler)."""
    other = math.log1p(-theta) - math.log1p(-null)
    return theta * math.log(theta / null) + (1.0 - theta) * other
