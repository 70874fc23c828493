"""Requests that wait for consent: taken up once enough people approved exactly them.

Called by `requests` with the decision that the request would lead to: what would be refused anyway
bothers nobody for an approval. The rule is `rollouts.model.approval`'s.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rollouts.engine.evidence import Refusal
from rollouts.model import MarkRequest, RequestPhase, count, flaw
from rollouts.reasons import Reason

if TYPE_CHECKING:
    from rollouts.engine.view import View
    from rollouts.model import Ask, Decision, Request, Standing

NAMED = 5  # people and flaws in one message


def consented(view: View, request: Request, decision: Decision) -> Decision | Refusal | None:
    """`decision` once it may be taken. Until then what the request is told, None once it is."""
    if request.ask is None:
        return decision
    standing = count(request.ask, view.seen.consents, view.now)
    if standing.rejected_by:
        message = f"{standing.rejected_by} rejected it, and one no is enough; settle it, ask again"
        return Refusal(Reason.REQUEST_REJECTED, message)
    if not standing.enough:
        return _told(view, request, request.ask, standing)
    by = f", approved by {_listed(standing.given)}"
    return replace(decision, message=decision.message + by)


def awaiting(view: View) -> Request | None:
    """A request of which all that is missing is consent."""
    waiting = [r for r in view.seen.requests if r.pending and r.ask is not None]
    return next((r for r in waiting if r.reason == Reason.AWAITING_APPROVAL), None)


def _told(view: View, request: Request, ask: Ask, standing: Standing) -> MarkRequest | None:
    given = f" (by {_listed(standing.given)})" if standing.given else ""
    message = (
        f"{len(standing.given)} of {standing.required} approvals{given}; "
        f"it waits until {ask.expires:%Y-%m-%d %H:%M} UTC{_uncounted(view, ask)}"
    )
    if (request.reason, request.message) == (Reason.AWAITING_APPROVAL, message):
        return None
    return MarkRequest(Reason.AWAITING_APPROVAL, message, request.name, RequestPhase.PENDING)


def _uncounted(view: View, ask: Ask) -> str:
    """Why approvals that name this request do not count."""
    mine = [c for c in view.seen.consents if c.bound.request == ask.bound.request]
    flaws = [(consent.who, flaw(ask, consent, view.now)) for consent in mine]
    said = [f"{who}'s does not count: {why}" for who, why in sorted(flaws) if why]
    return "".join(f"; {each}" for each in said[:NAMED])


def _listed(names: tuple[str, ...]) -> str:
    rest = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + rest
