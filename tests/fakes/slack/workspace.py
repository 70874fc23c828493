"""The state of one workspace: people, channels, messages with their edits, whispers."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Any

RESPONSE_USES = 5
RESPONSE_LIFETIME_S = 30 * 60

Blocks = list[dict[str, Any]]


class Refused(Exception):  # noqa: N818 - it is Slack's answer
    """An answer with `ok: false`."""

    def __init__(self, code: str, **more: object) -> None:
        super().__init__(code)
        self.code = code
        self.more = more


@dataclass
class User:
    """As `users.info` shows it."""

    id: str
    name: str
    team: str
    guest: bool = False
    bot: bool = False
    deleted: bool = False
    stranger: bool = False

    def to_json(self) -> dict[str, Any]:
        """The keys that Slack sends, as far as anyone here reads them."""
        return {
            "id": self.id,
            "team_id": self.team,
            "name": self.name.lower(),
            "real_name": self.name,
            "deleted": self.deleted,
            "is_bot": self.bot,
            "is_app_user": False,
            "is_restricted": self.guest,
            "is_ultra_restricted": False,
            # Slack leaves this key out for people of the workspace itself.
            **({"is_stranger": True} if self.stranger else {}),
            "profile": {"display_name": self.name, "real_name": self.name},
        }


@dataclass
class Edit:
    """One state of a message and when it began."""

    at: float
    text: str
    blocks: Blocks


@dataclass
class Message:
    """`edits[0]` is what was posted; the last one is what people see now."""

    channel: str
    ts: str
    edits: list[Edit]
    deleted: bool = False
    thread: str = ""  # the ts of the message that this one answers

    @property
    def text(self) -> str:
        """The fallback text as it is now."""
        return self.edits[-1].text

    @property
    def blocks(self) -> Blocks:
        """The blocks as they are now."""
        return self.edits[-1].blocks

    @property
    def words(self) -> str:
        """Everything that can be read in the blocks, line by line."""
        return words(self.blocks)


@dataclass
class Whisper:
    """What only one person sees. `via` is `response_url`, `ack` or `chat.postEphemeral`."""

    via: str
    channel: str
    user: str
    text: str
    blocks: Blocks

    @property
    def words(self) -> str:
        """Everything that can be read, line by line."""
        return words(self.blocks) if self.blocks else self.text


@dataclass
class ResponseUrl:
    """Where the answer to one delivery may go."""

    channel: str
    user: str
    made: float
    used: int = 0


@dataclass
class Channel:
    """A channel, and whether the app may post there."""

    id: str
    name: str
    joined: bool = True
    archived: bool = False
    last_post: float = float("-inf")
    members: set[str] = field(default_factory=set)


@dataclass
class Workspace:
    """One workspace, shared by the server's threads under `lock`."""

    team: str = "T0001"
    bot_user: str = "UBOT"
    users: dict[str, User] = field(default_factory=dict)
    channels: dict[str, Channel] = field(default_factory=dict)
    groups: dict[str, set[str]] = field(default_factory=dict)
    page: int = 1000  # members a page at most
    socket_url: str = ""
    posted: list[Message] = field(default_factory=list)
    whispers: list[Whisper] = field(default_factory=list)
    responses: dict[str, ResponseUrl] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)
    _count: int = 0

    def add_user(self, user: str, name: str, *, team: str | None = None, **flags: bool) -> User:
        """A person; flags are guest, bot, deleted, stranger."""
        with self.lock:
            self.users[user] = User(user, name, team or self.team, **flags)
            return self.users[user]

    def add_channel(self, channel: str, name: str, *, joined: bool = True) -> Channel:
        """A channel."""
        with self.lock:
            self.channels[channel] = Channel(channel, name, joined)
            return self.channels[channel]

    def group(self, group: str) -> set[str]:
        """Who is in a user group."""
        if group not in self.groups:
            raise Refused("no_such_subteam")
        return self.groups[group]

    def members_of(self, channel: str) -> set[str]:
        """Who is in a channel."""
        if channel not in self.channels:
            raise Refused("channel_not_found")
        return self.channels[channel].members

    def messages(self, channel: str) -> list[Message]:
        """What stands in a channel now, oldest first, without what is folded into threads."""
        with self.lock:
            return [
                m for m in self.posted if m.channel == channel and not m.deleted and not m.thread
            ]

    def replies(self, channel: str, ts: str) -> list[Message]:
        """What stands in a message's thread."""
        with self.lock:
            return [m for m in self.posted if (m.channel, m.thread) == (channel, ts)]

    def post(self, channel: str, text: str, blocks: Blocks, thread: str = "") -> Message:
        """A new message of the app."""
        with self.lock:
            self.writable(channel)
            self._count += 1
            ts = f"{int(time.time())}.{self._count:06d}"
            message = Message(channel, ts, [Edit(time.monotonic(), text, blocks)], thread=thread)
            self.posted.append(message)
            return message

    def own(self, channel: str, ts: str) -> Message:
        """A message that the app may still change."""
        with self.lock:
            self.writable(channel)
            for message in self.posted:
                if (message.channel, message.ts) == (channel, ts) and not message.deleted:
                    return message
            raise Refused("message_not_found")

    def writable(self, channel: str) -> Channel:
        """The channel, if the app may write there."""
        found = self.channels.get(channel)
        if found is None:
            raise Refused("channel_not_found")
        if found.archived:
            raise Refused("is_archived")
        if not found.joined:
            raise Refused("not_in_channel")
        return found

    def user(self, user: str) -> User:
        """A user, of this workspace or shared with it."""
        found = self.users.get(user)
        if found is None:
            raise Refused("user_not_found")
        return found

    def new_response(self, channel: str, user: str) -> str:
        """The token of a fresh response URL."""
        with self.lock:
            self._count += 1
            token = f"{self.team}/{self._count}/{'r' * 24}"
            self.responses[token] = ResponseUrl(channel, user, time.time())
            return token

    def use_response(self, token: str) -> ResponseUrl:
        """Spends one use."""
        with self.lock:
            found = self.responses.get(token)
            if found is None or time.time() - found.made > RESPONSE_LIFETIME_S:
                raise Refused("expired_url")
            if found.used >= RESPONSE_USES:
                raise Refused("used_url")
            found.used += 1
            return found


def words(value: Any) -> str:
    """Every text in blocks, in order."""
    if isinstance(value, list):
        return "\n".join(filter(None, map(words, value)))
    if isinstance(value, dict):
        if isinstance(value.get("text"), str):
            return str(value["text"])
        return "\n".join(filter(None, (words(item) for item in value.values())))
    return ""
