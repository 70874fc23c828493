"""What `canary`, `auto`, `blue-green` and `rolling` share: evidence, order, weak scores, consent.

Called by those verbs. Everything that is decided here is decided again by the controller, from the
request that this leaves; and what needs consent is looked up again when the last consent comes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot import consenting, objects, recording
from bot.escape import code
from bot.gate import AUTHOR
from bot.refusals import Refusal, Refused, refuse
from rollouts.jsontypes import dig_object, dig_text

if TYPE_CHECKING:
    from bot.desk import Answer, Desk, Invocation
    from bot.gate import Clearance
    from bot.places import Target, WeakScore

WHOLE = 100


def start(invocation: Invocation, desk: Desk, weight: int | None, strategy: str = "") -> Answer:
    """Looks the evidence up, then records the request. Raises Refused."""
    target = recording.target_of(invocation)
    known = recording.already(invocation, desk)
    if known is not None:
        return known
    deployment = desk.requests.deployment(target)
    override = recording.admit(invocation, desk, deployment)
    clearance = desk.clearances.obtain(target, invocation.command.commit, desk.now())
    behind = missing_before(target, clearance.image.digest, desk)
    if behind:
        override = recording.admit(invocation, desk, deployment, behind)
    weak = desk.place(target).weak
    # Only where it is another than the target's own: then the controller has to know of it.
    other = strategy and strategy != dig_text(deployment, "spec", "strategy", "type")
    more: dict[str, str | int] = {"strategy": strategy} if other else {}
    if weak is not None and is_weak(clearance, weak):
        more["bakeSeconds"] = weak.bake_s
        check_weak(clearance, weak, weight)
    if override:
        more["override"] = override
    asked = recording.asked(invocation, desk)
    body = objects.start(asked, deployment, clearance, weight, **more)
    share = WHOLE if weight is None else weight
    return recording.record(invocation, desk, consenting.gate(body, invocation, desk, share))


def missing_before(target: Target, image_digest: str, desk: Desk) -> str:
    """The environment that comes first and where this image is not promoted yet, or ""."""
    before = desk.place(target).after
    if not before:
        return ""
    earlier = desk.settings.place(target.name, before)
    try:
        status = dig_object(desk.requests.deployment(earlier), "status")
    except Refused as refused:
        if refused.denial.code is Refusal.TARGET_NOT_FOUND:
            return before
        raise
    promoted = {dig_text(status, kind, "image") for kind in ("stable", "previous")}
    return "" if any(image.endswith(f"@{image_digest}") for image in promoted) else before


def is_weak(clearance: Clearance, weak: WeakScore) -> bool:
    """Whether the score asks for a careful start."""
    return (clearance.judged.record.overall_score or 0.0) < weak.below


def check_weak(clearance: Clearance, weak: WeakScore, weight: int | None) -> None:
    """Raises Refused for a first step that is larger than a weak score allows."""
    if weight is not None and weight <= weak.first_weight:
        return
    score = clearance.judged.record.overall_score or 0.0
    asked = "its strategy's steps" if weight is None else f"{weight}%"
    raise refuse(
        Refusal.WEIGHT_ABOVE_SCORE,
        f"A score of {score:.2f} (below {weak.below:.2f}) starts with at most "
        f"{weak.first_weight}% here, and this asks for {asked}.",
        who=AUTHOR,
        then=f"Ask for {code(f'canary {weak.first_weight}%')}; it bakes longer, too.",
    )
