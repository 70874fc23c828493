"""Reading a watch: a long answer of one JSON object a line.

Called by `rollouts.kube.client`. Pure but for the iterator of bytes that it is given; it does not
reconnect, because only the caller knows what it has seen.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollouts.jsontypes import JsonObject, dig, dig_text, version_of
from rollouts.kube.errors import ClusterError, Gone, Unreachable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LONGEST_LINE = 8 << 20  # etcd refuses objects over 1.5 MiB; JSON escapes can grow them


@dataclass(frozen=True)
class WatchEvent:
    """One change: `type` is ADDED, MODIFIED, DELETED or BOOKMARK (which carries a version only)."""

    type: str
    object: JsonObject

    @property
    def resource_version(self) -> str:
        """Where a watch that goes on after this event starts."""
        return version_of(self.object)


def lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Whole lines out of pieces cut anywhere.

    A last line without its end is dropped: a half-sent event was not seen. Raises Unreachable for
    a line over LONGEST_LINE bytes.
    """
    rest = b""
    for piece in pieces:
        rest += piece
        *whole, rest = rest.split(b"\n")
        yield from (line for line in whole if line.strip())
        if len(rest) > LONGEST_LINE:
            raise Unreachable(f"a watch sent a line of over {LONGEST_LINE} bytes; it was cut off")


def events(pieces: Iterable[bytes], doing: str) -> Iterator[WatchEvent]:
    """The events of a watch. Raises Gone on 410, ClusterError on another error event."""
    for line in lines(pieces):
        try:
            data = json.loads(line)
        except ValueError as error:
            raise Unreachable(f"cannot {doing}: a line is not JSON") from error
        kind, obj = dig_text(data, "type"), dig(data, "object")
        if not kind or not isinstance(obj, dict):
            raise Unreachable(f"cannot {doing}: a line is not a watch event")
        if kind == "ERROR":
            raise _refusal(obj, doing)
        yield WatchEvent(kind, obj)


def _refusal(status: JsonObject, doing: str) -> ClusterError:
    code = dig(status, "code")
    sentence = f"cannot {doing}: {dig_text(status, 'message') or 'the watch ended with an error'}"
    return Gone(sentence, status=410) if code == 410 else Unreachable(sentence)
