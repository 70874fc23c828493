"""Socket Mode: Slack's deliveries over WebSockets that the bot opens, for places without ingress.

Started and stopped by `bot.app`. Envelopes carry no signature: the connection was opened with the
app's own token. Slack may deliver an envelope again on another socket; the delivery's id makes it
one command. The library reconnects when Slack asks for it, when pings stay away or TCP breaks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from slack_bolt.adapter.socket_mode.builtin import SocketModeHandler

if TYPE_CHECKING:
    from slack_bolt import App

PING_S = 5.0  # a socket that stays silent for four of these is taken for dead


class Socket:
    """One connection, kept up until `stop`."""

    def __init__(self, app: App, app_token: str) -> None:
        self._handler = SocketModeHandler(app, app_token, ping_interval=PING_S)

    def start(self) -> None:
        """Connects; later losses mend themselves. Raises OSError, or Slack's errors."""
        self._handler.client.connect()

    @property
    def connected(self) -> bool:
        """Whether deliveries can arrive at the moment."""
        return bool(self._handler.client.is_connected())

    def stop(self) -> None:
        """Takes nothing more: Slack then delivers elsewhere, or tells the person."""
        self._handler.client.auto_reconnect_enabled = False
        self._handler.client.disconnect()

    def close(self) -> None:
        """Ends the library's threads."""
        self._handler.client.close()
