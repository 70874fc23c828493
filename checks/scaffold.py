"""Writes the file of a new check, which is all that a new check needs: `python -m checks.scaffold`.

For contributors. The new file keeps every promise that the conformance test asks for and looks for
nothing yet; its author replaces what it collects and judges.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

TEMPLATE = '''"""TODO: the question that this check answers, in one line.

What it looks for
    TODO

Why
    TODO: what goes wrong in production without it.

How it is scored
    TODO: what each item is worth. Passed at 0.7, critical below 0.5.

How to fix
    TODO
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from checks.config import share
from checks.report import Evidence, Finding, Grade, Location, Severity, State, Verdict
from checks.scoring import declared, verdict

if TYPE_CHECKING:
    from checks.check import Check, Context
    from checks.config import Config

NAME = "{name}"


@dataclass(frozen=True)
class Settings:
    """What can be set under `checks: {{{name}: ...}}` in holdpoint.yml."""

    passed_at: float = share(0.7)
    critical_below: float = share(0.5)


class {class_name}:
    """The check; see the module's text."""

    name = NAME
    title = "{title}"
    settings: type[Any] = Settings
    items: Mapping[str, float] = {{"readme": 1.0}}
    rules = ("readme",)

    def collect(self, context: Context) -> tuple[Evidence, ...]:
        """Looks only; gives no points."""
        pages = context.repository.matching("README*")
        return tuple(Evidence("readme", State.FOUND, "", Location(page.path)) for page in pages)

    def judge(self, evidence: tuple[Evidence, ...], config: Config) -> Verdict:
        """Gives the points. Pure: it looks at nothing but its arguments."""
        rule = f"{{NAME}}.readme"
        declaration = config.declared(rule)
        if evidence:
            where = evidence[0].where
            finding = Finding(rule, Grade.FOUND, Severity.INFO, "a README", 1.0, 1.0, where)
        elif declaration is not None:
            finding = declared(rule, 1.0, declaration)
        else:
            message, fix = "not found: a README", "README.md: write one"
            finding = Finding(rule, Grade.MISSING, Severity.MAJOR, message, 1.0, 0.0, None, fix)
        return verdict(NAME, [finding], config.of(self), finding.message)


CHECK: Check = {class_name}()
'''


def main(argv: list[str]) -> int:
    """Writes `checks/catalog/NAME.py`; refuses to overwrite."""
    parser = argparse.ArgumentParser(prog="python -m checks.scaffold", description=__doc__)
    parser.add_argument("name", help="the check's name, such as model_robustness")
    name = parser.parse_args(argv).name
    if not re.fullmatch(r"[a-z][a-z0-9_]{2,40}", name):
        sys.stderr.write(f"{name!r} is no name of a check: use lower-case words joined by _\n")
        return 2
    target = Path(__file__).parent / "catalog" / f"{name}.py"
    if target.exists():
        sys.stderr.write(f"{target} exists already\n")
        return 2
    target.write_text(render(name), encoding="utf-8")
    sys.stdout.write(f"wrote {target}\nnext: pytest tests/checks/test_catalog.py -k {name}\n")
    return 0


def render(name: str) -> str:
    """The text of a new check's file."""
    class_name = "".join(word.capitalize() for word in name.split("_"))
    title = name.replace("_", " ").capitalize()
    return TEMPLATE.format(name=name, class_name=class_name, title=title)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
