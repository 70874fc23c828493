"""Turns cumulative counters of pods into increments, and counts nothing twice.

Called by the controller at every tick with the samples of one arm (candidate or stable); the
cursor it returns is checkpointed together with the analysis. Pure: it deliberately knows no clock
and fetches nothing.

Rules, per pod:
- A process that says it started later than the last one counts from zero; so does one whose
  counters fell while the pod's restartCount rose. (restartCount alone is not enough: it is read a
  moment before the scrape, so the sample that was counted last may already be the new process's.)
- A pod seen for the first time counts from zero if it was created no earlier than `since`, the
  moment the analysis began; otherwise its first sample is only where counting starts.
- A counter that fell without such a sign is either a reset inside the container or a broken
  answer. Nothing is counted; the next sample tells which: if it is back above the old one, the
  answer was broken and counting goes on from the old one, else it goes on from the fallen one.
- Errors that run ahead of the requests they belong to wait for them, so that an increment never
  has more errors than requests.
- Latency, labels and scores go along (`extras`); a process that counts anew loses their marks too.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self

from rollouts.analysis.counts import Increment
from rollouts.metrics import extras
from rollouts.metrics.extras import Extras
from rollouts.metrics.interface import Served

if TYPE_CHECKING:
    from rollouts.jsontypes import JsonObject
    from rollouts.metrics.interface import PodTarget, Sample


class CursorError(ValueError):
    """A saved cursor that cannot be read; the message is a sentence for people."""


@dataclass(frozen=True, slots=True)
class Mark:
    """How far one pod was counted; `suspect` is a sample that fell below it."""

    restarts: int
    requests: int
    errors: int
    started: float | None = None
    suspect: tuple[int, int] | None = None
    extras: Extras = extras.NONE
    fresh: bool = False  # counted from its start, as far as latency, labels and scores go


@dataclass(frozen=True)
class Cursor:
    """How far every pod of one arm was counted, by pod uid.

    `since`: creationTimestamp (RFC 3339, UTC, "Z") from which on a pod's whole history belongs to
    this analysis. It is the same for both sides: one side's past without the other's says nothing.
    """

    since: str
    pods: Mapping[str, Mark] = field(default_factory=dict)

    def keep(self, uids: Collection[str]) -> Self:
        """The cursor without pods that no longer exist, whose uids never come back."""
        return replace(self, pods={uid: mark for uid, mark in self.pods.items() if uid in uids})

    def to_json(self) -> JsonObject:
        """Plain JSON, about 80 bytes a pod, and as much again with latency."""
        return {"since": self.since, "pods": {uid: _plain(m) for uid, m in self.pods.items()}}

    @classmethod
    def from_json(cls, data: object) -> Self:
        """The reverse of `to_json`. Raises CursorError for anything else."""
        try:
            assert isinstance(data, dict)  # noqa: S101 - turned into a CursorError below
            pods = {str(uid): _mark(entry) for uid, entry in data["pods"].items()}
            return cls(since=str(data["since"]), pods=pods)
        except (AssertionError, AttributeError, KeyError, TypeError, ValueError) as error:
            raise CursorError(
                "the saved metric cursor is not one that this version wrote"
            ) from error


def advance(cursor: Cursor, samples: Mapping[PodTarget, Sample]) -> tuple[Served, Cursor]:
    """What the arm served since the last call, and the cursor that remembers it.

    Pods without a sample this time (unreachable, not ready) keep their mark and add nothing.
    """
    total = Increment()
    pods, added = dict(cursor.pods), []
    for target, sample in samples.items():
        increment, mark = _step(cursor.since, pods.get(target.uid), target, sample)
        total += increment
        if mark.suspect is None:
            more, seen = extras.step(mark.extras, Extras.of(sample), fresh=mark.fresh)
            mark = replace(mark, extras=seen)
            added.append(more)
        pods[target.uid] = mark
    rest = extras.summed(added)
    return Served(total, rest.latency, rest.labels, rest.scores), replace(cursor, pods=pods)


def _step(
    since: str, mark: Mark | None, target: PodTarget, sample: Sample
) -> tuple[Increment, Mark]:
    if mark is None:
        mark = _new(target) if target.created >= since else _here(target, sample)
    elif _is_new_process(mark, target, sample):
        mark = _new(target)
    elif _fell(mark.requests, mark.errors, sample):
        if mark.suspect is None or _fell(*mark.suspect, sample):
            return Increment(), replace(mark, suspect=(sample.requests, sample.errors))
        mark = Mark(target.restarts, *mark.suspect)  # and no extras: they begin here
    return _count(mark, target, sample)


def _is_new_process(mark: Mark, target: PodTarget, sample: Sample) -> bool:
    if mark.started is not None and sample.started is not None:
        return sample.started > mark.started
    return target.restarts > mark.restarts and _fell(mark.requests, mark.errors, sample)


def _fell(requests: int, errors: int, sample: Sample) -> bool:
    return sample.requests < requests or sample.errors < errors


def _count(mark: Mark, target: PodTarget, sample: Sample) -> tuple[Increment, Mark]:
    requests = sample.requests - mark.requests
    errors = min(sample.errors - mark.errors, requests)
    return Increment(requests, errors), Mark(
        restarts=target.restarts,
        requests=sample.requests,
        errors=mark.errors + errors,
        started=sample.started if sample.started is not None else mark.started,
        extras=mark.extras,
        fresh=mark.fresh,
    )


def _new(target: PodTarget) -> Mark:
    return Mark(target.restarts, 0, 0, fresh=True)


def _here(target: PodTarget, sample: Sample) -> Mark:
    return Mark(target.restarts, sample.requests, sample.errors, sample.started)


def _mark(entry: object) -> Mark:
    assert isinstance(entry, list)  # noqa: S101 - turned into a CursorError by the caller
    restarts, requests, errors, started, suspect, *rest = entry
    pair = (int(suspect[0]), int(suspect[1])) if suspect else None
    return Mark(
        int(restarts),
        int(requests),
        int(errors),
        None if started is None else float(started),
        pair,
        Extras.from_json(rest[0]) if rest else extras.NONE,
        bool(rest and rest[1]),
    )


def _plain(mark: Mark) -> list[object]:
    entry: list[object] = [mark.restarts, mark.requests, mark.errors, mark.started]
    entry.append(list(mark.suspect or ()))
    if mark.extras == extras.NONE and not mark.fresh:
        return entry
    return [*entry, mark.extras.to_json(), mark.fresh]
