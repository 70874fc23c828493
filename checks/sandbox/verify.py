"""Which layers are in force around a child: the kernel's word in /proc, not the child's.

Used by `spawn` before anything untrusted is sent. For Landlock there is no such place in /proc, so
the launcher's report counts: when it was written neither a model nor its environment had run.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from checks.sandbox import process
from checks.sandbox.limits import Layers

if TYPE_CHECKING:
    from checks.sandbox.plan import Plan

OUR_FILTERS = 2  # the launcher's, and the one against execve


def verify(pid: int, plan: Plan, done: Mapping[str, Any]) -> Layers:
    """The layers of `pid`, which was started by `plan`; `done` is the launcher's report."""
    lines = process.status(pid)
    held = lines.get("NoNewPrivs") == "1"
    if plan.capabilities:  # root's powers would reach around the other layers
        held = held and int(lines.get("CapEff", "1"), 16) == 0
    return Layers(
        uid=held and plan.uid is not None and process.runs_as(pid, plan.uid),
        landlock=plan.abi if held and done.get("landlock") else None,
        seccomp=held and bool(done.get("seccomp")) and _filters_hold(pid),
        rlimits=plan.rlimits is not None and _limits_hold(pid, plan.rlimits, done),
        empty_env=_environment_holds(pid, plan),
    )


def _filters_hold(pid: int) -> bool:
    """Both of ours, on top of those that a container gave the parent already.

    The second is the child script's doing, and a hostile environment could have kept it from that.
    """
    theirs, ours = process.seccomp_filters(pid), process.seccomp_filters(os.getpid())
    if theirs is None or ours is None:  # a kernel before 5.9 does not count them
        return process.status(pid).get("Seccomp") == "2"
    return theirs >= ours + OUR_FILTERS


def _limits_hold(pid: int, planned: list[tuple[str, int, int]], done: Mapping[str, Any]) -> bool:
    if not process.PROC.is_dir():
        return bool(done.get("rlimits"))
    found = process.rlimits(pid)
    return all(found.get(name) == (str(soft), str(hard)) for name, soft, hard in planned)


def _environment_holds(pid: int, plan: Plan) -> bool:
    if not plan.empty_env:
        return False
    try:
        return process.environment(pid) <= plan.environment.keys()
    except OSError:
        # No /proc, or not readable to us: the kernel started it with exactly what we planned.
        return True
