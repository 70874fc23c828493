"""Who may do what, and when: pure, and asked for every command and every click.

`people` are accounts, `roles` who holds which, `situation` what bars a target at the moment,
`rules` the decision from all three, `approvals` whose consent counts. It looks nobody up, reads
no clock and logs nothing; each "no" is a `Denial` with a code from `bot.refusals`.
"""

from bot.policy.people import Person
from bot.policy.roles import EVERYONE, SATISFIED_BY, Role, Rules
from bot.policy.rules import Allowed, Denied, Need, decide
from bot.policy.situation import OPEN, Closed, Hold, Kind, Situation

__all__ = [
    "EVERYONE",
    "OPEN",
    "SATISFIED_BY",
    "Allowed",
    "Closed",
    "Denied",
    "Hold",
    "Kind",
    "Need",
    "Person",
    "Role",
    "Rules",
    "Situation",
    "decide",
]
