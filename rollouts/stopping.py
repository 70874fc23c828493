"""`holdpoint rollout stop-all`: aborts every rollout under way, and waits until that is confirmed.

For whoever is on call, and for the chart before it is uninstalled. It asks as anybody may, with one
RolloutRequest for each rollout; the controller carries it out and reads the route back.
"""

from __future__ import annotations

import argparse
import sys
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollouts import kube
from rollouts.jsontypes import dig, dig_object, dig_text, name_of
from rollouts.reasons import Reason
from rollouts.resources import SELF_SUBJECT_REVIEWS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rollouts.jsontypes import JsonObject

EXIT_NO, EXIT_USAGE = 1, 2
LONGEST_NAME = 40  # of the target's, in a request's name
POLL_S = 0.5


@dataclass(frozen=True)
class Wish:
    """Who asks, why, and where: `namespace` None for everywhere."""

    by: str
    reason: str
    namespace: str | None


def main(argv: list[str]) -> int:
    """0 when nothing is under way any more, 1 when something still is, 2 without a cluster."""
    arguments = _arguments(argv)
    try:
        cluster = kube.Cluster.connect(arguments.kubeconfig)
        wish = Wish(_own_name(cluster), arguments.reason, arguments.namespace)
        asked = _ask(cluster, wish)
        left = _wait(cluster, wish.namespace, asked, time.monotonic() + arguments.wait)
    except kube.ClusterError as error:
        return _say(str(error), EXIT_USAGE)
    if left:
        return _say(f"not confirmed after {arguments.wait:g} s: {'; '.join(left)}", EXIT_NO)
    sys.stdout.write(f"stopped: {len(asked)}; nothing else is under way\n")
    return 0


def under_way(deployments: Iterable[JsonObject]) -> list[JsonObject]:
    """Those whose candidate there is something to go back from. A first revision has nothing."""
    return [
        obj
        for obj in deployments
        if dig_object(obj, "status", "candidate") and dig_object(obj, "status", "stable")
    ]


def request(deployment: JsonObject, wish: Wish, unique: str) -> JsonObject:
    """The Abort of one rollout. `unique` keeps a second attempt from being the first one."""
    target = name_of(deployment)
    return {
        "apiVersion": kube.ROLLOUT_REQUESTS.api_version,
        "kind": kube.ROLLOUT_REQUESTS.kind,
        "metadata": {
            "name": f"{target[:LONGEST_NAME].rstrip('-')}-stop-{unique}",
            "namespace": dig_text(deployment, "metadata", "namespace"),
        },
        "spec": {
            "target": target,
            "verb": "Abort",
            "arguments": {"reason": wish.reason},
            "requestedBy": {"id": wish.by, "name": wish.by.rpartition(":")[2]},
        },
    }


def standing(deployment: JsonObject) -> str:
    """A line that says where it is."""
    status = dig_object(deployment, "status")
    share = dig(status, "weight", "confirmed")
    page = dig_text(status, "reason") == Reason.ABORT_NOT_CONFIRMED
    urgent = "; look at the gateway" if page else ""
    phase, reason = dig_text(status, "phase"), dig_text(status, "reason")
    return f"{_place(deployment)} is {phase} ({reason}) at {share} %{urgent}"


def _ask(cluster: kube.Cluster, wish: Wish) -> list[str]:
    """The places of the rollouts that were asked to stop."""
    asked = []
    for deployment in under_way(cluster.list(kube.MODEL_DEPLOYMENTS, wish.namespace).items):
        body = request(deployment, wish, uuid.uuid4().hex[:8])
        cluster.create(kube.ROLLOUT_REQUESTS, body["metadata"]["namespace"], body)
        sys.stdout.write(f"asked to stop: {standing(deployment)}\n")
        sys.stdout.flush()
        asked.append(_place(deployment))
    return asked


def _wait(cluster: kube.Cluster, namespace: str | None, asked: list[str], ends: float) -> list[str]:
    """What is still under way of `asked` when the time is over; empty as soon as nothing is."""
    while True:
        found = under_way(cluster.list(kube.MODEL_DEPLOYMENTS, namespace).items)
        left = [standing(each) for each in found if _place(each) in asked]
        if not left or time.monotonic() >= ends:
            return left
        time.sleep(POLL_S)


def _own_name(cluster: kube.Cluster) -> str:
    """As the API server knows us; the admission policy holds requests against the same name."""
    body = {"apiVersion": SELF_SUBJECT_REVIEWS.api_version, "kind": SELF_SUBJECT_REVIEWS.kind}
    review = cluster.create(SELF_SUBJECT_REVIEWS, None, {**body, "metadata": {}})
    return f"kubernetes:{dig_text(review, 'status', 'userInfo', 'username')}"


def _place(deployment: JsonObject) -> str:
    return f"{dig_text(deployment, 'metadata', 'namespace')}/{name_of(deployment)}"


def _arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("holdpoint rollout stop-all", description=__doc__)
    parser.add_argument("--kubeconfig", help="default: $KUBECONFIG, or the pod's own account")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("-n", "--namespace", help="only there")
    where.add_argument("-A", "--all-namespaces", action="store_true", help="everywhere")
    parser.add_argument("--reason", required=True, help="why; everybody sees it")
    parser.add_argument(
        "--wait", type=float, default=120.0, metavar="S", help="for all to be confirmed (120)"
    )
    return parser.parse_args(argv)


def _say(sentence: str, code: int) -> int:
    sys.stderr.write(f"holdpoint: {sentence}\n")
    return code
