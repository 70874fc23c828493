"""Can it answer more requests than today, and lose a machine while it does?

What it looks for
    More than one replica, with requests and limits, a PodDisruptionBudget and spreading over
    machines; a Service, Ingress or route that leads to pods; a HorizontalPodAutoscaler or KEDA
    ScaledObject whose target exists; answers that are kept (redis, cachetools, functools on a
    function that predicts); many rows predicted at once (Ray Serve, BentoML, Triton, or a handler
    that gives all its rows to the model); a server made for several machines (KServe, Ray Serve,
    Triton, Seldon). Holdpoint's ModelDeployment counts for what it says. What means something
    that is not here is a finding.

Why
    Load comes in peaks and machines go away. One pod without limits serves neither, and an
    autoscaler of a Deployment that was renamed never scales.

How it is scored
    Horizontal 0.3 (more than one replica 0.15; requests and limits, disruption budget, spreading:
    0.05 each, after https://kubernetes.io/docs/concepts/workloads/pods/disruptions/), load
    balancing 0.2, caching 0.2, batching 0.1, autoscaling 0.1, distributed serving 0.1. Each counts
    once, by the best that is found; a broken reference elsewhere is a finding. What is only
    declared is worth half. Passed at 0.7, critical below 0.5.

How to fix
    Every finding names the file; examples/lending/k8s shows replicas, limits, a budget, spreading.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from checks.check import Needs
from checks.config import share
from checks.evidence import manifests, python_code, scaling
from checks.evidence.release import Defect
from checks.items import Item, defect_finding, item_finding, missing, unreadable_finding
from checks.report import Evidence, Severity, Verdict
from checks.scoring import verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from checks.check import Context
    from checks.config import Config

NAME = "scalability"


@dataclass(frozen=True)
class Settings:
    """What can be set under `checks: {scalability: ...}` in holdpoint.yml."""

    passed_at: float = share(0.7)
    critical_below: float = share(0.5)


ITEMS: Mapping[str, Item] = {
    "horizontal.replicas": Item("more than one replica", 0.15, "k8s/: set replicas to at least 2"),
    "horizontal.resources": Item(
        "requests and limits of every container",
        0.05,
        "k8s/: state requests of cpu and memory, and a limit of memory",
    ),
    "horizontal.disruption": Item(
        "a PodDisruptionBudget of pods that are here",
        0.05,
        "k8s/poddisruptionbudget.yaml: add one",
        Severity.MINOR,
    ),
    "horizontal.spread": Item(
        "replicas spread over machines",
        0.05,
        "k8s/: add topologySpreadConstraints to the pod template",
        Severity.MINOR,
    ),
    "balancing.entry": Item(
        "a Service or route that spreads requests", 0.2, "k8s/service.yaml: add a Service"
    ),
    "caching.code": Item(
        "a cache of answers or features",
        0.2,
        "keep the answers to repeated requests (cachetools, redis)",
    ),
    "batching.code": Item(
        "many rows predicted at once",
        0.1,
        "let a request hold many rows and give them to the model whole",
        Severity.MINOR,
    ),
    "autoscaling.scaler": Item(
        "an autoscaler whose target exists",
        0.1,
        "k8s/: add a HorizontalPodAutoscaler or a KEDA ScaledObject",
        Severity.MINOR,
    ),
    "distributed.serving": Item(
        "a server made for several machines",
        0.1,
        "serve with KServe, Ray Serve or Triton where one machine is too small",
        Severity.MINOR,
    ),
}


@dataclass(frozen=True)
class Gathered:
    """What was found for each item, the broken references, what could not be read."""

    found: Mapping[str, tuple[Evidence, ...]]
    defects: tuple[tuple[str, Defect], ...] = ()  # with the item that each is the reason for losing
    unreadable: tuple[Evidence, ...] = ()


class Scalability:
    """The check; see the module's text."""

    name = NAME
    title = "Scalability"
    settings: type[Any] = Settings
    needs = Needs.TREE
    items: Mapping[str, float] = {
        "horizontal": 0.3,
        "balancing": 0.2,
        "caching": 0.2,
        "batching": 0.1,
        "autoscaling": 0.1,
        "distributed": 0.1,
    }
    rules = (*ITEMS, "defect.*", "unreadable")

    def collect(self, context: Context) -> Gathered:
        """Reads manifests, code and Triton's model configurations."""
        kubernetes = manifests.collect(context.repository)
        modules, unparsed = python_code.collect(context.repository)
        found: dict[str, tuple[Evidence, ...]] = {}
        defects = []
        for item, each in (
            *scaling.from_manifests(kubernetes),
            *scaling.from_code(modules),
            *scaling.from_triton(context.repository),
        ):
            if isinstance(each, Defect):
                defects.append((item, each))
            else:
                found[item] = (*found.get(item, ()), each)
        return Gathered(found, tuple(defects), kubernetes.unreadable + unparsed)

    def judge(self, evidence: Gathered, config: Config) -> Verdict:
        """Gives each item's points once, by the best that was found."""
        lost = {item: each for item, each in evidence.defects if not evidence.found.get(item)}
        findings = [
            item_finding(f"{NAME}.{name}", item, evidence.found.get(name, ()), config,
                         lost.get(name))
            for name, item in ITEMS.items()
        ]  # fmt: skip
        told = {id(each) for each in lost.values()}
        findings += [defect_finding(NAME, d) for _, d in evidence.defects if id(d) not in told]
        findings += [unreadable_finding(NAME, each) for each in evidence.unreadable]
        broken = f", {len(evidence.defects)} broken" if evidence.defects else ""
        message = f"{missing(findings, len(ITEMS))}{broken}"
        return verdict(NAME, findings, config.of(self), message)


CHECK = Scalability()
