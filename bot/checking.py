"""What has to be there before a verb makes sense: a candidate, or something to go back to.

Called by the verbs with the ModelDeployment. The controller decides again; this spares people a
request that can only be refused.
"""

from __future__ import annotations

from bot.escape import code, escaped
from bot.refusals import Refusal, refuse
from rollouts.jsontypes import JsonObject, dig_list, dig_object, dig_text, name_of

MOVING = frozenset({"Progressing", "Holding", "Promoting"})


def can_promote(deployment: JsonObject) -> None:
    """Raises Refused without a candidate."""
    if not dig_object(deployment, "status", "candidate"):
        name = escaped(name_of(deployment))
        raise refuse(
            Refusal.NOTHING_TO_PROMOTE,
            f"{name} has no candidate: everything goes to its stable revision.",
            who="Nobody: there is nothing to promote.",
            then=f"Start one with `canary 25% {name}`, or look with `status`.",
        )


def can_stop(deployment: JsonObject) -> None:
    """Raises Refused where no rollout is under way."""
    if not dig_object(deployment, "status", "candidate"):
        raise refuse(
            Refusal.NOTHING_TO_STOP,
            f"{escaped(name_of(deployment))} has no rollout under way.",
            who="Nobody: there is nothing to stop.",
            then="Look with `status`; `rollback` goes back to the previous revision.",
        )


def can_roll_back(deployment: JsonObject) -> None:
    """Raises Refused with neither a candidate nor a previous revision."""
    if not any(dig_object(deployment, "status", kind) for kind in ("candidate", "previous")):
        raise refuse(
            Refusal.NOTHING_TO_ROLL_BACK,
            f"{escaped(name_of(deployment))} has neither a candidate nor a previous revision.",
            who="Nobody: there is nothing to go back to.",
            then="Look with `status`; an older commit can be put forward with `canary N% COMMIT`.",
        )


def revision_named(deployment: JsonObject, wanted: str) -> str:
    """The name of the one known revision that `wanted` (name, hash or commit) means. Raises
    Refused for none and for several: nothing is gone back to on a guess."""
    known = {dig_text(r, "name"): r for r in _revisions(deployment) if dig_text(r, "name")}
    fits = [name for name, revision in known.items() if _means(wanted, name, revision)]
    if len(fits) == 1:
        return fits[0]
    named = ", ".join(code(name, 70) for name in sorted(known)[:5]) or "none"
    state = "means several revisions" if fits else "is no revision that is still known"
    raise refuse(
        Refusal.UNKNOWN_REVISION,
        f"{code(wanted, 70)} {state}; known are {named}.",
        who="Anyone who may roll back, with a revision that is known.",
        then="Look with `history`; an older commit can be put forward with `canary N% COMMIT`.",
    )


def _revisions(deployment: JsonObject) -> list[JsonObject]:
    status = dig_object(deployment, "status")
    own = [dig_object(status, kind) for kind in ("stable", "candidate", "previous")]
    past = [{"name": dig_text(entry, "revision")} for entry in dig_list(status, "history")]
    return past + own  # the fuller description of a revision comes last, and counts


def _means(wanted: str, name: str, revision: JsonObject) -> bool:
    commit = dig_text(revision, "commit")
    return wanted in (name, name.rpartition("-")[2]) or bool(commit and commit.startswith(wanted))
