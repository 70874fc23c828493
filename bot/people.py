"""Who is asking: the account, and which groups and channels of bot.yaml it is in, now.

Called by the dispatcher for every command and click. The account is never remembered; who is in a
group or channel is, for half a second, so that a burst of clicks is one look-up and somebody who
was removed a second ago is out.
"""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bot.policy import Person
    from bot.settings import Settings
    from bot.slack import Slack

REMEMBERED_S = 0.5


class People:
    """Safe to share between threads."""

    def __init__(self, slack: Slack, settings: Settings) -> None:
        self._slack, self._settings = slack, settings
        self._members: dict[str, tuple[float, frozenset[str]]] = {}
        self._lock = threading.Lock()

    def person(self, user: str, collective: Iterable[str]) -> Person:
        """The account with its memberships among `collective`. Raises SlackError."""
        found = self._settings.known(self._slack.person(user))
        within = {each for each in sorted(collective) if user in self._members_of(each)}
        return replace(found, within=frozenset(within))

    def _members_of(self, collective: str) -> frozenset[str]:
        with self._lock:
            read, members = self._members.get(collective, (float("-inf"), frozenset()))
        if time.monotonic() - read < REMEMBERED_S:
            return members
        began = time.monotonic()
        members = self._slack.members(collective)
        with self._lock:
            self._members[collective] = (began, members)
        return members
