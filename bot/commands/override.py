"""`override [TARGET] [ENVIRONMENT] [for 30m] REASON`: break-glass, seen by everybody."""

from __future__ import annotations

from dataclasses import replace

from bot.desk import Answer, Desk, Invocation, Verb
from bot.grammar import Need, Shape
from bot.guarding import guard
from bot.policy import Kind, Role

DEFAULT_S = 30 * 60


def run(invocation: Invocation, desk: Desk) -> Answer:
    """For a while locks, freezes, windows and the order of environments do not bar the target.
    Evidence, roles and approvals are needed all the same. Raises Refused."""
    command = invocation.command
    ends = replace(command, duration_s=command.duration_s or DEFAULT_S)
    return guard(replace(invocation, command=ends), desk, "Override")


VERB = Verb(
    name="override",
    summary="break-glass: for 30 minutes locks, freezes and the order of environments do not bar "
    "the target",
    role=Role.APPROVER,
    kind=Kind.OVERRIDE,
    shape=Shape(
        target=Need.REQUIRED,
        environment=Need.REQUIRED,
        duration=Need.OPTIONAL,
        reason=Need.REQUIRED,
        usage="override [TARGET] [ENVIRONMENT] [for 30m] REASON",
    ),
    run=run,
)
