"""Whose consent counts for what: N of M people, bound to exactly what was asked for. Pure.

The one rule about RolloutApprovals: the engine asks it before it takes a request up, and the asking
side when somebody approves and when it shows how far a request is. Consent is bound to a request by
name and uid, to the image, model, commit, target, verb, weight and generation in it, and to a hash
of the settings that were in force; it expires, is given once a person, and counts for one request
only. It deliberately knows no roles: who may approve at all is the asking side's business.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime

from rollouts.jsontypes import JsonObject, dig, dig_list, dig_object, dig_text, name_of
from rollouts.model.fields import moment

NEVER = datetime(1970, 1, 1, tzinfo=UTC)
WHOLE = 100  # per cent: what a request may lead to that names no weight
DETAILS = {
    "target": "target",
    "verb": "verb",
    "image": "image",
    "modelDigest": "model_digest",
    "commit": "commit",
    "weight": "weight",
    "generation": "generation",
    "configuration": "configuration",
}
_NOBODY: Mapping[str, str] = {}


@dataclass(frozen=True)
class Bound:
    """What a consent is about, to the last detail. `weight` is the most that may be given."""

    request: str
    uid: str
    target: str
    verb: str
    image: str
    model_digest: str
    commit: str
    weight: int
    generation: int
    configuration: str

    def difference(self, other: Bound) -> str:
        """The first detail in which the two differ, or ""."""
        for field in fields(self):
            if getattr(self, field.name) != getattr(other, field.name):
                return field.name.replace("_", " ")
        return ""


@dataclass(frozen=True)
class Ask:
    """A request that waits for consent. `requester` is a person's key; `authors` are GitHub
    logins that may not approve, in lower case."""

    bound: Bound
    requester: str
    required: int
    expires: datetime
    open: bool = True
    authors: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Consent:
    """Somebody's yes or no as it stands in the cluster. `by` is a person's key."""

    by: str
    name: str
    bound: Bound
    approve: bool
    expires: datetime

    @property
    def who(self) -> str:
        """For people."""
        return self.name or self.by


@dataclass(frozen=True)
class Standing:
    """How far a request is. `rejected_by` is the name of whoever said no, or ""."""

    given: tuple[str, ...]
    required: int
    rejected_by: str = ""

    @property
    def enough(self) -> bool:
        """Whether it may go on."""
        return not self.rejected_by and len(self.given) >= self.required


def count(ask: Ask, consents: Iterable[Consent], now: datetime) -> Standing:
    """Only consent to exactly this, not expired, one a person, never the requester's own."""
    valid = [consent for consent in consents if not flaw(ask, consent, now)]
    against = [consent.who for consent in valid if not consent.approve]
    given = {consent.by: consent.who for consent in valid if consent.approve}
    return Standing(tuple(sorted(given.values())), ask.required, against[0] if against else "")


def flaw(ask: Ask, consent: Consent, now: datetime) -> str:
    """Why this consent does not count for this request, in words; "" when it does."""
    different = ask.bound.difference(consent.bound)
    if different:
        return f"it is about another {different}"
    if consent.by == ask.requester:
        return "nobody approves what they asked for themselves"
    return "" if consent.expires > now else "it has expired"


def key_of(identity: str, humans: Mapping[str, str]) -> str:
    """One key for all accounts of one person: their name in the identity map, or the identity.

    `humans` maps `slack:<user>` and `github:<login>` to names.
    """
    account = f"slack:{identity.rpartition('/')[2]}" if identity.startswith("slack:") else identity
    human = humans.get(account, "")
    return f"human:{human}" if human else identity


def gated(request: JsonObject) -> bool:
    """Whether the request needs consent. What cannot be read does."""
    return dig(request, "spec", "approvals") is not None


def bound_of(request: JsonObject) -> Bound:
    """What consent to this request is about, from what the cluster stores of it."""
    spec = dig_object(request, "spec")
    arguments, gate = dig_object(spec, "arguments"), dig_object(spec, "approvals")
    named = "weight" in arguments
    return Bound(
        request=name_of(request),
        uid=dig_text(request, "metadata", "uid"),
        target=dig_text(spec, "target"),
        verb=dig_text(spec, "verb"),
        image=dig_text(arguments, "image"),
        model_digest=dig_text(arguments, "modelDigest"),
        commit=dig_text(arguments, "commit") or dig_text(gate, "commit"),
        weight=max(_whole(gate, "weight"), _whole(arguments, "weight") if named else WHOLE),
        generation=_whole(spec, "seen", "generation"),
        configuration=dig_text(gate, "configuration"),
    )


def ask_of(request: JsonObject, humans: Mapping[str, str] = _NOBODY) -> Ask:
    """A request with `spec.approvals`. What cannot be read is closed."""
    gate = dig_object(request, "spec", "approvals")
    return Ask(
        bound=bound_of(request),
        requester=_person(dig_object(request, "spec", "requestedBy"), humans),
        required=max(1, _whole(gate, "required")),
        expires=moment(dig_text(request, "spec", "expiresAt")) or NEVER,
        open=dig_text(request, "status", "phase") in ("", "Pending"),
        authors=frozenset(str(login).lower() for login in dig_list(gate, "authors")),
    )


def consent_of(approval: JsonObject, humans: Mapping[str, str] = _NOBODY) -> Consent:
    """An approval as the rule sees it; one that lacks something is about nothing."""
    spec, bound = dig_object(approval, "spec"), dig_object(approval, "spec", "bound")
    details = {
        field: _whole(bound, key) if field in ("weight", "generation") else dig_text(bound, key)
        for key, field in DETAILS.items()
    }
    return Consent(
        by=_person(dig_object(spec, "approvedBy"), humans),
        name=dig_text(spec, "approvedBy", "name"),
        bound=Bound(
            request=dig_text(spec, "request", "name"),
            uid=dig_text(spec, "request", "uid"),
            **details,  # type: ignore[arg-type] # the names of the table are those of the fields
        ),
        approve=dig_text(spec, "decision") == "Approve",
        expires=moment(dig_text(spec, "expiresAt")) or NEVER,
    )


def _person(account: JsonObject, humans: Mapping[str, str]) -> str:
    """Who it is: by the identity map as it is now, or as it was when the object was written."""
    identity = dig_text(account, "id")
    known = key_of(identity, humans)
    return known if known != identity else dig_text(account, "person") or identity


def _whole(value: JsonObject, *path: str) -> int:
    found = dig(value, *path)
    return found if isinstance(found, int) and not isinstance(found, bool) else 0
