"""Writes docs/reference/verbs.md from the verbs and the policy: `python -m bot.reference`.

A test compares the page with what this makes. It reads no settings and knows no workspace.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bot.commands import catalogue
from bot.policy import SATISFIED_BY, Kind
from bot.policy.situation import BARRED

if TYPE_CHECKING:
    from bot.desk import Verb

PAGE = Path("docs/reference/verbs.md")
_HEAD = """# Verbs

Typed as `/deploy VERB ...` in Slack, in any order of words. A target or environment that is left
out is the channel's own; with none, or several, the command is refused: nothing is done on a guess.
Durations are written `30m`, `2h`, `1d12h`. A reason that begins like a target goes into quotes.
This page is made from the code (`python -m bot.reference`).
"""
_KINDS = {
    Kind.READ: "shows something",
    Kind.START: "starts a rollout",
    Kind.ADVANCE: "advances a rollout",
    Kind.STOP: "stops or takes back",
    Kind.LOCK: "locks",
    Kind.UNLOCK: "unlocks",
    Kind.FREEZE: "freezes or lifts a freeze",
    Kind.CONSENT: "consents",
    Kind.OVERRIDE: "break-glass",
}


def render() -> str:
    """The whole page."""
    verbs = list(catalogue().values())
    rows = ["| verb | what it does | kind | roles |", "|---|---|---|---|"]
    rows += [_row(verb) for verb in verbs]
    return "\n".join([_HEAD, *rows, "", *_barred(), ""])


def _row(verb: Verb) -> str:
    roles = ", ".join(sorted(role.value for role in SATISFIED_BY[verb.role]))
    usage = verb.shape.usage.replace("|", "\\|")
    return f"| `{usage}` | {verb.summary} | {_KINDS[verb.kind]} | {roles} |"


def _barred() -> list[str]:
    barred = " or ".join(_KINDS[kind] for kind in _KINDS if kind in BARRED)
    return [
        "## What stands in the way",
        "",
        f"A lock of somebody else, a freeze, a closed window: they bar every verb that {barred}.",
        "That an image is promoted first in the environment before: that bars what starts one.",
        "Approvals are asked for the same two kinds, where the environment's `approvals` say so.",
        "Letting a paused rollout go on asks for none. The request is recorded and waits, and the",
        "controller takes it up once enough people have approved exactly it.",
        "Nothing bars what stops or takes back.",
        "",
        "An `override` makes way for locks, freezes, windows and the order of environments, for 30",
        "minutes unless it says otherwise. It replaces neither evidence nor roles nor approvals,",
        "stands in the request that used it, and the rollout's message shows it.",
    ]


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
    sys.stdout.write(f"{PAGE}\n")
