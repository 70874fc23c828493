"""The incident report of a rollout that was taken back, as Markdown. Pure.

Called by `holdpoint bot incident`. It says what the objects in the cluster say and nothing else:
who asked for what on which evidence, who consented, what the controller did when and why, and the
figures that it decided on. Text from elsewhere cannot become markup.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime

from bot.blocks.parts import seconds
from bot.escape import plain
from bot.records import Record, records
from rollouts.jsontypes import JsonObject, dig, dig_list, dig_object, dig_text, name_of
from rollouts.model import moment

_MARKUP = re.compile(r"([\\`*_{}\[\]()#+!|<>~-])")


def report(
    request: JsonObject,
    followers: Iterable[JsonObject],
    approvals: Iterable[JsonObject],
    deployment: JsonObject,
    environment: str,
) -> str:
    """`followers` are the later requests that went on with the rollout."""
    later = list(followers)
    names = {name_of(request), *map(name_of, later)}
    own = [a for a in approvals if dig_text(a, "spec", "request", "name") in names]
    said = records([request, *later], own, environment)
    history = [
        entry
        for entry in dig_list(deployment, "status", "history")
        if dig_text(entry, "request") in names
    ]
    parts = [
        _head(request, later, environment),
        _timeline(said, history),
        _figures(request, deployment),
        _evidence(request),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _head(request: JsonObject, later: Sequence[JsonObject], environment: str) -> str:
    done = [r for r in (request, *later) if dig_text(r, "status", "outcome")]
    last = done[-1] if done else request
    where = f" in {_inert(environment)}" if environment else ""
    target, outcome = dig_text(request, "spec", "target"), dig_text(last, "status", "outcome")
    began = moment(dig_text(request, "metadata", "creationTimestamp"))
    ended = moment(dig_text(last, "status", "observedAt"))
    by = dig_object(request, "spec", "requestedBy")
    lines = [
        f"# {_inert(target)}{where}: {_inert(outcome or 'not over yet')}",
        "",
        f"- **Reason**: {_inert(dig_text(last, 'status', 'reason') or 'none given')}",
        f"- **In words**: {_inert(dig_text(last, 'status', 'message') or 'none')}",
        f"- **Asked for by**: {_inert(dig_text(by, 'name'))}, {_inert(dig_text(by, 'id'))}",
        f"- **Lasted**: {_span(began, ended)}",
    ]
    override = dig_text(request, "spec", "arguments", "override")
    if override:
        lines.append(f"- **Break-glass**: locks were overridden by {_inert(override)}")
    return "\n".join(lines)


def _timeline(said: Sequence[Record], history: Sequence[JsonObject]) -> str:
    rows = [(each.at, _asked(each)) for each in said]
    rows += [(dig_text(entry, "at"), _did(entry)) for entry in history]
    lines = ["## Timeline", "", "| time (UTC) | what |", "|---|---|"]
    lines += [f"| {_inert(at)} | {what} |" for at, what in sorted(rows, key=lambda row: row[0])]
    return "\n".join(lines)


def _asked(record: Record) -> str:
    weight = f" {record.weight}%" if record.weight is not None else ""
    said = f": {_inert(record.said)}" if record.said else ""
    return f"{_inert(record.name or record.by)}: {_inert(record.verb)}{weight}{said}"


def _did(entry: JsonObject) -> str:
    weight = dig(entry, "weight")
    at = f" {weight}%" if isinstance(weight, int) else ""
    action, reason = _inert(dig_text(entry, "action")), _inert(dig_text(entry, "reason"))
    message = _inert(dig_text(entry, "message"))
    return f"**{action}**{at}, {reason}. {message}".rstrip()


def _figures(request: JsonObject, deployment: JsonObject) -> str:
    """Only as long as the ModelDeployment still speaks of this rollout."""
    analysis = dig_object(deployment, "status", "analysis")
    if not analysis or dig_text(deployment, "status", "request") not in ("", name_of(request)):
        return ""
    lines = ["## Figures", "", "| revision | requests | errors | error rate |", "|---|---|---|---|"]
    for side in ("candidate", "stable"):
        requests, errors = dig(analysis, side, "requests"), dig(analysis, side, "errors")
        if isinstance(requests, int) and isinstance(errors, int):
            rate = f"{100 * errors / requests:.2f} %" if requests else "no requests"
            lines.append(f"| {side} | {requests:,} | {errors:,} | {rate} |")
    verdict = dig_text(analysis, "message")
    return "\n".join([*lines, *(["", _inert(verdict)] if verdict else [])])


def _evidence(request: JsonObject) -> str:
    evidence = dig_object(request, "spec", "evidence")
    if not evidence:
        return ""
    lines = ["## What was let through", ""]
    for key in ("repository", "commit", "modelDigest", "imageDigest", "score", "reportDigest"):
        if value := dig_text(evidence, key):
            lines.append(f"- **{key}**: {_inert(value)}")
    url = dig_text(evidence, "url")
    if url.startswith("https://") and not set(url) & set("<>()[] "):
        lines.append(f"- **report**: <{url}>")
    return "\n".join(lines)


def _span(began: datetime | None, ended: datetime | None) -> str:
    return seconds((ended - began).total_seconds()) if began and ended else "not known"


def _inert(text: str) -> str:
    return _MARKUP.sub(r"\\\1", plain(text, 600))
