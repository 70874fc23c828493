"""The readiness report's data types: evidence, findings, verdicts, the report and its short record.

Collectors make `Evidence`, judges turn it into `Finding`s and a `Verdict`, renderers and publishers
read a `Report`. The bot reads these types too, and nothing else of this package. Everything here
is frozen and pure; JSON in and out lives in `checks.report_json`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

SCHEMA_VERSION = 1
READY_AT = 0.8  # readiness threshold on the overall score


class State(StrEnum):
    """What became of looking for one piece of evidence."""

    FOUND = "found"
    ABSENT = "absent"
    UNREADABLE = "unreadable"
    NOT_APPLICABLE = "not_applicable"
    DECLARED = "declared"


class Grade(StrEnum):
    """How strong the evidence behind a finding is, strongest first."""

    MEASURED = "measured"
    FOUND = "found"
    DECLARED = "declared"
    MISSING = "missing"


class Severity(StrEnum):
    """How much a finding matters to the reader."""

    CRITICAL = "critical"
    MAJOR = "major"
    MINOR = "minor"
    INFO = "info"


@dataclass(frozen=True)
class Location:
    """A place in the judged repository: `path` relative to its root, `line` from 1."""

    path: str
    line: int | None = None
    digest: str | None = None


@dataclass(frozen=True)
class Evidence:
    """One thing that was looked for. `why` explains every state but FOUND."""

    item: str
    state: State
    why: str = ""
    where: Location | None = None
    link: str | None = None
    fix: str | None = None  # of what is unreadable


@dataclass(frozen=True)
class Finding:
    """One judged item: `worth` is its share of the check's score, `earned` what it brought."""

    rule: str  # "<check>.<item>", stable
    grade: Grade
    severity: Severity
    message: str
    worth: float = 0.0
    earned: float = 0.0
    where: Location | None = None
    recommendation: str | None = None


@dataclass(frozen=True)
class Figure:
    """A measured number. `unit` is "" for ratios; `low`/`high` bound a 95 % interval."""

    name: str
    value: float
    unit: str = ""
    low: float | None = None
    high: float | None = None
    threshold: float | None = None
    met: bool | None = None
    samples: int | None = None


@dataclass(frozen=True)
class Verdict:
    """One check's outcome. `score` is None when it does not apply or could not be judged."""

    check_name: str
    passed: bool
    score: float | None
    message: str
    critical: bool = False
    applicable: bool = True
    recommendations: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    figures: tuple[Figure, ...] = ()
    details: Mapping[str, object] = field(default_factory=dict)  # plain JSON values, for plots
    seconds: float | None = None  # that looking and judging took


@dataclass(frozen=True)
class ModelIdentity:
    """The bytes that were judged: `digest` is "sha256:<hex>" of the model file."""

    path: str
    digest: str
    format: str
    size: int  # bytes


@dataclass(frozen=True)
class BaseCheck:
    """What one check said of the base. A check that is missing there was not judged there."""

    check_name: str
    passed: bool
    score: float | None
    critical: bool = False
    applicable: bool = True


@dataclass(frozen=True)
class BaseReport:
    """The base that the judged tree is compared with, judged in the same run on the same rows.

    `overall_score` is None unless every check was judged there too. `models` is empty where the
    base has none. `changes` says what the judged change edits in its own rules and rows, and `why`
    what was not compared.
    """

    ref: str
    commit: str
    overall_score: float | None
    is_ready: bool
    checks: tuple[BaseCheck, ...]
    models: tuple[ModelIdentity, ...] = ()
    changes: tuple[str, ...] = ()
    why: tuple[str, ...] = ()


@dataclass(frozen=True)
class Report:
    """A whole run over one commit. Times are ISO 8601 in UTC."""

    timestamp: str
    commit: str | None
    models: tuple[ModelIdentity, ...]
    data_digest: str | None
    verdicts: tuple[Verdict, ...]
    overall_score: float | None
    is_ready: bool
    critical_issues: tuple[str, ...]
    recommendations: tuple[str, ...]
    next_steps: tuple[str, ...]
    repository: str | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()  # what was left out, sampled or trusted, in sentences
    base: BaseReport | None = None
    seconds: float | None = None  # that the whole run took


@dataclass(frozen=True)
class Record:
    """The report in a few lines, kept in the check run, where the bot finds and verifies it.

    `report_digest` is "sha256:<hex>" of the report's JSON bytes. `model_digests` tie the verdict to
    bytes; a verdict without one clears nothing.
    """

    repository: str
    commit: str
    timestamp: str
    report_digest: str
    overall_score: float | None
    is_ready: bool
    critical_count: int
    model_digests: tuple[str, ...]
    schema_version: int = SCHEMA_VERSION
