"""RolloutApproval objects as plain JSON. Pure.

Called by `bot.consenting` and by the live messages; read back they are by `rollouts.model`, for the
controller as for the bot. The name is derived from the request's uid and the person, whichever of
their accounts they use: a second answer of one person is an `AlreadyExists`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from bot import objects
from rollouts.jsontypes import JsonObject, dig_text
from rollouts.model import DETAILS, Bound, Consent, consent_of, gated
from rollouts.resources import ROLLOUT_APPROVALS

if TYPE_CHECKING:
    from datetime import datetime

    from bot.desk import Delivery
    from bot.policy import Person


def waiting(requests: Iterable[JsonObject], target: str) -> list[JsonObject]:
    """The target's requests that wait for consent."""
    return [
        request
        for request in requests
        if gated(request)
        and dig_text(request, "spec", "target") == target
        and dig_text(request, "status", "phase") in ("", "Pending")
    ]


def approval(
    bound: Bound, person: Person, delivery: Delivery, expires: datetime, *, approve: bool
) -> JsonObject:
    """The object that records a yes or a no."""
    return {
        "apiVersion": ROLLOUT_APPROVALS.api_version,
        "kind": ROLLOUT_APPROVALS.kind,
        "metadata": {"name": name_for(bound, person)},
        "spec": {
            "request": {"name": bound.request, "uid": bound.uid},
            "approvedBy": person.as_written(),
            "decision": "Approve" if approve else "Reject",
            "bound": {key: getattr(bound, field) for key, field in DETAILS.items()},
            "expiresAt": objects.stamp(expires),
            "source": objects.source(delivery),
        },
    }


def name_for(bound: Bound, person: Person) -> str:
    """One name a person and request."""
    digest = hashlib.sha256(f"{bound.uid}\n{person.key}".encode()).hexdigest()
    return f"slack-{digest[:20]}"


def read(approvals: Iterable[JsonObject], humans: Mapping[str, str]) -> list[Consent]:
    """Every approval as the policy sees it; one that lacks something is about nothing."""
    return [consent_of(approval, humans) for approval in approvals]
