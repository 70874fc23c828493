"""Reports made by hand, for tests that judge nothing."""

from __future__ import annotations

from checks.report import (
    Finding,
    Grade,
    Location,
    ModelIdentity,
    Report,
    Severity,
    Verdict,
)

REPO = "acme/lending"
BASE, HEAD = "a" * 40, "b" * 40


def finding(**more: object) -> Finding:
    values: dict[str, object] = {
        "rule": "deployment.probes",
        "grade": Grade.MISSING,
        "severity": Severity.MAJOR,
        "message": "no probes",
        "worth": 0.1,
        "where": Location("k8s/deployment.yaml", 12),
        "recommendation": "add a readiness probe",
    }
    return Finding(**{**values, **more})  # type: ignore[arg-type] # the fields are named above


def report(*, ready: bool = True, findings: tuple[Finding, ...] = ()) -> Report:
    score = 0.93 if ready else 0.41
    return Report(
        timestamp="2026-01-02T03:04:05Z",
        commit=HEAD,
        models=(ModelIdentity("model/model.joblib", "sha256:" + "1" * 64, "joblib", 1234),),
        data_digest="sha256:" + "2" * 64,
        verdicts=(Verdict("deployment", ready, score, "a message", findings=findings),),
        overall_score=score,
        is_ready=ready,
        critical_issues=() if ready else ("the model is worse than guessing",),
        recommendations=(),
        next_steps=(),
        repository=REPO,
    )
