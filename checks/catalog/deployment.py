"""Can a new version be put in front of traffic step by step, and taken back?

What it looks for
    Kubernetes manifests (Deployment, StatefulSet, Argo Rollout, Flagger Canary, KServe
    InferenceService, Holdpoint's ModelDeployment) and how each replaces the old version; a
    Dockerfile whose base is pinned and whose process is not root; images named by version or
    digest; CI workflows that build and deploy; a way back (automatic analysis, a workflow's
    rollback, or a page that shows the commands); readiness and liveness probes. Also, without
    points: whether the versions that the model was trained with are those that will serve it,
    whether a manifest names the model that was judged, infrastructure as code, a rollback drill.

Why
    Most incidents begin with a change. A version that can be tried on few requests, watched and
    taken back turns an incident into a note.

How it is scored
    Strategy 0.3 (half when it is only Kubernetes' default), container 0.2 (a Dockerfile, its base
    pinned, its user not root, images that do not float: 0.05 each), CI/CD 0.2 (builds 0.1, deploys
    0.1), rollback 0.1, canary or blue-green 0.1, probes 0.1 (readiness 0.05, liveness 0.05). Each
    counts once, by the best that is found, so that removing evidence never raises the score;
    defects elsewhere are findings. What is only declared is worth half. Passed at 0.7, critical
    below 0.5.

How to fix
    Every finding names the file. `examples/lending` shows a repository where nothing is missing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from checks.check import Needs
from checks.config import setting, share
from checks.evidence import commands, dockerfiles, documents, manifests, release
from checks.items import (
    Item,
    defect_finding,
    item_finding,
    missing,
    remark_finding,
    unreadable_finding,
)
from checks.report import Evidence, Finding, Grade, Severity, Verdict
from checks.scoring import verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from checks.check import Context
    from checks.config import Config
    from checks.evidence.dockerfiles import Dockerfile
    from checks.evidence.manifests import Manifests
    from checks.evidence.release import Defect

NAME = "deployment"
CI_FIX = ".github/workflows/: add a workflow that builds the image and deploys it"
PROBES_FIX = "add readiness and liveness probes"
# The item that a defect is the reason for losing: it is said once, with the defect's place.
EXPLAINS = {
    "base": "container.base",
    "root": "container.user",
    "latest": "container.image",
    "probes": "health.readiness",
    "recreate": "strategy.any",
}


@dataclass(frozen=True)
class Settings:
    """`risk` is how much a bad answer costs; high asks for a canary or blue-green strategy."""

    risk: Literal["low", "medium", "high"] = setting(
        "what a bad answer costs; high asks for a canary or blue-green strategy", "medium"
    )
    passed_at: float = share(0.7)
    critical_below: float = share(0.5)


# "<declarable item>.<part>": the parts of an item share its declaration.
ITEMS: Mapping[str, Item] = {
    "strategy.any": Item(
        "a manifest that says how a new version replaces the old one",
        0.15,
        "k8s/: add a manifest that deploys the model (see examples/lending/k8s)",
    ),
    "strategy.stated": Item(
        "a stated strategy that keeps serving",
        0.15,
        "state the strategy in the manifest (canary, blue-green or rolling)",
    ),
    "container.dockerfile": Item("a Dockerfile", 0.05, "Dockerfile: add one"),
    "container.base": Item(
        "a base image pinned to a version",
        0.05,
        "Dockerfile: name the base image by a version or digest",
    ),
    "container.user": Item(
        "a container that does not run as root",
        0.05,
        "Dockerfile: end with USER and a uid other than 0",
    ),
    "container.image": Item(
        "an image named by version or digest where it is deployed",
        0.05,
        "name the image by digest in the manifest or by commit in the workflow",
    ),
    "cicd.build": Item(
        "a CI workflow that builds the image",
        0.1,
        CI_FIX,
    ),
    "cicd.deploy": Item(
        "a CI workflow that deploys",
        0.1,
        CI_FIX,
    ),
    "rollback.path": Item(
        "a way back to the previous version",
        0.1,
        "docs/deployment.md: write down the commands that roll back",
    ),
    "advanced.strategy": Item(
        "a canary or blue-green strategy",
        0.1,
        "use a canary or blue-green strategy, so that few requests meet a bad version",
        Severity.MINOR,
    ),
    "health.readiness": Item("a readiness probe", 0.05, PROBES_FIX),
    "health.liveness": Item("a liveness probe", 0.05, PROBES_FIX, Severity.MINOR),
}


@dataclass(frozen=True)
class Gathered:
    """What was found for each item, what is wrong elsewhere, what could not be read."""

    found: Mapping[str, tuple[Evidence, ...]]
    defects: tuple[Defect, ...] = ()
    unreadable: tuple[Evidence, ...] = ()
    remarks: tuple[Evidence, ...] = ()  # looked for, worth no points
    places: Mapping[str, str] = field(default_factory=dict)  # where to add what is missing


class Deployment:
    """The check; see the module's text."""

    name = NAME
    title = "Deployment"
    settings: type[Any] = Settings
    needs = Needs.TREE
    items: Mapping[str, float] = {
        "strategy": 0.3,
        "container": 0.2,
        "cicd": 0.2,
        "rollback": 0.1,
        "advanced": 0.1,
        "health": 0.1,
    }
    rules = (*ITEMS, "defect.*", "risk", "versions", "infrastructure", "drill", "unreadable")

    def collect(self, context: Context) -> Gathered:
        """Reads manifests, Dockerfiles, workflows, pages and lock files."""
        kubernetes = manifests.collect(context.repository)
        docker = dockerfiles.collect(context.repository)
        ci = commands.collect(context.repository)
        pages = list(documents.sections(context.repository))
        return Gathered(
            found=release.facts(kubernetes, docker, ci, pages),
            defects=release.defects(context, kubernetes, docker),
            unreadable=kubernetes.unreadable + ci.unreadable,
            remarks=tuple(release.remarks(context, pages)),
            places=_where_to_add(kubernetes, docker),
        )

    def judge(self, evidence: Gathered, config: Config) -> Verdict:
        """Gives each item's points once, by the best that was found."""
        settings: Settings = config.of(self)
        lost = {name for name in ITEMS if not evidence.found.get(name)}
        reasons = {
            EXPLAINS[defect.item]: defect
            for defect in reversed(evidence.defects)
            if EXPLAINS.get(defect.item) in lost
        }
        findings = [
            item_finding(
                f"{NAME}.{name}",
                item,
                evidence.found.get(name, ()),
                config,
                reasons.get(name) or evidence.places.get(name),
            )
            for name, item in ITEMS.items()
        ]
        told = list(reasons.values())
        findings += [defect_finding(NAME, d) for d in evidence.defects if not _is_in(d, told)]
        findings += [remark_finding(NAME, remark) for remark in evidence.remarks]
        findings += [unreadable_finding(NAME, each) for each in evidence.unreadable]
        if settings.risk == "high" and not evidence.found.get("advanced.strategy"):
            findings.append(_risk_finding(evidence))
        return verdict(NAME, findings, settings, _message(evidence, findings))


