"""JSON log lines on standard error; one of them for every accepted or refused command.

Used by the whole room. Lines hold identities, codes and names, never a request's body, a token or
a signature.
"""

from __future__ import annotations

import json
import logging
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bot import metrics

if TYPE_CHECKING:
    from bot.policy import Person

_AUDIT = logging.getLogger("holdpoint.audit")
_LOG = logging.getLogger("holdpoint.bot")
# Of these libraries, what they log at lower levels holds bodies and headers.
_CHATTY = ("slack_bolt", "slack_sdk", "urllib3", "github", "waitress", "kubernetes")


class JsonLines(logging.Formatter):
    """One object a line; `fields` given with the record are merged in."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON, without a traceback's locals."""
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=True)


def configure() -> None:
    """Sends every log line to standard error as JSON."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)


@dataclass(frozen=True)
class Entry:
    """A command: who gave it where, and what was understood of it. `via` is how it came."""

    person: Person
    channel: str
    delivery: str
    via: str = "command"
    verb: str | None = None
    target: str | None = None
    environment: str | None = None


def accepted(entry: Entry, request: str) -> None:
    """It was carried out or recorded; `request` is empty for reading verbs."""
    _command("accepted", entry, {"request": request})


def refused(entry: Entry, code: str) -> None:
    """It was refused."""
    _command("refused", entry, {"code": code})


def event(message: str, **fields: object) -> None:
    """Something that happened to the bot itself."""
    _LOG.info(message, extra={"fields": fields})


def trouble(message: str, **fields: object) -> None:
    """Something that an operator may have to mend; with the exception under way, if any."""
    _LOG.warning(message, extra={"fields": fields}, exc_info=sys.exc_info()[0] is not None)


def _command(outcome: str, entry: Entry, result: dict[str, str]) -> None:
    code = result.get("code", "")
    metrics.count("holdpoint_bot_commands_total", outcome=outcome, verb=entry.verb or "", code=code)
    person = entry.person
    fields = {
        "outcome": outcome,
        "identity": person.identity,
        "name": person.name,
        **({"human": person.human} if person.human else {}),
        "channel": entry.channel,
        "delivery": entry.delivery,
        "via": entry.via,
        "verb": entry.verb,
        "target": entry.target,
        **({"environment": entry.environment} if entry.environment else {}),
        **result,
    }
    _AUDIT.info("command", extra={"fields": fields})
