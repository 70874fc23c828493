"""Where a rollout is among its steps, and when something can happen next. Pure.

Called by `bot.live`. It reads no clock: the earliest moment of the next step is a moment, which
Slack shows in each reader's own time zone, and rates come from times that the controller wrote.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from rollouts.jsontypes import JsonObject, dig, dig_list, dig_object, dig_text
from rollouts.model import moment

MOST_STEPS = 20


@dataclass(frozen=True)
class Progress:
    """`steps` are the weights of the strategy, `at` the one in force (from 0; None when the weight
    was asked for), `due` the earliest moment of the next, `eta_s` seconds until a verdict."""

    steps: tuple[int, ...] = ()
    at: int | None = None
    due: datetime | None = None
    eta_s: float | None = None


NO_STEPS = Progress()


def progress(deployment: JsonObject) -> Progress:
    """From the strategy in the spec and the times in the status."""
    status = dig_object(deployment, "status")
    named = dig_list(deployment, "spec", "strategy", "canary", "steps")[:MOST_STEPS]
    steps = [step for step in named if isinstance(dig(step, "weight"), int)]
    at = dig(status, "step")
    own = dig_text(status, "aim") in ("", "Steps") and isinstance(at, int) and 0 <= at < len(steps)
    return Progress(
        steps=tuple(int(step["weight"]) for step in steps),
        at=at if own else None,
        due=_due(status, steps[at]) if own else None,
        eta_s=_eta(status),
    )


def _due(status: JsonObject, step: JsonObject) -> datetime | None:
    """The soak time counts from the last weight that was confirmed."""
    soak = dig(step, "soakSeconds")
    times = [
        moment(dig_text(entry, "at"))
        for entry in dig_list(status, "history")
        if dig_text(entry, "action") == "WeightConfirmed"
    ]
    if not isinstance(soak, int) or not times or times[-1] is None:
        return None
    return times[-1] + timedelta(seconds=soak)


def _eta(status: JsonObject) -> float | None:
    """At the rate of the candidate's requests so far."""
    analysis = dig_object(status, "analysis")
    began, now = moment(dig_text(status, "startedAt")), moment(dig_text(analysis, "updatedAt"))
    seen, more = dig(analysis, "candidate", "requests"), dig(analysis, "moreRequests")
    if began is None or now is None or not isinstance(seen, int) or not isinstance(more, int):
        return None
    passed = (now - began).total_seconds()
    return more * passed / seen if seen > 0 and passed > 0 else None
