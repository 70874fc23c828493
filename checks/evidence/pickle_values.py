"""What the static walk of a pickle keeps in place of objects: names, things made, attributes.

Used by `checks.evidence.pickle_machine` and `checks.evidence.pickle_arrays`. Plain values (text,
numbers, tuples, lists, dictionaries) stand for themselves; everything else is one of these.
"""

from __future__ import annotations

from dataclasses import dataclass


class BrokenError(Exception):
    """The stream cannot be followed from `offset` on."""

    def __init__(self, offset: int, why: str) -> None:
        super().__init__(f"unreadable from byte {offset}: {why}")
        self.offset = offset


@dataclass(frozen=True)
class Name:
    """Something imported: `name` may be dotted."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(eq=False, slots=True)
class Made:
    """What a call would return; `state` is what BUILD would give it."""

    function: object
    arguments: object
    state: object = None


@dataclass(frozen=True, eq=False)
class Attribute:
    """`getattr` of something that is no import."""

    of: object
    name: str


class Opaque:
    """A value whose content does not matter."""


OPAQUE = Opaque()


def class_of(value: object) -> Name | None:
    """The class that a made thing would be an instance of, where the stream shows it."""
    if not isinstance(value, Made) or not isinstance(value.function, Name):
        return None
    made_by = str(value.function)
    if made_by in {"copyreg._reconstructor", "copyreg.__newobj__", "copyreg.__newobj_ex__"}:
        given = value.arguments
        first = given[0] if isinstance(given, tuple) and given else None
        return first if isinstance(first, Name) else None
    return value.function