CHECK = Deployment()


def _where_to_add(kubernetes: Manifests, docker: tuple[Dockerfile, ...]) -> dict[str, str]:
    places = {}
    if kubernetes.workloads:
        path = kubernetes.workloads[0].path
        names = ("strategy.any", "strategy.stated", "advanced.strategy", "container.image")
        places = dict.fromkeys((*names, "health.readiness", "health.liveness"), path)
    if docker:
        places |= dict.fromkeys(("container.base", "container.user"), docker[0].path)
    return places


def _is_in(defect: Defect, told: list[Defect]) -> bool:
    return any(defect is each for each in told)


def _risk_finding(evidence: Gathered) -> Finding:
    place = evidence.places.get("advanced.strategy", "k8s/")
    return Finding(
        f"{NAME}.risk",
        Grade.MISSING,
        Severity.MAJOR,
        "the risk is stated as high, and every request meets a new version at once",
        recommendation=f"{place}: {ITEMS['advanced.strategy'].fix}",
    )


def _message(evidence: Gathered, findings: list[Finding]) -> str:
    strategies = [*evidence.found.get("advanced.strategy", ())]
    strategies += evidence.found.get("strategy.any", ())
    said = strategies[0].why if strategies else "no deployment strategy"
    return f"{said}; {missing(findings, len(ITEMS))}"
