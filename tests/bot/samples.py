"""Plausible values for the room's tests: a target, a record, a check run, settings."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.gate import CheckRun
from bot.places import Target
from bot.policy import Role, Rules
from bot.settings import Settings
from checks.report import Record
from checks.report_json import record_to_text

APP = 4711
SHA = "1a2b3c4" + "0" * 33
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MODEL = b"the judged model"
MODEL_DIGEST = "sha256:" + hashlib.sha256(MODEL).hexdigest()
REPORT_DIGEST = "sha256:" + "d" * 64
TARGET = Target(
    name="lending",
    namespace="prod",
    repository="acme/lending",
    image="registry.example/acme/lending",
    tag="{commit}",
    model_path="/model/model.joblib",
    channels=frozenset({"C1"}),
    minimum_score=0.8,
    evidence_max_age=timedelta(hours=168),
)
SETTINGS = Settings(
    rules=Rules(frozenset({"T0001"}), {Role.DEPLOYER: frozenset({"U1"})}),
    targets={"lending": TARGET},
    github_app_id=APP,
)
RECORD = Record(
    repository="acme/lending",
    commit=SHA,
    timestamp="2026-03-01T11:00:00Z",
    report_digest=REPORT_DIGEST,
    overall_score=0.93,
    is_ready=True,
    critical_count=0,
    model_digests=(MODEL_DIGEST,),
)


def record(**changes: Any) -> Record:
    """The record, with changes."""
    return replace(RECORD, **changes)


def check_run(found: Record = RECORD, **changes: Any) -> CheckRun:
    """The check run that carries `found`, with changes."""
    run = CheckRun(
        id=99,
        app_id=APP,
        name="holdpoint",
        head_sha=SHA,
        status="completed",
        conclusion="success",
        external_id=found.report_digest,
        text=f"Ready.\n\n{record_to_text(found)}",
        url="https://github.example/acme/lending/runs/99",
        started="2026-03-01T11:00:00+00:00",
    )
    return replace(run, **changes)
