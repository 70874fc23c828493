"""What is remembered of one rollout's analysis, and its form as JSON.

Made by `update`, read by `judge`; the controller saves it with `to_json` on a decision or every
15 s, together with the metric cursors. It is a value: nothing in it changes. Its JSON is small
(`MOST_BYTES`), and logs are rounded down, so that a restored state is never more certain than the
saved one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from rollouts.analysis import eprocess, onesample
from rollouts.analysis.arrival import Arrival
from rollouts.analysis.counts import NOTHING, AnalysisError, Increment
from rollouts.analysis.events import Compared
from rollouts.analysis.latency import Latency
from rollouts.analysis.recent import Recent
from rollouts.analysis.saved import increment, numbers, pair, rounded, rounded_down
from rollouts.analysis.scores import Bets

if TYPE_CHECKING:
    from rollouts.analysis.counts import Tick
    from rollouts.analysis.eprocess import Logs
    from rollouts.analysis.settings import Settings
    from rollouts.jsontypes import Json, JsonObject

VERSION = 2  # of the JSON form
MOST_BYTES = 4000  # of it, whatever is measured; an object's status has room for a million


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
    `latency`, `labels`, `scores`: None until there is something to compare.
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
    latency: Latency | None = None
    labels: Compared | None = None
    scores: Bets | None = None
    arrival: Arrival = field(default_factory=Arrival)

    def to_json(self) -> JsonObject:
        """Plain JSON; keys are short because it lives in an object's status."""
        episode, recent = self.episode, self.recent
        faded = (recent.seconds, recent.candidate, recent.stable, recent.stable_errors)
        more = {"latency": self.latency, "labels": self.labels, "scores": self.scores}
        return {
            "version": VERSION,
            "settings": list(self.settings),
            "seconds": round(self.seconds, 3),
            "worse": rounded_down(self.worse),
            "limit": rounded_down(self.limit),
            "ratio": rounded_down(self.ratio),
            "absolute": rounded_down(self.absolute),
            "logE": rounded_down((self.log_e,))[0],
            "candidate": pair(self.candidate),
            "stable": pair(self.stable),
            "episode": [
                round(episode.seconds, 3),
                *pair(episode.candidate),
                *pair(episode.stable),
            ],
            "recent": rounded(faded),
            "blind": self.blind,
            "baseline": None if self.baseline is None else pair(self.baseline),
            "arrival": self.arrival.to_json(),
            **{name: part.to_json() for name, part in more.items() if part is not None},
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
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise AnalysisError(f"the saved analysis is damaged: {error}") from error

    @classmethod
    def _read(cls, data: JsonObject, settings: Settings) -> Self:
        limits = 0 if settings.error_limit is None else len(onesample.LIMIT_TIMES)
        episode_s, *episode = data["episode"]
        baseline = data["baseline"]
        more: dict[str, Any] = {}
        if "latency" in data:
            more["latency"] = Latency.from_json(data["latency"])
        if "labels" in data:
            more["labels"] = Compared.from_json(data["labels"], 1)
        if "scores" in data:
            more["scores"] = Bets.from_json(data["scores"], settings.score_sides)
        return cls(
            settings=settings.key,
            worse=numbers(data["worse"], eprocess.GRID),
            limit=numbers(data["limit"], limits),
            ratio=numbers(data["ratio"], len(eprocess.FINE)),
            absolute=numbers(data["absolute"], len(onesample.TOLERATED)),
            log_e=numbers([data["logE"]], 1)[0],
            seconds=numbers([data["seconds"]], 1)[0],
            candidate=increment(data["candidate"]),
            stable=increment(data["stable"]),
            episode=Episode(
                numbers([episode_s], 1)[0], increment(episode[:2]), increment(episode[2:])
            ),
            recent=Recent(*numbers(data["recent"], 4)),
            blind=data["blind"] is True,
            baseline=None if baseline is None else increment(baseline),
            arrival=Arrival.from_json(data["arrival"]),
            **more,
        )
