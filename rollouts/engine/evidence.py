"""The readiness gate: does a request bring evidence for exactly what it would run?

Called for a request that names an image. Pure; the digests are compared as text, and an empty one
matches nothing. Commits are not compared: a squash merge renames one without changing a byte.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollouts.model import IMAGE_BY_DIGEST, digest_of
from rollouts.reasons import Reason

if TYPE_CHECKING:
    from datetime import datetime

    from rollouts.engine.view import View
    from rollouts.model import Evidence, Request


@dataclass(frozen=True)
class Refusal:
    """Why not, as a code and as a sentence that says what to do."""

    reason: Reason
    message: str


def refuse_image(request: Request) -> Refusal | None:
    """Images are named by digest: a tag says something else tomorrow."""
    if IMAGE_BY_DIGEST.fullmatch(request.image):
        return None
    return Refusal(
        Reason.IMAGE_NOT_BY_DIGEST,
        f"arguments.image is {request.image!r}; name the image by its digest (host/name@sha256:…)",
    )


def refuse_evidence(request: Request, now: datetime) -> Refusal | None:
    """None when the evidence holds now for the image and the model that are asked for."""
    evidence = request.evidence
    if evidence is None:
        return Refusal(
            Reason.EVIDENCE_MISSING,
            "this target runs only what was judged, and the request brings no readiness evidence; "
            "run the readiness check on that commit",
        )
    if not evidence.ready:
        return Refusal(
            Reason.EVIDENCE_MISSING,
            "the readiness report says that this model is not ready; mend what it names first",
        )
    if evidence.expires_at is None or evidence.expires_at <= now:
        when = f"expired at {evidence.expires_at:%Y-%m-%d %H:%M} UTC" if evidence.expires_at else ""
        return Refusal(
            Reason.EVIDENCE_EXPIRED,
            f"the readiness evidence {when or 'has no expiry date'}; run the readiness check again",
        )
    return _refuse_mismatch(request, evidence)


def _refuse_mismatch(request: Request, evidence: Evidence) -> Refusal | None:
    pairs = [
        ("image digest", digest_of(request.image), evidence.image_digest),
        ("model digest", request.model_digest, evidence.model_digest),
    ]
    for what, asked, judged in pairs:
        if not asked or asked != judged:
            return Refusal(
                Reason.EVIDENCE_MISMATCH,
                f"the {what} asked for is {asked or 'not named'}, the one that was judged is "
                f"{judged or 'not named'}; only what was judged may run",
            )
    return None


def refuse_stale(view: View, request: Request) -> Refusal | None:
    """None when the asker saw what is there now."""
    seen, stable = request.seen, view.status.stable
    if seen.generation and seen.generation != view.deployment.generation:
        return Refusal(
            Reason.REQUEST_STALE,
            f"the spec has changed since (generation {seen.generation} was seen, "
            f"{view.deployment.generation} is there); look again and ask again",
        )
    if seen.stable_image and stable is not None and seen.stable_image != stable.image:
        return Refusal(
            Reason.REQUEST_STALE,
            f"another revision has become stable since ({stable.name}); look again and ask again",
        )
    return None
