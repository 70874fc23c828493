"""A Slack that remembers: a real Web API server, and signed deliveries to an app.

    with FakeSlack() as slack:                       # or .start() and .stop()
        slack.workspace.add_user("U1", "ada")        # guest=, bot=, deleted=, stranger=, team=
        slack.workspace.add_channel("C1", "ml")      # joined=False: the app is not in it
        ... SLACK_BOT_TOKEN=slack.token, signing secret=slack.secret, slack.api_url ...
        slack.deliver_command(url, "canary 25%", user="U1", channel="C1")   # -> Delivered
        slack.workspace.messages("C1")               # [Message], with .edits, oldest first
        slack.workspace.whispers                     # [Whisper]: ephemeral and response_url answers
        slack.requests                               # [Request], in order of arrival
        slack.faults.rate_limited = True             # 1 message a second a channel, else 429
        slack.faults.failing["chat.update"] = "internal_error"

It refuses what Slack refuses: unknown methods, tokens, channels, users and message time stamps;
blocks with unknown keys or over the limits; a sixth use of a response URL, or one after 30 minutes.
"""

from __future__ import annotations

from tests.fakes.slack.delivery import Delivered, sign
from tests.fakes.slack.server import FakeSlack, Request
from tests.fakes.slack.workspace import Message, User, Whisper, Workspace

__all__ = ["Delivered", "FakeSlack", "Message", "Request", "User", "Whisper", "Workspace", "sign"]
