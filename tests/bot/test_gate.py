"""Only our app's success on that very commit, of those very bytes, recently, clears anything."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot import gate
from bot.gate import CheckRun, Image
from bot.refusals import Refusal, Refused
from tests.bot.samples import (
    MODEL_DIGEST,
    NOW,
    REPORT_DIGEST,
    SETTINGS,
    SHA,
    TARGET,
    check_run,
    record,
)

IMAGE_DIGEST = "sha256:" + "e" * 64
OTHER = "sha256:" + "f" * 64


def image(model: str | None) -> Image:
    return Image(f"{TARGET.image}@{IMAGE_DIGEST}", IMAGE_DIGEST, model)


def refusal(*runs: CheckRun, now: object = NOW) -> Refusal:
    with pytest.raises(Refused) as caught:
        gate.judged(runs, SHA, TARGET, SETTINGS, now)  # type: ignore[arg-type] # always a datetime
    denial = caught.value.denial
    assert denial.rule
    assert denial.who
    assert denial.then
    return denial.code


def test_a_judged_commit_with_the_judged_bytes_is_cleared() -> None:
    found = gate.judged([check_run()], SHA, TARGET, SETTINGS, NOW)
    assert gate.clear(found, image(MODEL_DIGEST), TARGET).evidence() == {
        "reportDigest": REPORT_DIGEST,
        "score": "0.9300",
        "ready": True,
        "repository": "acme/lending",
        "commit": SHA,
        "modelDigest": MODEL_DIGEST,
        "imageDigest": IMAGE_DIGEST,
        "checkRun": 99,
        "url": "https://github.example/acme/lending/runs/99",
        "expiresAt": "2026-03-08T11:00:00Z",
    }


@pytest.mark.parametrize(
    ("run", "code"),
    [
        (check_run(name="other"), Refusal.NOT_JUDGED),
        (check_run(head_sha="9" * 40), Refusal.NOT_JUDGED),
        (check_run(app_id=15368), Refusal.CHECK_FROM_OTHER_APP),
        (check_run(app_id=0), Refusal.CHECK_FROM_OTHER_APP),
        (check_run(status="in_progress", conclusion=None), Refusal.CHECK_NOT_FINISHED),
        (check_run(conclusion="failure"), Refusal.NOT_READY),
        (check_run(conclusion="skipped"), Refusal.NOT_READY),
        (check_run(conclusion="neutral"), Refusal.NOT_READY),
        (check_run(conclusion=None), Refusal.NOT_READY),
        (check_run(text="Ready."), Refusal.RECORD_UNREADABLE),
        (check_run(text=check_run().text + "\nmore"), Refusal.RECORD_UNREADABLE),
        (check_run(external_id=OTHER), Refusal.RECORD_MISMATCH),
        (check_run(record(commit="9" * 40)), Refusal.RECORD_MISMATCH),
        (check_run(record(repository="mallory/lending")), Refusal.RECORD_MISMATCH),
        (check_run(record(is_ready=False)), Refusal.NOT_READY),
        (check_run(record(critical_count=1)), Refusal.NOT_READY),
        (check_run(record(overall_score=0.79)), Refusal.SCORE_TOO_LOW),
        (check_run(record(overall_score=None)), Refusal.SCORE_TOO_LOW),
        (check_run(record(timestamp="2026-02-01T00:00:00Z")), Refusal.EVIDENCE_EXPIRED),
        (check_run(record(timestamp="2027-02-01T00:00:00Z")), Refusal.EVIDENCE_EXPIRED),
    ],
    ids=lambda value: value.value if isinstance(value, Refusal) else "",
)
def test_anything_else_is_refused(run: CheckRun, code: Refusal) -> None:
    assert refusal(run) is code


def test_no_check_at_all_is_not_judged() -> None:
    assert refusal() is Refusal.NOT_JUDGED


def test_another_apps_green_check_beside_ours_changes_nothing() -> None:
    forged = check_run(app_id=15368, id=100, started="2026-03-01T11:30:00+00:00")
    assert refusal(check_run(conclusion="failure"), forged) is Refusal.NOT_READY
    found = gate.judged([check_run(), forged], SHA, TARGET, SETTINGS, NOW)
    assert found.run.app_id == SETTINGS.github_app_id


def test_the_newest_run_of_our_app_counts() -> None:
    newer = check_run(id=100, conclusion="failure", started="2026-03-01T11:30:00+00:00")
    assert refusal(check_run(), newer) is Refusal.NOT_READY
    assert refusal(newer, check_run()) is Refusal.NOT_READY


def test_evidence_expires_to_the_second() -> None:
    last = NOW - timedelta(hours=1) + TARGET.evidence_max_age
    gate.judged([check_run()], SHA, TARGET, SETTINGS, last - timedelta(seconds=1))
    assert refusal(check_run(), now=last) is Refusal.EVIDENCE_EXPIRED


@pytest.mark.parametrize(
    ("model", "code"), [(OTHER, Refusal.MODEL_NOT_JUDGED), (None, Refusal.MODEL_NOT_IN_IMAGE)]
)
def test_other_bytes_in_the_image_are_refused(model: str | None, code: Refusal) -> None:
    found = gate.judged([check_run()], SHA, TARGET, SETTINGS, NOW)
    with pytest.raises(Refused) as caught:
        gate.clear(found, image(model), TARGET)
    assert caught.value.denial.code is code


def test_the_refusal_shows_both_digests_shortened() -> None:
    found = gate.judged([check_run()], SHA, TARGET, SETTINGS, NOW)
    with pytest.raises(Refused) as caught:
        gate.clear(found, image(OTHER), TARGET)
    assert "sha256:ffffffffffff…" in caught.value.denial.rule
    assert f"{MODEL_DIGEST[:19]}…" in caught.value.denial.rule


def test_a_record_without_a_model_clears_nothing() -> None:
    found = gate.judged([check_run(record(model_digests=()))], SHA, TARGET, SETTINGS, NOW)
    with pytest.raises(Refused) as caught:
        gate.clear(found, image(MODEL_DIGEST), TARGET)
    assert caught.value.denial.code is Refusal.MODEL_NOT_JUDGED


def test_a_hostile_address_becomes_no_link() -> None:
    run = check_run(conclusion="failure", url="https://x|<!channel>")
    with pytest.raises(Refused) as caught:
        gate.judged([run], SHA, TARGET, SETTINGS, NOW)
    assert "<!channel>" not in caught.value.denial.then
