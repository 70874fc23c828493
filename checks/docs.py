"""A page about each check, made from what the code says: `python -m checks.docs` writes them.

The words are the docstring's under its four headings; items, settings and rules are the check's
own. `docs/reference/checks/` holds the pages, and a test holds them against this.
"""

from __future__ import annotations

import dataclasses
import inspect
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from checks import catalog
from checks.config import waivable
from checks.config_schema import about

if TYPE_CHECKING:
    from collections.abc import Iterator

    from checks.check import Check

TARGET = Path(__file__).parents[1] / "docs" / "reference" / "checks"
HEADINGS = ("What it looks for", "Why", "How it is scored", "How to fix")
MADE = "<!-- Made by `make docs` from checks/catalog/{name}.py; change it there. -->"


def pages() -> dict[str, str]:
    """The text of every page by its file's name."""
    checks = catalog.discover()
    return {"README.md": index(checks), **{f"{each.name}.md": page(each) for each in checks}}


def index(checks: tuple[Check, ...]) -> str:
    """The list of all checks."""
    rows = [f"| [{each.name}]({each.name}.md) | {_question(each)} |" for each in checks]
    lines = ["# The checks", "", MADE.format(name="*"), "", "| check | its question |", "|---|---|"]
    return "\n".join([*lines, *rows]) + "\n"


def page(check: Check) -> str:
    """The page of one check."""
    parts = [
        f"# {check.title}",
        MADE.format(name=check.name),
        f"`{check.name}`: {_question(check)}",
    ]
    for heading, text in sections(check).items():
        parts += [f"## {heading}", text]
    if check.items:
        rows = [f"| `{name}` | {worth:g} |" for name, worth in check.items.items()]
        parts += ["## What can be declared", "\n".join(["| item | worth |", "|---|---|", *rows])]
    parts += ["## Settings", f"Under `checks: {{{check.name}: ...}}` in `holdpoint.yml`:"]
    parts.append(
        "\n".join(["| setting | default | what it means |", "|---|---|---|", *_settings(check)])
    )
    named = ", ".join(f"`{rule}`" for rule in waivable(check))
    parts += ["## Rules", f"What a waiver may name (`*` stands for a name or number): {named}."]
    return "\n\n".join(parts) + "\n"


def sections(check: Check) -> dict[str, str]:
    """The text under each of the docstring's fixed headings, unindented."""
    lines = _document(check).splitlines()
    places = [(heading, lines.index(heading)) for heading in HEADINGS if heading in lines]
    ends = [place for _, place in places[1:]] + [len(lines)]
    return {
        heading: textwrap.dedent("\n".join(lines[place + 1 : end])).strip()
        for (heading, place), end in zip(places, ends, strict=True)
    }


def main() -> int:
    """Writes the pages, and removes those of checks that are gone."""
    TARGET.mkdir(parents=True, exist_ok=True)
    found = pages()
    for path in TARGET.glob("*.md"):
        if path.name not in found:
            path.unlink()
    for name, text in found.items():
        (TARGET / name).write_text(text, encoding="utf-8")
    sys.stdout.write(f"wrote {len(found)} pages to {TARGET}\n")
    return 0


def _document(check: Check) -> str:
    return inspect.getdoc(inspect.getmodule(type(check))) or ""


def _question(check: Check) -> str:
    return _document(check).partition("\n")[0]


def _settings(check: Check) -> Iterator[str]:
    defaults = check.settings()
    for each in dataclasses.fields(check.settings):
        value = getattr(defaults, each.name)
        said = about(each).replace("|", "\\|")
        yield f"| `{each.name}` | {_shown(value)} | {said} |"


def _shown(value: object) -> str:
    if value in {None, (), ""}:
        return "not set"
    if isinstance(value, tuple):
        return ", ".join(f"`{each}`" for each in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    raise SystemExit(main())
