"""`holdpoint bot`: reads the settings, connects the edges, serves Slack's deliveries over HTTP.

Called by the `holdpoint` command. It puts things together and decides nothing. Exit codes: 0 after
a graceful stop, 2 when a setting, a secret or the address cannot be used.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from slack_bolt import App
from slack_bolt.adapter.wsgi import SlackRequestHandler
from slack_bolt.authorization import AuthorizeResult
from waitress.server import create_server

from bot import audit, exporting, grammar, listeners, metrics
from bot.clearance import Clearances
from bot.cluster import Clusters
from bot.commands import catalogue
from bot.desk import Desk
from bot.dispatch import Dispatcher
from bot.github import GitHub
from bot.guard import EVENTS_PATH, LARGEST_BODY, Guard
from bot.listeners.socket import Socket
from bot.people import People
from bot.refusals import Refused
from bot.registry import Registry
from bot.settings import Secrets, Settings, SettingsError, read_secrets, read_settings
from bot.slack import Slack, SlackError, web_client
from bot.threads import Watcher
from bot.workers import Workers
from rollouts.kube import Cluster, ClusterError

EXIT_OK, EXIT_UNUSABLE = 0, 2
HTTP_THREADS = 16
COMMANDS_AT_ONCE, COMMANDS_WAITING = 8, 64
DRAIN_S = 20.0  # for commands that were received before the stop
CLUSTER_READ_S = 4.0  # a person is waiting


def main(argv: list[str]) -> int:
    """Runs until SIGTERM or SIGINT; `export` and `incident` read the record and end."""
    if argv[:1] and argv[0] in exporting.VERBS:
        return _read_record(argv)
    arguments = _arguments(argv)
    audit.configure()
    try:
        host, port = _address(arguments.listen)
        verbs = catalogue()
        settings = read_settings(arguments.config, lambda name: grammar.reserved(name, verbs))
        bot = build(settings, read_secrets(os.environ, settings.slack_mode))
        return serve(bot, host, port, arguments.port_file)
    except (SettingsError, ClusterError) as error:
        sys.stderr.write(f"holdpoint bot: {error}\n")
        return EXIT_UNUSABLE


def _read_record(argv: list[str]) -> int:
    arguments = exporting.parser().parse_args(argv)
    verbs = catalogue()
    try:
        settings = read_settings(arguments.config, lambda name: grammar.reserved(name, verbs))
        exporting.run(arguments, settings, connect_clusters(settings))
    except (SettingsError, ClusterError, Refused) as error:
        sys.stderr.write(f"holdpoint bot: {error}\n")
        return EXIT_UNUSABLE
    return EXIT_OK


@dataclass(frozen=True)
class Bot:
    """The parts that have to be started and stopped."""

    guard: Guard
    watcher: Watcher
    workers: Workers
    stopping: threading.Event
    socket: Socket | None = None


def build(settings: Settings, secrets: Secrets) -> Bot:
    """Connects every part. Raises SettingsError, ClusterError."""
    client = web_client(settings, secrets.slack_token)
    slack = Slack(client)
    identity = _check_token(slack, settings, secrets)
    _check_members(slack, settings)
    requests = connect_clusters(settings)
    watcher = Watcher(slack, requests, settings, _now)
    registry = Registry(settings.insecure_registries)
    clearances = Clearances(settings, GitHub(settings, secrets.github_token), registry)
    people = People(slack, settings)
    desk = Desk(settings, catalogue(), slack, people, requests, clearances, watcher, _now)
    workers = Workers(COMMANDS_AT_ONCE, COMMANDS_WAITING)
    app = App(
        client=client,
        signing_secret=secrets.slack_signing_secret or None,
        # Known since the line above; Bolt would ask Slack before it lets anybody be acknowledged.
        authorize=lambda: identity,
    )
    listeners.register(app, Dispatcher(desk, workers), settings.slack_command)
    stopping = threading.Event()
    metrics.gauge("holdpoint_bot_commands_waiting", lambda: workers.depth)
    if settings.slack_mode == "socket":
        socket = Socket(app, secrets.slack_app_token)
        guard = Guard(None, "", lambda: socket.connected and not stopping.is_set())
        return Bot(guard, watcher, workers, stopping, socket)
    inner = SlackRequestHandler(app, path=EVENTS_PATH)
    guard = Guard(inner, secrets.slack_signing_secret, lambda: not stopping.is_set())
    return Bot(guard, watcher, workers, stopping)


def _check_members(slack: Slack, settings: Settings) -> None:
    """That every group and channel that gives a role can be read. Raises SettingsError."""
    for holder in sorted(settings.collective):
        try:
            slack.members(holder)
        except SlackError as error:
            raise SettingsError(
                f"the roles name {holder}, whose members Slack does not show to the bot "
                f"({error.code or 'no answer'}); correct the id, or invite the bot to the channel"
            ) from error


def connect_clusters(settings: Settings) -> Clusters:
    """One connection for each environment; nothing is sent yet. Raises ClusterError."""
    return Clusters(
        {
            name: Cluster.connect(place.kubeconfig, place.context, read_s=CLUSTER_READ_S)
            for name, place in settings.environments.items()
        }
    )


def serve(bot: Bot, host: str, port: int, port_file: Path | None) -> int:
    """Serves until told to stop, then finishes what was received. Raises SettingsError."""
    try:
        server = create_server(
            bot.guard,
            host=host,
            port=port,
            threads=HTTP_THREADS,
            max_request_body_size=LARGEST_BODY * 2,
            ident="",
            clear_untrusted_proxy_headers=True,
        )
    except OSError as error:
        raise SettingsError(f"cannot listen on {host}:{port}: {error.strerror}") from error
    told = threading.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda *_: told.set())
    threading.Thread(target=server.run, name="http", daemon=True).start()
    bot.watcher.start()
    if bot.socket is not None:
        _connect(bot.socket)
    bound = _bound_port(server)
    audit.event("listening", host=host, port=bound)
    if port_file is not None:
        _write_whole(port_file, f"{bound}\n")
    told.wait()
    _stop(bot)
    return EXIT_OK


def _bound_port(server: object) -> int:
    """The library answers with another class where a name resolves to several addresses."""
    port = getattr(server, "effective_port", None)
    if port is None:
        raise SettingsError("--listen names several addresses; expected one: 127.0.0.1:3000")
    return int(port)


def _connect(socket: Socket) -> None:
    """Raises SettingsError: at the start a token that Slack does not take is a wrong setting."""
    try:
        socket.start()
    except Exception as error:
        raise SettingsError(
            f"Slack opens no socket ({type(error).__name__}: {str(error)[:200]!r}); check "
            "SLACK_APP_TOKEN, its scope connections:write, and that Socket Mode is on"
        ) from error


def _stop(bot: Bot) -> None:
    """Not ready first; then no new work; then what was received is done; then the messages."""
    audit.event("stopping")
    bot.stopping.set()
    if bot.socket is not None:
        bot.socket.stop()
    finished = bot.workers.drain(DRAIN_S)
    bot.guard.drain(1.0)
    bot.watcher.stop(2.0)
    if bot.socket is not None:
        bot.socket.close()
    audit.event("stopped", finished=finished)


def _check_token(slack: Slack, settings: Settings, secrets: Secrets) -> AuthorizeResult:
    """Whose token it is. Raises SettingsError."""
    try:
        team, user = slack.whoami()
    except SlackError as error:
        if error.code:
            raise SettingsError(
                f"Slack does not take SLACK_BOT_TOKEN ({error.code}); its value is found on the "
                "app's page under OAuth & Permissions, Bot User OAuth Token"
            ) from error
        raise SettingsError(f"Slack cannot be reached at {settings.slack_api}") from error
    if team not in settings.rules.teams:
        raise SettingsError(
            f"SLACK_BOT_TOKEN belongs to the workspace {team}, which slack: teams does not name"
        )
    return AuthorizeResult(
        enterprise_id=None, team_id=team, bot_user_id=user, bot_token=secrets.slack_token
    )


def _arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="holdpoint bot", description="Run the Slack bot.")
    parser.add_argument("--config", type=Path, required=True, help="bot.yaml")
    parser.add_argument("--listen", default="0.0.0.0:3000", help="host:port (default %(default)s)")
    parser.add_argument("--port-file", type=Path, help="write the port that was bound to this file")
    return parser.parse_args(argv)


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not (colon and host and port.isascii() and port.isdigit() and int(port) < 1 << 16):
        raise SettingsError(f"--listen is {text!r}; expected host:port, such as 127.0.0.1:3000")
    return host.strip("[]"), int(port)


def _write_whole(path: Path, text: str) -> None:
    """So that whoever waits for the file never reads half of it."""
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text(text)
    partial.replace(path)


def _now() -> datetime:
    return datetime.now(UTC)
