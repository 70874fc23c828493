"""What is remembered of one rollout's analysis, and its form as JSON.

Made by `update`, read by `judge`; the controller saves it with `to_json` on a decision or every
15 s, together with the metric cursors. It is a value: nothing in it changes. In JSON it is below
2 kB, and logs are rounded down, so that a restored state is never more certain than the saved one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from rollouts.analysis import eprocess, onesample
from rollouts.analysis.counts import NOTHING, AnalysisError, Increment
from rollouts.analysis.recent import Recent

if TYPE_CHECKING:
    from rollouts.analysis.counts import Tick
    from rollouts.analysis.eprocess import Logs
    from rollouts.analysis.settings import Settings
    from rollouts.jsontypes import Json, JsonObject

VERSION = 1  # of the JSON form
DECIMALS = 4  # of logs in it; 1e-4 is a hundredth of a per cent of the evidence
MOST_CERTAIN = 1e12  # a log beyond this was not written by us


@dataclass(frozen=True, slots=True)
class Episode:
    """What was seen since there was last no evidence against the candidate.

    For people: an hour of health before a fault would dilute the figures of the fault.
    """

    seconds: float = 0.0
    candidate: Increment = NOTHING
    stable: Increment = NOTHING

    def after(self, tick: Tick) -> Episode:
        """The episode with one more tick in it."""
        return Episode(
            self.seconds + tick.seconds,
            self.candidate + tick.candidate,
            self.stable + tick.stable,
        )


@dataclass(frozen=True, slots=True)
class State:
    """All that is remembered of the ticks so far.

    `settings`: the numbers that it was made with; a state means nothing under others. `log_e`: what
    `worse` and `limit` add up to, kept because it is asked for again and again.
    `candidate`, `stable`: totals. `blind`: the last tick had no concurrent stable. `baseline`:
    stable's totals when it lost its traffic; None while it has some, or where it never had any.
    """

    settings: Logs
    worse: Logs
    limit: Logs
    ratio: Logs = eprocess.FINE_LOG_WEIGHTS
    absolute: Logs = onesample.TOLERATED_LOG_WEIGHTS
    log_e: float = 0.0
    seconds: float = 0.0
    candidate: Increment = NOTHING
    stable: Increment = NOTHING
    episode: Episode = field(default_factory=Episode)
    recent: Recent = field(default_factory=Recent)
    blind: bool = False
    baseline: Increment | None = None

    def to_json(self) -> JsonObject:
        """Plain JSON; keys are short because it lives in an object's status."""
        return {
            "version": VERSION,
            "settings": list(self.settings),
            "seconds": round(self.seconds, 3),
            "worse": _rounded_down(self.worse),
            "limit": _rounded_down(self.limit),
            "ratio": _rounded_down(self.ratio),
            "absolute": _rounded_down(self.absolute),
            "logE": _rounded_down((self.log_e,))[0],
            "candidate": _pair(self.candidate),
            "stable": _pair(self.stable),
            "episode": [
                round(self.episode.seconds, 3),
                *_pair(self.episode.candidate),
                *_pair(self.episode.stable),
            ],
            "recent": [
                round(value, 3)
                for value in (
                    self.recent.seconds,
                    self.recent.candidate,
                    self.recent.stable,
                    self.recent.stable_errors,
                )
            ],
            "blind": self.blind,
            "baseline": None if self.baseline is None else _pair(self.baseline),
        }

    @classmethod
    def from_json(cls, data: Json, settings: Settings) -> Self:
        """The reverse of `to_json`.

        Raises AnalysisError when the data is of another version, of other settings, or damaged.
        """
        if not isinstance(data, dict) or data.get("version") != VERSION:
            raise AnalysisError("the saved analysis is of another version, or none at all")
        if data.get("settings") != list(settings.key):
            raise AnalysisError("the saved analysis was made with other settings; it starts anew")
        try:
            return cls._read(data, settings)
        except (KeyError, TypeError, ValueError) as error:
            raise AnalysisError(f"the saved analysis is damaged: {error}") from error

    @classmethod
    def _read(cls, data: JsonObject, settings: Settings) -> Self:
        limits = 0 if settings.error_limit is None else len(onesample.LIMIT_TIMES)
        episode_s, *episode = data["episode"]
        recent = _numbers(data["recent"], 4)
        return cls(
            settings=settings.key,
            worse=_numbers(data["worse"], eprocess.GRID),
            limit=_numbers(data["limit"], limits),
            ratio=_numbers(data["ratio"], len(eprocess.FINE)),
            absolute=_numbers(data["absolute"], len(onesample.TOLERATED)),
            log_e=_numbers([data["logE"]], 1)[0],
            seconds=_numbers([data["seconds"]], 1)[0],
            candidate=_increment(data["candidate"]),
            stable=_increment(data["stable"]),
            episode=Episode(
                _numbers([episode_s], 1)[0], _increment(episode[:2]), _increment(episode[2:])
            ),
            recent=Recent(*recent),
            blind=data["blind"] is True,
            baseline=None if data["baseline"] is None else _increment(data["baseline"]),
        )


def _rounded_down(logs: Logs) -> list[float]:
    scale = 10**DECIMALS
    # The millionth of a step lets a value that was rounded before stay what it is.
    return [math.floor(value * scale + 1e-6) / scale for value in logs]


def _pair(seen: Increment) -> list[int]:
    return [seen.requests, seen.errors]


def _increment(data: Json) -> Increment:
    requests, errors = data
    return Increment(requests, errors)


def _numbers(data: Json, count: int) -> Logs:
    values = tuple(float(value) for value in data)
    if len(values) != count or not all(abs(value) < MOST_CERTAIN for value in values):
        raise ValueError(f"{count} finite numbers are expected, these are {data!r:.60}")
    return values
