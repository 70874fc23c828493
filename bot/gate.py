"""Is this commit cleared for this target? Facts in, a decision out.

Called by `bot.clearance`, which fetches the facts one after the other. Pure: no clock, no network.
Only the configured app's check run on exactly this commit counts, and only for the model bytes
that its record names; nothing that an image says about itself is a fact here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bot.escape import code, escaped, short
from bot.refusals import Refusal, refuse
from checks.report_json import ReportError, record_from_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bot.places import Target
    from bot.settings import Settings
    from checks.report import Record

COMPLETED, SUCCESS = "completed", "success"
FUTURE_SKEW_S = 300  # a report may be this far ahead of our clock
AUTHOR = "The commit's author, by getting it judged ready; nobody can wave it through here."


@dataclass(frozen=True)
class CheckRun:
    """One check run as GitHub tells it. `text` is `output.text`, `started` its start time."""

    id: int
    app_id: int
    name: str
    head_sha: str
    status: str
    conclusion: str | None
    external_id: str
    text: str
    url: str
    started: str = ""


@dataclass(frozen=True)
class Image:
    """An image as the registry really has it: the manifest's digest and the model file's."""

    reference: str  # host/name@sha256:...
    digest: str
    model_digest: str | None  # None where the path does not exist


@dataclass(frozen=True)
class Judged:
    """A check run that counts, with its record."""

    run: CheckRun
    record: Record
    expires: datetime


@dataclass(frozen=True)
class Clearance:
    """Everything a RolloutRequest carries about why this image may run."""

    judged: Judged
    image: Image
    model_digest: str
    commit: str

    def evidence(self) -> dict[str, object]:
        """`spec.evidence` of the request; decimals as strings, as Kubernetes wants them."""
        record = self.judged.record
        return {
            "reportDigest": record.report_digest,
            "score": f"{record.overall_score or 0.0:.4f}",
            "ready": record.is_ready,
            "repository": record.repository,
            "commit": self.commit,
            "modelDigest": self.model_digest,
            "imageDigest": self.image.digest,
            "checkRun": self.judged.run.id,
            "url": self.judged.run.url,
            "expiresAt": self.judged.expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }


def judged(
    runs: Iterable[CheckRun], commit: str, target: Target, settings: Settings, now: datetime
) -> Judged:
    """The check run that clears `commit` for `target`. Raises Refused."""
    run = _passed(_newest(runs, commit, settings), commit)
    record = _record(run, commit, target)
    if record.overall_score is None or record.overall_score < target.minimum_score:
        score = "none" if record.overall_score is None else f"{record.overall_score:.2f}"
        raise refuse(
            Refusal.SCORE_TOO_LOW,
            f"{_this(commit)} scored {score}; {target.name} asks for {target.minimum_score:.2f}.",
            who=AUTHOR,
            then=f"Do what {_report(run)} recommends first, and push.",
        )
    return Judged(run, record, _expiry(record, run, target, now))


def clear(found: Judged, image: Image, target: Target) -> Clearance:
    """Binds the judged bytes to the image's. Raises Refused."""
    path = code(target.model_path)
    if image.model_digest is None:
        raise refuse(
            Refusal.MODEL_NOT_IN_IMAGE,
            f"The image {code(short(image.digest))} has no file {path}.",
            who="Whoever builds the image, or whoever owns modelPath in bot.yaml.",
            then="Build the image with the model at that path, or correct modelPath.",
        )
    if image.model_digest not in found.record.model_digests:
        known = [short(digest) for digest in found.record.model_digests[:3]]
        judged_ones = ", ".join(code(digest) for digest in known) or "none"
        raise refuse(
            Refusal.MODEL_NOT_JUDGED,
            f"The model in the image is {code(short(image.model_digest))}, "
            f"and the report judged {judged_ones}: not the same bytes.",
            who=AUTHOR,
            then=f"Build the image with the file that was judged at {path}, "
            "or have the model that is in the image judged.",
        )
    return Clearance(found, image, image.model_digest, found.record.commit)


