"""`promote [full|step] [TARGET] [ENVIRONMENT]`: gives the candidate all of the traffic."""

from __future__ import annotations

from bot import checking, consenting, recording
from bot.desk import Answer, Desk, Invocation, Verb
from bot.grammar import Need, Shape
from bot.policy import Kind, Role

EXTENTS = {"full": "Full", "step": "NextStep"}


def run(invocation: Invocation, desk: Desk) -> Answer:
    """Records the request, if there is a candidate. Without a word it is the controller's choice,
    which is all the way. Raises Refused."""
    extent = invocation.command.extent
    return recording.follow(
        invocation,
        desk,
        "Promote",
        checking.can_promote,
        lambda body, _: consenting.gate(body, invocation, desk, 100),
        **({} if extent is None else {"to": EXTENTS[extent]}),
    )


VERB = Verb(
    name="promote",
    summary="make the running candidate the stable revision at once; `step` takes its next step "
    "only",
    role=Role.DEPLOYER,
    kind=Kind.ADVANCE,
    shape=Shape(
        target=Need.REQUIRED,
        environment=Need.REQUIRED,
        extent=Need.OPTIONAL,
        usage="promote [full|step] [TARGET] [ENVIRONMENT]",
    ),
    run=run,
)
