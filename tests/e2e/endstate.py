"""What is left in a namespace when a rollout is over, less what differs between any two runs:
times, uids, resource versions, figures in sentences, how often something was said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.cluster.installing import MD, NAME, ROUTE, RR

if TYPE_CHECKING:
    from tests.testbed.kube import Kube

Json = dict[str, Any]
SAME = ("phase", "reason", "weight", "step", "request", "rejected", "stable", "candidate")


def end_state(kube: Kube) -> Json:
    """Plain JSON values, comparable between namespaces."""
    status = kube.get(MD, NAME)["status"]
    return {
        "status": {key: without_times(status.get(key)) for key in SAME},
        "history": [(h["action"], h["reason"], h["weight"]) for h in status["history"]],
        "conditions": {c["type"]: (c["status"], c["reason"]) for c in status["conditions"]},
        "requests": {r["metadata"]["name"]: outcome(r) for r in kube.list(RR)},
        "route": [
            {ref["name"]: ref.get("weight", 1) for ref in rule["backendRefs"]}
            for rule in kube.get(ROUTE, NAME)["spec"]["rules"]
        ],
        "deployments": {
            d["metadata"]["name"]: d["spec"]["replicas"] for d in kube.list("apps/v1/Deployment")
        },
        "services": {
            s["metadata"]["name"]: s["spec"].get("selector") for s in kube.list("v1/Service")
        },
        "revisions": sorted(r["metadata"]["name"] for r in kube.list("apps/v1/ControllerRevision")),
        "events": sorted(
            {
                (e["reason"], e["type"])
                for e in kube.list("v1/Event")
                if e["involvedObject"]["kind"] == "ModelDeployment"
            }
        ),
    }


def outcome(request: Json) -> Json:
    """A request's status without its times and sentence."""
    status = request.get("status", {})
    return {key: status.get(key) for key in ("phase", "outcome", "reason", "revision", "weight")}


def without_times(value: Any) -> Any:
    """The value without moments, which differ, and messages, which hold figures."""
    if isinstance(value, dict):
        return {k: without_times(v) for k, v in value.items() if k not in {"at", "message"}}
    if isinstance(value, list):
        return [without_times(item) for item in value]
    return value
