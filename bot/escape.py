"""Makes text from elsewhere harmless in Slack, and cuts it to a length.

Used wherever a string that we did not write goes into a message. Pure.
"""

from __future__ import annotations

import unicodedata

ELLIPSIS = "…"
# An invisible joiner after @ keeps "@here" from being read as a mention.
_WORD_JOINER = "\u2060"
# Look-alikes that Slack does not read as the beginning or end of emphasis or code.
_GRAVE = "\u02cb"
_MARKUP = str.maketrans({"*": "\u2217", "_": "\uff3f", "~": "\u223c", "`": _GRAVE})


def plain(text: str, limit: int = 300) -> str:
    """One line without control, format or direction characters, at most `limit` characters."""
    kept = "".join(
        " " if character.isspace() else character
        for character in text
        if character.isspace() or not unicodedata.category(character).startswith("C")
    )
    return cut(" ".join(kept.split()), limit)


def escaped(text: str, limit: int = 300) -> str:
    """`plain`, with & < > and mentions made inert, for a mrkdwn field.

    The limit counts before escaping: an entity is never cut in half.
    """
    bare = plain(text, limit).replace("@", f"@{_WORD_JOINER}")
    return bare.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def code(text: str, limit: int = 120) -> str:
    """Text from elsewhere as inline code; a back-tick inside cannot end it."""
    return f"`{escaped(text, limit).replace('`', _GRAVE) or ' '}`"


def name(text: str, limit: int = 80) -> str:
    """A person's or thing's name for running text: no emphasis can begin or end inside it."""
    return escaped(text, limit).translate(_MARKUP)


def cut(text: str, limit: int) -> str:
    """The text, or its beginning with an ellipsis, at most `limit` characters."""
    return text if len(text) <= limit else text[: max(0, limit - 1)] + ELLIPSIS


def short(digest_or_commit: str) -> str:
    """`sha256:0123456789ab…` or the first seven characters of a commit."""
    algorithm, colon, value = digest_or_commit.partition(":")
    return f"{algorithm}:{value[:12]}{ELLIPSIS}" if colon else digest_or_commit[:7]
