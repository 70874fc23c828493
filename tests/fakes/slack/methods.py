"""The Web API's methods: one function each, by name. Arguments in, answer out."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from tests.fakes.slack.blockkit import BlockError, check_message
from tests.fakes.slack.workspace import Edit, Refused, Whisper, Workspace

Arguments = dict[str, Any]
Method = Callable[[Workspace, Arguments], dict[str, Any]]


def auth_test(workspace: Workspace, _: Arguments) -> dict[str, Any]:
    """Whose token it is."""
    return {
        "url": "https://fake.slack.example/",
        "team": "fake",
        "team_id": workspace.team,
        "user": "holdpoint",
        "user_id": workspace.bot_user,
        "bot_id": "B0001",
    }


def users_info(workspace: Workspace, arguments: Arguments) -> dict[str, Any]:
    """One user."""
    return {"user": workspace.user(_text(arguments, "user")).to_json()}


def group_users(workspace: Workspace, arguments: Arguments) -> dict[str, Any]:
    """Who is in a user group."""
    return {"users": sorted(workspace.group(_text(arguments, "usergroup")))}


def channel_members(workspace: Workspace, arguments: Arguments) -> dict[str, Any]:
    """Who is in a channel, page by page: the cursor is the next member's number."""
    members = sorted(workspace.members_of(_text(arguments, "channel")))
    begin = int(arguments.get("cursor") or 0)
    size = min(int(arguments.get("limit") or 100), workspace.page)
    more = str(begin + size) if begin + size < len(members) else ""
    return {
        "members": members[begin : begin + size],
        "response_metadata": {"next_cursor": more},
    }


def post_message(workspace: Workspace, arguments: Arguments) -> dict[str, Any]:
    """A new message in a channel."""
    text, blocks = _content(arguments)
    thread = str(arguments.get("thread_ts") or "")
    message = workspace.post(_text(arguments, "channel"), text, blocks, thread)
    return {"channel": message.channel, "ts": message.ts, "message": {"text": text}}


def update(workspace: Workspace, arguments: Arguments) -> dict[str, Any]:
    """Edits one of the app's own messages."""
    text, blocks = _content(arguments)
    message = workspace.own(_text(arguments, "channel"), _text(arguments, "ts"))
    message.edits.append(Edit(time.monotonic(), text, blocks))
    return {"channel": message.channel, "ts": message.ts, "text": text}


def delete(workspace: Workspace, arguments: Arguments) -> dict[str, Any]:
    """Takes one of the app's own messages back."""
    message = workspace.own(_text(arguments, "channel"), _text(arguments, "ts"))
    message.deleted = True
    return {"channel": message.channel, "ts": message.ts}


def post_ephemeral(workspace: Workspace, arguments: Arguments) -> dict[str, Any]:
    """Something that one person sees."""
    text, blocks = _content(arguments)
    channel = workspace.writable(_text(arguments, "channel"))
    user = workspace.user(_text(arguments, "user"))
    whisper = Whisper("chat.postEphemeral", channel.id, user.id, text, blocks)
    workspace.whispers.append(whisper)
    return {"message_ts": f"{time.time():.6f}"}


def open_connection(workspace: Workspace, _: Arguments) -> dict[str, Any]:
    """Where to connect in Socket Mode; each address is good for one connection."""
    return {"url": workspace.socket_url}


METHODS: dict[str, Method] = {
    "auth.test": auth_test,
    "apps.connections.open": open_connection,
    "users.info": users_info,
    "usergroups.users.list": group_users,
    "conversations.members": channel_members,
    "chat.postMessage": post_message,
    "chat.update": update,
    "chat.delete": delete,
    "chat.postEphemeral": post_ephemeral,
}
# Which scope of the app manifest a method needs.
SCOPES = {
    "users.info": "users:read",
    "usergroups.users.list": "usergroups:read",
    "conversations.members": "channels:read",
    "chat.postMessage": "chat:write",
    "chat.update": "chat:write",
    "chat.delete": "chat:write",
    "chat.postEphemeral": "chat:write",
}


def answer_response(workspace: Workspace, token: str, arguments: Arguments) -> None:
    """A use of a response URL."""
    text, blocks = _content(arguments)
    found = workspace.use_response(token)
    workspace.whispers.append(Whisper("response_url", found.channel, found.user, text, blocks))


def _text(arguments: Arguments, key: str) -> str:
    value = arguments.get(key)
    if not isinstance(value, str) or not value:
        raise Refused("invalid_arguments", needed=key)
    return value


def _content(arguments: Arguments) -> tuple[str, list[dict[str, Any]]]:
    blocks = arguments.get("blocks")
    if isinstance(blocks, str):  # in a form they are JSON text
        blocks = json.loads(blocks)
    text = arguments.get("text")
    try:
        check_message(text, blocks)
    except BlockError as error:
        raise Refused(error.code, errors=[str(error)]) from error
    return text or "", blocks or []
