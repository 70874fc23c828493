"""The bot as its real process, and what it needs around it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import yaml

from tests.testbed.wait import wait_until

if TYPE_CHECKING:
    from tests.fakes.slack import FakeSlack, Message, Whisper

START_S = 30.0
ANSWER_S = 30.0
PASSED_ON = ("PATH", "HOME", "LANG", "TMPDIR")


class BotProcess:
    """`holdpoint bot`, started with `with`. `log` is what it wrote to standard error."""

    def __init__(
        self,
        folder: Path,
        settings: dict[str, Any],
        slack: FakeSlack,
        kubeconfig: Path,
        **environ: str,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.config, self._port_file = folder / "bot.yaml", folder / "port"
        self._log = folder / "log"
        self.config.write_text(yaml.safe_dump(settings, sort_keys=False))
        self.kubeconfig = kubeconfig
        self._environ = {
            **{name: os.environ[name] for name in PASSED_ON if name in os.environ},
            "SLACK_BOT_TOKEN": slack.token,
            "SLACK_SIGNING_SECRET": slack.secret,
            "SLACK_APP_TOKEN": slack.app_token,
            "HOLDPOINT_GITHUB_TOKEN": "ghs_bot",
            "KUBECONFIG": str(kubeconfig),
            **environ,
        }
        self._slack = slack
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Returns once it listens. Raises AssertionError when it ended instead."""
        self._port_file.unlink(missing_ok=True)
        self._spawn()
        wait_until(lambda: self._port_file.exists() or self._ended(), START_S, "the bot to listen")
        assert self._port_file.exists(), self.log
        return self

    def run_to_end(self) -> int:
        """For a start that must fail: its exit code."""
        return self._spawn().wait(START_S)

    def stop(self, signum: int = signal.SIGTERM) -> int:
        """Ends it; the exit code."""
        process = self._process
        assert process is not None
        if process.poll() is None:
            process.send_signal(signum)
        return process.wait(START_S)

    def kill(self) -> None:
        """As a node failure would."""
        self.stop(signal.SIGKILL)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        if self._process is not None and self._process.poll() is None:
            self.kill()

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._port_file.read_text().strip()}"

    @property
    def url(self) -> str:
        """Where Slack delivers to."""
        return f"{self.address}/slack/events"

    @property
    def log(self) -> str:
        """Everything logged by every start."""
        return self._log.read_text()

    def audit(self) -> list[dict[str, Any]]:
        """The audit lines, oldest first."""
        lines = [json.loads(line) for line in self.log.splitlines() if line.startswith("{")]
        return [line for line in lines if line["logger"] == "holdpoint.audit"]

    def say(self, text: str, *, answers: int = 1, **who: Any) -> Whisper:
        """Somebody types a command; the answer after the receipt. Fails unless acked in time."""
        whispers = self._slack.workspace.whispers
        before = len(whispers)
        assert self._slack.deliver_command(self.url, text, **who).in_time
        wait_until(
            lambda: sum(w.via != "ack" for w in whispers[before:]) >= answers,
            ANSWER_S,
            f"the bot to answer {text!r}",
        )
        return [w for w in whispers[before:] if w.via != "ack"][-1]

    def _spawn(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-I", "-m", "holdpoint", "bot", "--config", str(self.config)]
        command += ["--listen", "127.0.0.1:0", "--port-file", str(self._port_file)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, env=self._environ, stderr=log)
        return self._process

    def _ended(self) -> bool:
        return self._process is not None and self._process.poll() is not None


def settings_for(
    slack: FakeSlack, *, namespace: str, github: str, registry: str, app_id: int
) -> dict[str, Any]:
    """bot.yaml for the fakes: U1 may deploy, everyone may look, C1 is lending's channel."""
    return {
        "version": 1,
        "slack": {"teams": [slack.workspace.team], "apiUrl": slack.api_url},
        "github": {"apiUrl": github, "appId": app_id},
        "registry": {"insecure": [registry]},
        "targets": {
            "lending": {
                "namespace": namespace,
                "repository": "acme/lending",
                "image": f"{registry}/acme/lending",
                "tag": "{commit}",
                "modelPath": "/model/model.joblib",
                "channels": ["C1"],
            }
        },
        "roles": {"deployer": {"users": ["U1"]}, "viewer": {"users": ["*"]}},
    }


def people(slack: FakeSlack) -> FakeSlack:
    """U1 is Ada, who may deploy; the rest are those who may not, each for a reason."""
    workspace = slack.workspace
    workspace.add_user("U1", "Ada")
    workspace.add_user("U2", "Vic")
    workspace.add_user("UGUEST", "Guest", guest=True)
    workspace.add_user("UBOT2", "Robot", bot=True)
    workspace.add_user("UGONE", "Gone", deleted=True)
    workspace.add_user("USTRANGE", "Stranger", stranger=True)
    workspace.add_user("UOTHER", "Other", team="T9999")
    workspace.add_channel("C1", "lending")
    workspace.add_channel("C2", "random")
    workspace.add_channel("C3", "private", joined=False)
    return slack


def kubeconfig_for(folder: Path, server: str) -> Path:
    """A kubeconfig without credentials."""
    path = folder / "kubeconfig"
    path.write_text(
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "c", "cluster": {"server": server}}],
                "users": [{"name": "u", "user": {}}],
                "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
                "current-context": "x",
            }
        )
    )
    return path


def the_message(slack: FakeSlack, channel: str = "C1") -> Message:
    """The one message of a channel."""
    messages = slack.workspace.messages(channel)
    assert len(messages) == 1, [message.text for message in messages]
    return messages[0]


class SilentServer:
    """Takes connections and never says a word: an API server that hangs."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._taken: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def _accept(self) -> None:
        while True:
            try:
                self._taken.append(self._listener.accept()[0])
            except OSError:
                return

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        for taken in self._taken:
            taken.close()
