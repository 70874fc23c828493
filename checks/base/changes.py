"""What a change edits in the configuration, in sentences. Pure.

Used by `checks.base.rules`. Values are compared as they count, so a threshold that is written out
as its default is no change.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from checks import catalog

if TYPE_CHECKING:
    from collections.abc import Iterator

    from checks.config import Config, Declaration, Waiver

LONGEST = 60  # characters of a value that is shown


def between(before: Config, after: Config) -> tuple[str, ...]:
    """One sentence for each setting, waiver and declaration that differs."""
    return (
        *_fields("model", before.model, after.model),
        *_fields("data", before.data, after.data),
        *_fields("run", before.run, after.run),
        *_settings(before, after),
        *_waivers(before, after),
        *_declarations(before, after),
    )


def _settings(before: Config, after: Config) -> Iterator[str]:
    for check in catalog.discover():
        yield from _fields(f"checks.{check.name}", before.of(check), after.of(check))


def _fields(section: str, before: Any, after: Any) -> Iterator[str]:
    for field in dataclasses.fields(before):
        old, new = getattr(before, field.name), getattr(after, field.name)
        if old != new:
            yield f"{section}.{field.name}: {_shown(old)} becomes {_shown(new)}"


def _waivers(before: Config, after: Config) -> Iterator[str]:
    old, new = map(_waived, before.waivers), tuple(map(_waived, after.waivers))
    kept = set(old)
    for text in new:
        if text not in kept:
            yield f"waiver added: {text}"
    for text in sorted(kept - set(new)):
        yield f"waiver removed: {text}"


def _waived(waiver: Waiver) -> str:
    return f"{waiver.rule} until {waiver.expires} by {waiver.owner}"


def _declarations(before: Config, after: Config) -> Iterator[str]:
    old, new = _said(before.declarations), _said(after.declarations)
    for item in sorted(old.keys() | new.keys()):
        if item not in old:
            yield f"declaration added: {item}"
        elif item not in new:
            yield f"declaration removed: {item}"
        elif old[item] != new[item]:
            yield f"declaration changed: {item}"


def _said(declarations: tuple[Declaration, ...]) -> dict[str, str]:
    return {each.item: each.sentence for each in declarations}


def _shown(value: object) -> str:
    if value is None or value == ():
        return "not set"
    text = ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
