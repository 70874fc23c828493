"""Findings of checks that look for things in the tree: what gives points, defects, remarks. Pure.

Used by the judges of `checks.catalog`. An item counts once, by the best that was found for it, so
that removing evidence never raises a score; what is only declared is worth half.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from checks.report import Evidence, Finding, Grade, Location, Severity, State
from checks.scoring import declared

if TYPE_CHECKING:
    from checks.config import Config
    from checks.evidence.release import Defect

Found = Mapping[str, tuple[Evidence, ...]]


@dataclass(frozen=True)
class Item:
    """Something that gives points: what it is called, its worth, and what to do without it."""

    title: str
    worth: float
    fix: str
    severity: Severity = Severity.MAJOR


def item_finding(
    rule: str,
    item: Item,
    evidence: tuple[Evidence, ...],
    config: Config,
    hint: Defect | str | None = None,
) -> Finding:
    """One item's finding. `rule` is "<check>.<declarable item>.<part>"; parts share a declaration.

    `hint` is the defect that the item was lost for, or the file that could hold it.
    """
    found = [each for each in evidence if each.state is State.FOUND]
    if found:
        message = f"{item.title}: {found[0].why}"
        worth, where = item.worth, found[0].where
        return Finding(rule, Grade.FOUND, Severity.INFO, message, worth, worth, where)
    declaration = config.declared(".".join(rule.split(".")[:2]))
    if declaration is not None:
        return declared(rule, item.worth, declaration)
    if hint is not None and not isinstance(hint, str):
        return Finding(
            rule, Grade.FOUND, item.severity, hint.message, item.worth, 0.0, hint.where, hint.fix
        )
    fix = f"{hint}: {item.fix.rpartition(': ')[2]}" if hint else item.fix
    where = Location(hint) if hint else None
    message = f"not found: {item.title}"
    return Finding(rule, Grade.MISSING, item.severity, message, item.worth, 0.0, where, fix)


def missing(findings: Iterable[Finding], items: int) -> str:
    """How many of the items give no points, in words."""
    lost = sum(1 for each in findings if each.worth and not each.earned)
    return f"{lost} of {items} items missing" if lost else f"all {items} items are there"


def defect_finding(check: str, defect: Defect) -> Finding:
    """Something that is there and should not be, or not like this; without points."""
    rule, fix = f"{check}.defect.{defect.item}", defect.fix
    return Finding(
        rule, Grade.FOUND, defect.severity, defect.message, where=defect.where, recommendation=fix
    )


def remark_finding(check: str, remark: Evidence) -> Finding:
    """Something looked for that is worth no points."""
    grade = Grade.FOUND if remark.state is State.FOUND else Grade.MISSING
    return Finding(f"{check}.{remark.item}", grade, Severity.INFO, remark.why, where=remark.where)


def unreadable_finding(check: str, each: Evidence) -> Finding:
    """A file that might have held evidence and could not be read."""
    why = each.why.removeprefix(f"{each.where.path}: ") if each.where else each.why
    rule, message = f"{check}.unreadable", f"unreadable: {why}"
    fix = each.fix or "let it be read: what it holds counts nowhere"
    fix = f"{each.where.path}: {fix}" if each.where else fix
    return Finding(
        rule, Grade.MISSING, Severity.MINOR, message, where=each.where, recommendation=fix
    )
