"""Every setting in force, in words: its value, where it came from, and what it means. Pure.

Called by `checks.config_cli` for `holdpoint config --explain`.
"""

from __future__ import annotations

import dataclasses
import inspect
import textwrap
from typing import TYPE_CHECKING, Any

from checks.config_schema import about
from checks.render.inert import plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from checks.check import Check
    from checks.config import Config

WIDTH = 96


def explain(config: Config, checks: tuple[Check, ...], only: tuple[str, ...] = ()) -> str:
    """The text, which ends with a newline. `only` names the checks to explain; none means all."""
    lines = [f"configuration: {config.source or 'none, so everything is a default'}", ""]
    if not only:
        sections = ("model", config.model), ("data", config.data), ("run", config.run)
        for name, section in sections:
            lines += [name, *_settings(name, section, config), ""]
    for check in checks:
        if not only or check.name in only:
            lines += [*_check(check, config), ""]
    if not only:
        lines += [*_said(config), *(f"note: {plain(note)}" for note in config.notes)]
    return "\n".join(lines).rstrip() + "\n"


def summary(config: Config, checks: tuple[Check, ...]) -> str:
    """A few lines: that the file can be used, and what it sets."""
    if config.source is None:
        return (
            "no configuration was found, so everything is a default; `holdpoint init` writes one\n"
        )
    keys = [key for key in config.origins if not key.startswith(("declarations", "waivers"))]
    counted = [(len(keys), "setting"), (len(config.declarations), "declaration")]
    counted.append((len(config.waivers), "waiver"))
    counts = ", ".join(f"{n or 'no'} {noun}{'' if n == 1 else 's'}" for n, noun in counted)
    lines = [f"{config.source} can be used: {counts}."]
    lines += [f"note: {plain(note)}" for note in config.notes]
    known = ", ".join(check.name for check in checks)
    lines.append(f"`holdpoint config --explain` shows all of them, for {known}.")
    return "\n".join(lines) + "\n"


def _check(check: Check, config: Config) -> Iterator[str]:
    document = inspect.getdoc(inspect.getmodule(type(check))) or ""
    yield f"checks.{check.name}: {document.partition(chr(10))[0]}"
    yield from _settings(f"checks.{check.name}", config.of(check), config)
    if check.items:
        items = ", ".join(f"{name} {worth:g}" for name, worth in check.items.items())
        yield from _wrap(f"can be declared: {items}")
    scored = document.partition("How it is scored\n")[2].partition("\n\n")[0]
    yield from _wrap(f"how it is scored: {' '.join(scored.split())}")


def _settings(prefix: str, section: Any, config: Config) -> Iterator[str]:
    for each in dataclasses.fields(section):
        value, line = getattr(section, each.name), config.origins.get(f"{prefix}.{each.name}")
        origin = "default" if line is None else f"{config.source}:{line}"
        yield f"  {each.name:<18} {_shown(value):<26} {origin:<22} {about(each)}".rstrip()


def _said(config: Config) -> Iterator[str]:
    for declaration in config.declarations:
        place = f"{declaration.where.path}:{declaration.where.line}" if declaration.where else ""
        yield f"declared: {declaration.item}, {plain(declaration.sentence)} [{place}; worth half]"
    for waiver in config.waivers:
        place = f"{waiver.where.path}:{waiver.where.line}" if waiver.where else ""
        yield plain(
            f"waived: {waiver.rule} until {waiver.expires} by {waiver.owner}: {waiver.reason} "
            f"[{place}; lost points stay lost]"
        )


def _shown(value: object) -> str:
    if value is None or value == ():
        return "not set"
    if isinstance(value, tuple):
        return plain(", ".join(map(str, value)))
    return f"{value:g}" if isinstance(value, float) else plain(str(value))


def _wrap(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent="  ", subsequent_indent="    ")
