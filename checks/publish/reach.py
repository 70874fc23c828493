"""What a job's token may write, found out by asking. Called by `checks.action_judge`.

GitHub tells no token what it may do, so each permission is tried with a request that can have no
effect: about a commit that cannot exist. A token without the permission is told so (403); with it,
GitHub complains about the commit (422).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from checks.publish.errors import MissingError, NotPermittedError, RejectedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from checks.publish.github import GitHub
    from checks.publish.retry import Retrier


def writable(github: GitHub, retrier: Retrier) -> tuple[str, ...]:
    """The permissions to write that the token was seen to hold: of checks, statuses and contents.

    Raises UnavailableError where GitHub does not answer.
    """
    tries = {
        "checks: write": github.try_check,
        "statuses: write": github.try_status,
        "contents: write": github.try_reference,
    }
    return tuple(name for name, ask in tries.items() if _may(retrier, ask))


def _may(retrier: Retrier, ask: Callable[[], None]) -> bool:
    try:
        retrier.call(ask)
    except (NotPermittedError, MissingError):  # 404: a private repository it cannot even see
        return False
    except RejectedError:
        return True
    return True
