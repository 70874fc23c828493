"""RolloutApproval objects as plain JSON, and back. Pure.

Called by `bot.consenting` and by the live messages. The name is derived from the request's uid and
the person, whichever of their accounts they use: a second answer of one person is an
`AlreadyExists`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bot import objects
from bot.holds import moment
from bot.policy.approvals import Ask, Bound, Consent, key_of
from rollouts.jsontypes import JsonObject, dig, dig_list, dig_object, dig_text, name_of
from rollouts.resources import ROLLOUT_APPROVALS

if TYPE_CHECKING:
    from bot.desk import Delivery
    from bot.policy import Person

NEVER = datetime(1970, 1, 1, tzinfo=UTC)
_DETAILS = {
    "target": "target",
    "verb": "verb",
    "image": "image",
    "modelDigest": "model_digest",
    "commit": "commit",
    "weight": "weight",
    "generation": "generation",
    "configuration": "configuration",
}


def bound_of(request: JsonObject) -> Bound:
    """What consent to this request is about, from what the cluster stores of it."""
    spec = dig_object(request, "spec")
    arguments, gate = dig_object(spec, "arguments"), dig_object(spec, "approvals")
    return Bound(
        request=name_of(request),
        uid=dig_text(request, "metadata", "uid"),
        target=dig_text(spec, "target"),
        verb=dig_text(spec, "verb"),
        image=dig_text(arguments, "image"),
        model_digest=dig_text(arguments, "modelDigest"),
        commit=dig_text(arguments, "commit") or dig_text(gate, "commit"),
        weight=max(_whole(gate, "weight"), _whole(arguments, "weight")),
        generation=_whole(spec, "seen", "generation"),
        configuration=dig_text(gate, "configuration"),
    )


def ask_of(request: JsonObject, humans: Mapping[str, str]) -> Ask:
    """A request with `spec.approvals` as the policy sees it. What cannot be read is closed."""
    gate = dig_object(request, "spec", "approvals")
    requester = dig_text(request, "spec", "requestedBy", "id")
    return Ask(
        bound=bound_of(request),
        requester=key_of(requester, humans),
        required=max(1, _whole(gate, "required")),
        expires=moment(dig_text(request, "spec", "expiresAt")) or NEVER,
        open=dig_text(request, "status", "phase") in ("", "Pending"),
        authors=frozenset(str(login).lower() for login in dig_list(gate, "authors")),
    )


def gated(request: JsonObject) -> bool:
    """Whether the request needs consent."""
    return bool(dig_object(request, "spec", "approvals"))


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
            "approvedBy": {"id": person.identity, "name": person.name},
            "decision": "Approve" if approve else "Reject",
            "bound": {key: getattr(bound, field) for key, field in _DETAILS.items()},
            "expiresAt": objects.stamp(expires),
            "source": objects.source(delivery),
        },
    }


def name_for(bound: Bound, person: Person) -> str:
    """One name a person and request."""
    who = f"human:{person.human}" if person.human else person.identity
    digest = hashlib.sha256(f"{bound.uid}\n{who}".encode()).hexdigest()
    return f"slack-{digest[:20]}"


def read(approvals: Iterable[JsonObject], humans: Mapping[str, str]) -> list[Consent]:
    """Every approval as the policy sees it; one that lacks something is about nothing."""
    return [_consent(approval, humans) for approval in approvals]


def _consent(approval: JsonObject, humans: Mapping[str, str]) -> Consent:
    spec, bound = dig_object(approval, "spec"), dig_object(approval, "spec", "bound")
    details = {
        field: _whole(bound, key) if field in ("weight", "generation") else dig_text(bound, key)
        for key, field in _DETAILS.items()
    }
    return Consent(
        by=key_of(dig_text(spec, "approvedBy", "id"), humans),
        name=dig_text(spec, "approvedBy", "name"),
        bound=Bound(
            request=dig_text(spec, "request", "name"),
            uid=dig_text(spec, "request", "uid"),
            **details,  # type: ignore[arg-type] # the names of the table are those of the fields
        ),
        approve=dig_text(spec, "decision") == "Approve",
        expires=moment(dig_text(spec, "expiresAt")) or NEVER,
    )


def _whole(value: JsonObject, *path: str) -> int:
    found = dig(value, *path)
    return found if isinstance(found, int) and not isinstance(found, bool) else 0
