"""The audit record of a namespace as flat lines, from its requests and approvals. Pure.

Called by `history`, by the export and by the incident report. One record a request or approval;
refused commands that never became an object are in the log only, where strangers cannot fill a
cluster's memory.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields

from rollouts.jsontypes import JsonObject, dig, dig_object, dig_text, name_of

RECORDED = "Recorded"  # an approval's phase: it has no other
# Spreadsheets run what begins with one of these.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Record:
    """One request or approval. Times are RFC 3339, `weight` is per cent or None."""

    at: str
    environment: str
    target: str
    verb: str
    by: str
    name: str
    channel: str
    object: str
    weight: int | None
    image: str
    model_digest: str
    commit: str
    score: str
    report: str
    seen_generation: int | None
    seen_stable: str
    said: str
    phase: str
    outcome: str
    reason: str
    message: str
    observed_at: str


def records(
    requests: Iterable[JsonObject], approvals: Iterable[JsonObject], environment: str
) -> list[Record]:
    """Oldest first."""
    found = [_request(each, environment) for each in requests]
    found += [_approval(each, environment) for each in approvals]
    # Times are whole seconds: within one, what was asked comes before the consent to it.
    return sorted(found, key=lambda each: (each.at, each.phase == RECORDED, each.object))


def json_lines(found: Sequence[Record]) -> str:
    """One JSON object a line, keys in a fixed order."""
    return "".join(f"{json.dumps(asdict(record), ensure_ascii=True)}\n" for record in found)


def comma_separated(found: Sequence[Record]) -> str:
    """RFC 4180 with a header; a text that a spreadsheet would run is made inert with a quote."""
    text = io.StringIO()
    writer = csv.writer(text)
    names = [field.name for field in fields(Record)]
    writer.writerow(names)
    for record in found:
        writer.writerow([_inert(getattr(record, name)) for name in names])
    return text.getvalue()


def _inert(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _request(request: JsonObject, environment: str) -> Record:
    spec, status = dig_object(request, "spec"), dig_object(request, "status")
    arguments, evidence = dig_object(spec, "arguments"), dig_object(spec, "evidence")
    return Record(
        at=dig_text(request, "metadata", "creationTimestamp"),
        environment=environment,
        target=dig_text(spec, "target"),
        verb=dig_text(spec, "verb"),
        by=dig_text(spec, "requestedBy", "id"),
        name=dig_text(spec, "requestedBy", "name"),
        channel=dig_text(spec, "source", "channel"),
        object=name_of(request),
        weight=_whole(arguments, "weight"),
        image=dig_text(arguments, "image"),
        model_digest=dig_text(arguments, "modelDigest"),
        commit=dig_text(arguments, "commit"),
        score=dig_text(evidence, "score"),
        report=dig_text(evidence, "url"),
        seen_generation=_whole(spec, "seen", "generation"),
        seen_stable=dig_text(spec, "seen", "stableImage"),
        said=dig_text(arguments, "reason"),
        phase=dig_text(status, "phase") or "Pending",
        outcome=dig_text(status, "outcome"),
        reason=dig_text(status, "reason"),
        message=dig_text(status, "message"),
        observed_at=dig_text(status, "observedAt"),
    )


def _approval(approval: JsonObject, environment: str) -> Record:
    spec, bound = dig_object(approval, "spec"), dig_object(approval, "spec", "bound")
    return Record(
        at=dig_text(approval, "metadata", "creationTimestamp"),
        environment=environment,
        target=dig_text(bound, "target"),
        verb=dig_text(spec, "decision") or "Approve",
        by=dig_text(spec, "approvedBy", "id"),
        name=dig_text(spec, "approvedBy", "name"),
        channel=dig_text(spec, "source", "channel"),
        object=name_of(approval),
        weight=_whole(bound, "weight"),
        image=dig_text(bound, "image"),
        model_digest=dig_text(bound, "modelDigest"),
        commit=dig_text(bound, "commit"),
        score="",
        report="",
        seen_generation=_whole(bound, "generation"),
        seen_stable="",
        said=f"for {dig_text(spec, 'request', 'name')}",
        phase=RECORDED,
        outcome="",
        reason="",
        message="",
        observed_at="",
    )


def _whole(value: JsonObject, *path: str) -> int | None:
    found = dig(value, *path)
    return found if isinstance(found, int) and not isinstance(found, bool) else None
