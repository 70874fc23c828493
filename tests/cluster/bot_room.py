"""What the bot's tests need around the real API server: objects, evidence, a controller's hand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.bot.process import BotProcess, settings_for
from tests.bot.samples import MODEL, SHA, check_run, record
from tests.cluster.installing import MD, NAME, RR
from tests.testbed.wait import wait_until

if TYPE_CHECKING:
    from tests.fakes.github import FakeGitHub
    from tests.fakes.slack import FakeSlack
    from tests.testbed.control_plane import ControlPlane
    from tests.testbed.kube import Kube
    from tests.testbed.oci import ImageStore
    from tests.testbed.registry import Registry

GROUP = "holdpoint.dev/v1alpha1"
REPOSITORY = "acme/lending"
Json = dict[str, Any]


@dataclass
class Room:
    """One namespace with a ModelDeployment, a judged commit and its image."""

    kube: Kube
    slack: FakeSlack
    github: FakeGitHub
    store: ImageStore
    registry: Registry
    plane: ControlPlane
    folder: Path

    def bot(self, name: str = "bot", **environ: str) -> BotProcess:
        """The bot with its own account's rights, not started yet."""
        settings = settings_for(
            self.slack,
            namespace=self.kube.namespace,
            github=self.github.url,
            registry=self.registry.address,
            app_id=self.github.app("holdpoint").id,
        )
        kubeconfig = self.plane.service_account_kubeconfig("holdpoint-system", "holdpoint-bot")
        return BotProcess(self.folder / name, settings, self.slack, kubeconfig, **environ)

    def judge(self, sha: str = SHA, **changes: Any) -> None:
        """A record and check run of our app on a commit, judged just now."""
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        text = check_run(record(commit=sha, timestamp=now)).text
        made: Json = {"app": "holdpoint", "external_id": record().report_digest, "text": text}
        self.github.add_check_run(REPOSITORY, sha, **{**made, **changes})

    def push(self, model: bytes = MODEL, sha: str = SHA) -> str:
        """The image of a commit; its reference."""
        digest = self.store.build({"/app/x": b"x", "/model/model.joblib": model})
        self.registry.tag(REPOSITORY, sha, digest)
        return self.registry.reference(REPOSITORY, digest)

    def apply(self, name: str = NAME) -> str:
        """A ModelDeployment whose stable revision runs; the stable image."""
        stable = self.registry.reference(REPOSITORY, self.store.build({"/old": b"old"}))
        self.kube.apply(
            {
                "apiVersion": GROUP,
                "kind": "ModelDeployment",
                "metadata": {"name": name},
                "spec": {
                    "model": {"name": name},
                    "image": stable,
                    "replicas": 1,
                    "traffic": {"type": "GatewayAPI", "gatewayAPI": {"httpRoute": name}},
                    "gates": {"request": "Required"},
                },
            }
        )
        self.say(phase="Stable", reason="UpToDate", stable=self.revision("old", stable))
        return stable

    @staticmethod
    def revision(suffix: str, image: str) -> Json:
        """A revision as in the status."""
        return {"name": f"{NAME}-{suffix}", "hash": suffix, "image": image}

    def say(self, **status: Any) -> None:
        """Writes the ModelDeployment's status, as the controller would."""
        base = {"schema": 1, "observedGeneration": 1, "writeSequence": 0, "confirmedSequence": 0}
        old = self.kube.get(MD, NAME).get("status") or base
        merged = {**base, **old, **status}
        gone: Json = {key: None for key, value in status.items() if value is None}
        self.kube.patch(MD, NAME, {"status": merged | gone}, subresource="status")

    def mark(self, request: str, **status: Any) -> None:
        """Writes a request's status, as the controller would."""
        at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        body = {"status": {"observedAt": at, **status}}
        self.kube.patch(RR, request, body, subresource="status")

    def requests(self) -> list[Json]:
        """Every RolloutRequest of the namespace, oldest first."""
        found = self.kube.list(RR)
        return sorted(found, key=lambda item: str(item["metadata"]["creationTimestamp"]))

    def shown(self, what: str, channel: str = "C1", deadline_s: float = 20.0) -> str:
        """Waits until the channel's one message says `what`; the whole text."""

        def probe() -> str:
            messages = self.slack.workspace.messages(channel)
            text = messages[0].words if len(messages) == 1 else ""
            return text if what in text else ""

        try:
            return wait_until(probe, deadline_s, f"the live message to say {what!r}")
        except AssertionError as error:
            texts = [message.words for message in self.slack.workspace.messages(channel)]
            raise AssertionError(f"{error} The messages are: {texts}") from None


def prod(room: Room, **approvals: Any) -> BotProcess:
    """The bot with one environment: U1 deploys, U2 approves and is admin."""
    settings = settings_for(
        room.slack,
        namespace=room.kube.namespace,
        github=room.github.url,
        registry=room.registry.address,
        app_id=room.github.app("holdpoint").id,
    )
    del settings["targets"]["lending"]["namespace"]
    settings["environments"] = {
        "prod": {"namespace": room.kube.namespace, "approvals": {"author": True, **approvals}}
    }
    settings["roles"]["admin"] = {"users": ["U2"]}
    account = room.plane.service_account_kubeconfig("holdpoint-system", "holdpoint-bot")
    return BotProcess(room.folder / "prod", settings, room.slack, account)
