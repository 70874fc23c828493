"""The answer to `history`: one line for each request, the newest first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.blocks.parts import context, section, who
from bot.desk import Answer
from bot.escape import code, escaped, short

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.records import Record

MOST = 15
LINE = 180  # characters, so that every line fits into one section


def answer(label: str, records: Sequence[Record]) -> Answer:
    """What happened to one target."""
    newest = sorted(records, key=lambda record: record.at, reverse=True)
    lines = [_line(record) for record in newest[:MOST]]
    text = "\n".join(lines) or "Nobody has asked for anything yet."
    blocks = [section(f"*{escaped(label, 120)}*\n{text}")]
    left = len(newest) - MOST
    more = f"{left} older ones are left out. " if left > 0 else ""
    blocks.append(context(f"{more}The whole record: `holdpoint bot export`."))
    return Answer(tuple(blocks), "History")


def _line(record: Record) -> str:
    weight = f" {record.weight}%" if record.weight is not None else ""
    what = f"{escaped(record.verb, 12)}{weight}"
    commit = f" {code(short(record.commit), 12)}" if record.commit else ""
    outcome = escaped(record.outcome or record.phase, 12)
    reason = f" {code(record.reason, 26)}" if record.reason else ""
    at = record.at[5:16].replace("T", " ")
    return f"{at} {who(record.by, record.name[:20])} {what}{commit}: {outcome}{reason}"