def _newest(runs: Iterable[CheckRun], commit: str, settings: Settings) -> CheckRun:
    """Our app's latest run of that name on that very commit; the id breaks ties of the time."""
    named = [run for run in runs if run.name == settings.github_check and run.head_sha == commit]
    ours = [run for run in named if run.app_id == settings.github_app_id]
    if ours:
        return max(ours, key=lambda run: (run.started, run.id))
    then = "Open a pull request with that commit, or re-run the readiness workflow on it."
    if named:
        others = ", ".join(str(app) for app in sorted({run.app_id for run in named})[:3])
        raise refuse(
            Refusal.CHECK_FROM_OTHER_APP,
            f"The check {code(settings.github_check)} on {_this(commit)} is from app {others}; "
            f"only app {settings.github_app_id} counts.",
            who=AUTHOR,
            then=then,
        )
    raise refuse(
        Refusal.NOT_JUDGED,
        f"{_this(commit)} has no check {code(settings.github_check)}.",
        who=AUTHOR,
        then=then,
    )


def _passed(run: CheckRun, commit: str) -> CheckRun:
    if run.status != COMPLETED:
        raise refuse(
            Refusal.CHECK_NOT_FINISHED,
            f"The readiness check of {_this(commit)} is still {escaped(run.status, 30)}.",
            who="Nobody needs to: it ends by itself.",
            then=f"Wait for {_report(run)}, then ask again.",
        )
    if run.conclusion != SUCCESS:
        raise refuse(
            Refusal.NOT_READY,
            f"{_this(commit)} was judged not ready ({escaped(run.conclusion or 'none', 30)}).",
            who=AUTHOR,
            then=f"Do what {_report(run)} recommends first, and push.",
        )
    return run


def _record(run: CheckRun, commit: str, target: Target) -> Record:
    rerun = "Re-run the readiness workflow on that commit."
    try:
        record = record_from_text(run.text)
    except ReportError as error:
        raise refuse(
            Refusal.RECORD_UNREADABLE,
            f"The check run of {_this(commit)} ends with no record that can be read: "
            f"{escaped(str(error), 200)}.",
            who=AUTHOR,
            then=rerun,
        ) from error
    # GitHub compares repository names without case, and so do we.
    same = record.repository.lower() == target.repository.lower() and record.commit == commit
    if not same or record.report_digest != run.external_id:
        raise refuse(
            Refusal.RECORD_MISMATCH,
            f"The record on {_this(commit)} speaks of {code(record.repository)} at "
            f"{code(short(record.commit))}, or of another report than the check run's.",
            who=AUTHOR,
            then=rerun,
        )
    if not record.is_ready or record.critical_count:
        raise refuse(
            Refusal.NOT_READY,
            f"The record of {_this(commit)} says not ready, "
            f"with {record.critical_count} critical issue(s).",
            who=AUTHOR,
            then=f"Do what {_report(run)} recommends first, and push.",
        )
    return record


def _expiry(record: Record, run: CheckRun, target: Target, now: datetime) -> datetime:
    stamp = datetime.fromisoformat(record.timestamp.replace("Z", "+00:00")).astimezone(UTC)
    expires = stamp + target.evidence_max_age
    if now >= expires or (stamp - now).total_seconds() > FUTURE_SKEW_S:
        hours = target.evidence_max_age.total_seconds() / 3600
        raise refuse(
            Refusal.EVIDENCE_EXPIRED,
            f"The report is of {stamp:%Y-%m-%d %H:%M} UTC; {target.name} takes reports "
            f"of the last {hours:g} hours.",
            who=AUTHOR,
            then=f"Re-run the readiness workflow ({_report(run)}), then ask again.",
        )
    return expires


def _this(commit: str) -> str:
    return f"Commit {code(short(commit))}"


def _report(run: CheckRun) -> str:
    """A link to the check run; only GitHub's own https addresses become one."""
    if run.url.startswith(("https://", "http://")) and not set(run.url) & set("<>| "):
        return f"<{escaped(run.url, 500)}|the report>"
    return "the report"
