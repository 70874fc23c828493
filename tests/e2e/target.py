"""One ModelDeployment on the real cluster, installed as a platform engineer would: the CRDs and
RBAC of deploy/, a route of the gateway, the controller under its own account."""

from __future__ import annotations

import http.client
import json
from typing import TYPE_CHECKING, Any

import yaml

from tests.cluster.installing import MD, NAME, ROOT, RR, lease_role
from tests.testbed.wait import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.testbed.gateway import Gateway
    from tests.testbed.kube import Kube

Json = dict[str, Any]

EXAMPLE = ROOT / "examples/lending"


class Target:
    """The objects of one target in one namespace. `host` picks its route at the gateway."""

    def __init__(self, kube: Kube, gateway: Gateway) -> None:
        self.kube = kube
        self.gateway = gateway
        self.host = f"{kube.namespace}.test"

    def create(self, image: str, **changes: Any) -> None:
        """The route and the ModelDeployment; the controller makes everything else."""
        lease_role(self.kube)
        self.kube.create(http_route(self.host, self.gateway.parent_ref))
        self.kube.create(model_deployment(image, **changes))

    def status(self) -> Json:
        status: Json = self.kube.get(MD, NAME).get("status", {})
        return status

    def wait(self, condition: Any, what: str, deadline_s: float = 60) -> Json:
        """Until `condition(status)`; the status."""
        found = self.kube.wait_until(
            MD, NAME, lambda md: condition(md.get("status", {})), what, deadline_s
        )
        status: Json = found["status"]
        return status

    def wait_stable(self, deadline_s: float = 90) -> Json:
        """Until a revision is stable, with all the traffic, and the gateway serves it."""
        status = self.wait(lambda s: s.get("phase") == "Stable", "be stable", deadline_s)
        wait_until(
            lambda: self.predict() in {200, 400},
            deadline_s,
            "the gateway to serve the stable revision",
        )
        return status

    def predict(self) -> int:
        """The status of one request through the gateway; 400 is the model's answer to no fields."""
        return self.gateway.request(self.host, "/predict", method="POST", body=b'{"rows": [{}]}')[0]

    def ask(self, name: str, verb: str, arguments: Json | None = None, **more: Any) -> None:
        """A RolloutRequest, as the bot writes it."""
        spec = {
            "target": NAME,
            "verb": verb,
            "requestedBy": {"id": "slack:T0001/U1", "name": "ada"},
            "source": {"kind": "Slack", "team": "T0001", "channel": "C1", "delivery": name},
            "expiresAt": "2099-01-01T00:00:00Z",
            **({"arguments": arguments} if arguments else {}),
            **more,
        }
        self.kube.create(
            {
                "apiVersion": "holdpoint.dev/v1alpha1",
                "kind": "RolloutRequest",
                "metadata": {"name": name},
                "spec": spec,
            }
        )

    def request(self, name: str) -> Json:
        """A request's status."""
        status: Json = self.kube.get(RR, name).get("status", {})
        return status

    def pods_of(self, revision: str) -> list[Json]:
        """The running pods of a revision."""
        pods = self.kube.list("v1/Pod", f"holdpoint.dev/revision={revision}")
        return [pod for pod in pods if pod.get("status", {}).get("podIP")]

    def set_fault(self, revision: str, rate: float) -> None:
        """From now on the revision's pods fail this share of their requests."""
        pods = self.pods_of(revision)
        assert pods, f"{revision} has no pods to make fail"
        for pod in pods:
            post(pod["status"]["podIP"], "/fault", {"rate": rate})

    def requests_served(self, revision: str) -> int:
        """The sum of the request counters of a revision's pods, read from the pods."""
        return sum(counter(pod["status"]["podIP"]) for pod in self.pods_of(revision))

    def events(self) -> list[Json]:
        """The Events about the ModelDeployment."""
        events = self.kube.list("v1/Event")
        return [e for e in events if e["involvedObject"]["kind"] == "ModelDeployment"]


def confirmed(weight: int) -> Callable[[Json], bool]:
    """A condition on the status: the weight was asked for, read back and accepted."""
    return lambda status: status.get("weight") == {"asked": weight, "confirmed": weight}


def is_over(status: Json) -> bool:
    """No rollout is under way."""
    return status.get("phase") == "Stable" and not status.get("candidate")


def post(address: str, path: str, body: Json) -> None:
    """Tells one pod something, past the gateway."""
    connection = http.client.HTTPConnection(address, 8080, timeout=10)
    try:
        connection.request("POST", path, json.dumps(body))
        assert connection.getresponse().status == 200
    finally:
        connection.close()


def counter(address: str) -> int:
    """One pod's `prediction_count_total`."""
    connection = http.client.HTTPConnection(address, 8080, timeout=10)
    try:
        connection.request("GET", "/metrics")
        lines = connection.getresponse().read().decode().splitlines()
    finally:
        connection.close()
    values = [line.split()[1] for line in lines if line.startswith("prediction_count_total ")]
    return int(values[0])


def example(file: str) -> Json:
    """A manifest of the lending example, as its team would apply it."""
    manifest: Json = yaml.safe_load((EXAMPLE / "k8s" / file).read_text())
    return manifest


def example_analysis() -> Json:
    """The example's analysis, looking every second."""
    return {**example("modeldeployment.yaml")["spec"]["analysis"], "intervalSeconds": 1}


def http_route(host: str, parent: Json) -> Json:
    """The example's route, at the tests' gateway."""
    route = example("httproute.yaml")
    route["spec"] |= {"parentRefs": [parent], "hostnames": [host]}
    return route


def model_deployment(image: str, **changes: Any) -> Json:
    """The example's ModelDeployment with steps that nobody waits for; without gates, unless
    `changes` ask for them. Its probes see readiness at once, and take a pod for failed only when
    it has not answered for long: a machine that is busy elsewhere is not what is tested."""
    deployment = example("modeldeployment.yaml")
    spec = deployment["spec"]
    del spec["gates"]
    del spec["model"]["digest"]  # the images of the tests hold several models
    spec["probes"]["startup"] |= {"periodSeconds": 1, "failureThreshold": 120}
    patient = {"timeoutSeconds": 10, "failureThreshold": 6}
    spec["probes"]["readiness"] |= {"periodSeconds": 1, **patient}
    spec["probes"]["liveness"] |= patient
    spec["analysis"] = example_analysis()
    spec |= {
        "image": image,
        "env": [{"name": "DRAIN_SECONDS", "value": "1"}],
        "strategy": {
            "type": "Canary",
            "canary": {"steps": [{"weight": 25, "soakSeconds": 1}], "bakeSeconds": 2},
        },
        **changes,
    }
    return deployment
