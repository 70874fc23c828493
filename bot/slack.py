"""The edge to Slack's Web API and response URLs. Inbound requests are `bot.guard`'s and Bolt's.

Called by the verbs (one answer to one person) and by the watcher (the live messages). Errors leave
as SlackError, which says whether to come again and when. Texts and blocks are `bot.blocks`'.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.http_retry.builtin_handlers import ConnectionErrorRetryHandler
from slack_sdk.webhook import WebhookClient

from bot.escape import plain
from bot.policy import Person

if TYPE_CHECKING:
    from bot.settings import Settings

TIMEOUT_S = 10
MOST_PAGES = 20  # of a channel's members, a thousand each
# Answers after which the same call can never succeed: the message or channel is out of reach.
_FINAL = frozenset(
    {
        "cant_update_message",
        "channel_not_found",
        "edit_window_closed",
        "is_archived",
        "is_inactive",
        "message_not_found",
        "not_in_channel",
    }
)
Block = Mapping[str, Any]


class SlackError(Exception):
    """Slack said no, or nothing. `code` is its error code, "" without an answer."""

    def __init__(self, code: str, retry_after: float | None = None) -> None:
        super().__init__(f"Slack answered {code or 'nothing'}")
        self.code = code
        self.retry_after = retry_after

    @property
    def final(self) -> bool:
        """Whether coming again is pointless."""
        return self.code in _FINAL


def web_client(settings: Settings, token: str) -> WebClient:
    """A client for the configured address; it repeats a call once when the connection broke."""
    retries = [ConnectionErrorRetryHandler(max_retry_count=1)]
    return WebClient(
        token=token, base_url=settings.slack_api, timeout=TIMEOUT_S, retry_handlers=[*retries]
    )


class Slack:
    """What the bot says to, and asks, Slack."""

    def __init__(self, client: WebClient) -> None:
        self._client = client

    def whoami(self) -> tuple[str, str]:
        """(team id, our user id) of the token."""
        answer = self._call("auth.test", {})
        return str(answer["team_id"]), str(answer["user_id"])

    def person(self, user: str) -> Person:
        """The user as Slack knows them at this moment."""
        found = self._call("users.info", {"user": user})["user"]
        profile = found.get("profile") or {}
        shown = profile.get("display_name") or found.get("real_name") or found.get("name") or user
        return Person(
            team=str(found.get("team_id", "")),
            id=str(found.get("id", "")),
            name=plain(str(shown), 60) or user,
            deleted=bool(found.get("deleted")),
            is_bot=bool(found.get("is_bot") or found.get("is_app_user")),
            is_guest=bool(found.get("is_restricted") or found.get("is_ultra_restricted")),
            is_stranger=bool(found.get("is_stranger")),
        )

    def members(self, collective: str) -> frozenset[str]:
        """The user ids in a user group (S...) or channel, as they are now."""
        if collective.startswith("S"):
            answer = self._call("usergroups.users.list", {"usergroup": collective})
            return frozenset(str(user) for user in answer.get("users") or ())
        found: set[str] = set()
        cursor = ""
        for _ in range(MOST_PAGES):
            page = {"channel": collective, "limit": 1000, **({"cursor": cursor} if cursor else {})}
            answer = self._call("conversations.members", page)
            found |= {str(user) for user in answer.get("members") or ()}
            cursor = str((answer.get("response_metadata") or {}).get("next_cursor") or "")
            if not cursor:
                break
        return frozenset(found)

    def post(
        self, channel: str, blocks: Sequence[Block], text: str, *, thread: str = ""
    ) -> tuple[str, str]:
        """Posts to a channel, or into a message's `thread`; (channel, ts) of the message."""
        where = {"thread_ts": thread} if thread else {}
        body = _body(blocks, text, channel=channel, **where, **_QUIET)
        answer = self._call("chat.postMessage", body)
        return str(answer["channel"]), str(answer["ts"])

    def update(self, channel: str, ts: str, blocks: Sequence[Block], text: str) -> None:
        """Edits a message in place."""
        self._call("chat.update", _body(blocks, text, channel=channel, ts=ts))

    def remove(self, channel: str, ts: str) -> None:
        """Takes back a message of our own."""
        self._call("chat.delete", {"channel": channel, "ts": ts})

    def whisper(self, channel: str, user: str, blocks: Sequence[Block], text: str) -> None:
        """A message that only `user` sees."""
        self._call("chat.postEphemeral", _body(blocks, text, channel=channel, user=user))

    def respond(self, response_url: str, blocks: Sequence[Block], text: str) -> None:
        """Answers a command so that only its author sees it."""
        hook = WebhookClient(response_url, timeout=TIMEOUT_S)
        try:
            answer = hook.send(
                text=text,
                blocks=[dict(block) for block in blocks],
                response_type="ephemeral",
                replace_original=False,
            )
        except (SlackClientError, OSError) as error:
            raise SlackError("") from error
        if answer.status_code != 200:
            raise SlackError(f"http_{answer.status_code}")

    def _call(self, method: str, body: dict[str, Any]) -> Mapping[str, Any]:
        try:
            answer = (
                self._client.api_call(method, json=body)
                if "blocks" in body
                else (self._client.api_call(method, params=body))
            )  # users.info and its like read forms, not JSON
        except SlackApiError as error:
            raise _api_error(error) from error
        except (SlackClientError, OSError) as error:
            raise SlackError("") from error
        data = answer.data
        return data if isinstance(data, dict) else {}


_QUIET = {"unfurl_links": False, "unfurl_media": False}


def _body(blocks: Sequence[Block], text: str, **more: Any) -> dict[str, Any]:
    return {**more, "blocks": [dict(block) for block in blocks], "text": text}


def _api_error(error: SlackApiError) -> SlackError:
    """429 carries Retry-After in seconds; without one a whole minute is meant."""
    headers = {key.lower(): value for key, value in dict(error.response.headers).items()}
    code = str(error.response.get("error", ""))
    if error.response.status_code == 429:
        asked = str(headers.get("retry-after", "60"))
        return SlackError("ratelimited", float(asked) if asked.isdigit() else 60.0)
    return SlackError(code)
