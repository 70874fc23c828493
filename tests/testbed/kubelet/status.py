"""A pod's status from the states of its containers. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.testbed.kubelet.state import ContainerState

Json = dict[str, Any]

_OWN_CONDITIONS = (
    "PodReadyToStartContainers",
    "Initialized",
    "Ready",
    "ContainersReady",
    "PodScheduled",
)


def _stopped_exit_code(state: ContainerState) -> int | None:
    """The exit code of a container that does not run: terminated, or waiting for its restart."""
    ended = state.now.get("terminated")
    if not ended and "waiting" in state.now:
        ended = state.last.get("terminated")
    return ended["exitCode"] if ended else None


def phase(restart_policy: str, initialised: bool, states: Sequence[ContainerState]) -> str:
    """The phase as the kubelet's `getPhase` derives it."""
    codes = [_stopped_exit_code(state) for state in states]
    alive = ["running" in state.now for state in states]
    not_begun = [code is None and not runs for code, runs in zip(codes, alive, strict=True)]
    if not initialised or any(not_begun):
        return "Pending"
    if any(alive) or restart_policy == "Always":
        return "Running"
    if all(code == 0 for code in codes):
        return "Succeeded"
    return "Failed" if restart_policy == "Never" else "Running"


def _condition(kind: str, *, true: bool, reason: str = "", message: str = "") -> Json:
    condition: Json = {"type": kind, "status": "True" if true else "False"}
    if not true:
        condition.update({"reason": reason, "message": message})
    return condition


def _unready(states: Sequence[ContainerState], phase_now: str) -> tuple[str, str]:
    if phase_now == "Succeeded":
        return "PodCompleted", ""
    names = " ".join(state.name for state in states if not state.ready)
    return "ContainersNotReady", f"containers with unready status: [{names}]"


def _gates_open(pod: Json) -> bool:
    given = {c["type"]: c["status"] for c in pod.get("status", {}).get("conditions", [])}
    gates = pod["spec"].get("readinessGates", [])
    return all(given.get(gate["conditionType"]) == "True" for gate in gates)


def conditions(
    pod: Json,
    previous_own: Sequence[Json],
    phase_now: str,
    *,
    states: Sequence[ContainerState],
    init_states: Sequence[ContainerState],
    now: str,
) -> list[Json]:
    """The pod's conditions; those of other writers are kept, unchanged ones keep their time.

    `previous_own` are the conditions written last by this kubelet.
    """
    initialised = all(_stopped_exit_code(state) == 0 for state in init_states)
    waiting_for = " ".join(s.name for s in init_states if _stopped_exit_code(s) != 0)
    all_ready = all(state.ready for state in states)
    reason, message = _unready(states, phase_now)
    fresh = [
        _condition("PodReadyToStartContainers", true=True),
        _condition(
            "Initialized",
            true=initialised,
            reason="ContainersNotInitialized",
            message=f"containers with incomplete status: [{waiting_for}]",
        ),
        _condition("Ready", true=all_ready and _gates_open(pod), reason=reason, message=message),
        _condition("ContainersReady", true=all_ready, reason=reason, message=message),
        _condition("PodScheduled", true=True),
    ]
    previous = {c["type"]: c for c in previous_own}
    for condition in fresh:
        before = previous.get(condition["type"], {})
        same = before.get("status") == condition["status"]
        condition["lastTransitionTime"] = before["lastTransitionTime"] if same else now
    present = pod.get("status", {}).get("conditions", [])
    others = [c for c in present if c["type"] not in _OWN_CONDITIONS]
    return [*fresh, *others]


def pod_status(
    pod: Json,
    previous_own: Sequence[Json],
    *,
    states: Sequence[ContainerState],
    init_states: Sequence[ContainerState],
    addresses: Mapping[str, str],
    start_time: str,
    now: str,
) -> Json:
    """The whole status that the kubelet writes."""
    initialised = all(_stopped_exit_code(state) == 0 for state in init_states)
    phase_now = phase(pod["spec"].get("restartPolicy", "Always"), initialised, states)
    pod_address, host_address = addresses["status.podIP"], addresses["status.hostIP"]
    status: Json = {
        "observedGeneration": pod["metadata"].get("generation", 1),
        "phase": phase_now,
        "startTime": start_time,
        "hostIP": host_address,
        "hostIPs": [{"ip": host_address}],
        "podIP": pod_address,
        "podIPs": [{"ip": pod_address}],
        "conditions": conditions(
            pod, previous_own, phase_now, states=states, init_states=init_states, now=now
        ),
        "containerStatuses": [state.as_status() for state in states],
    }
    if init_states:
        status["initContainerStatuses"] = [state.as_status() for state in init_states]
    return status
