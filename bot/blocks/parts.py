"""The blocks that every message is made of, within Slack's limits."""

from __future__ import annotations

import re
from typing import Any

from bot.escape import cut, escaped, name, plain

Block = dict[str, Any]
HEADER, SECTION, CONTEXT = 150, 3000, 2000  # characters
_IN_TEXT = re.compile(r"\bslack:[TE][A-Z0-9]+/([UW][A-Z0-9]+)\b")
_SIGNS = dict.fromkeys(map(ord, "<>&@"))
_SLACK_USER = re.compile(r"slack:[A-Z0-9]+/([UW][A-Z0-9]+)")


def header(text: str) -> Block:
    """Large plain text, without the signs that could begin a mention."""
    return {"type": "header", "text": plain_text(text, HEADER)}


def plain_text(text: str, limit: int) -> Block:
    """One line for a header, a button or a question, which cannot be escaped."""
    return {"type": "plain_text", "text": cut(plain(text, limit).translate(_SIGNS), limit)}


def section(text: str) -> Block:
    """Running text in mrkdwn, not parsed for names."""
    return {"type": "section", "text": _mrkdwn(text, SECTION)}


def context(text: str) -> Block:
    """Small print in mrkdwn."""
    return {"type": "context", "elements": [_mrkdwn(text, CONTEXT)]}


def who(identity: str, shown: str) -> str:
    """A mention of a Slack user, or the name of anyone else."""
    user = _SLACK_USER.fullmatch(identity)
    return f"<@{user[1]}>" if user else f"*{name(shown or identity)}*"


def told(text: str, limit: int) -> str:
    """A sentence from the cluster, escaped; identities of Slack users in it become mentions."""
    sentence = _IN_TEXT.sub(r"<@\1>", escaped(text, limit))
    return sentence[:1].upper() + sentence[1:]


def seconds(span: float) -> str:
    """`4 s`, `3 min 20 s`, `2 h 5 min`."""
    whole = round(span)
    if whole < 1:
        return "under a second"
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def _mrkdwn(text: str, limit: int) -> Block:
    return {"type": "mrkdwn", "text": cut(text, limit), "verbatim": True}
