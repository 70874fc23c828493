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

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from checks.config import share
from checks.evidence import commands, dependencies, dockerfiles, documents, manifests
from checks.report import Evidence, Finding, Grade, Location, Severity, State, Verdict
from checks.scoring import declared, verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from checks.check import Context
    from checks.config import Config
    from checks.evidence.dockerfiles import Dockerfile
    from checks.evidence.manifests import Manifests, Workload

NAME = "deployment"


@dataclass(frozen=True)
class Settings:
    """`risk` is how much a bad answer costs; high asks for a canary or blue-green strategy."""

    risk: Literal["low", "medium", "high"] = "medium"
    passed_at: float = share(0.7)
    critical_below: float = share(0.5)


@dataclass(frozen=True)
class Item:
    """Something that gives points: what it is called, its worth, and what to do without it."""

    title: str
    worth: float
    fix: str
    severity: Severity = Severity.MAJOR


# "<declarable item>.<part>": the parts of an item share its declaration.
ITEMS: Mapping[str, Item] = {
    "strategy.any": Item(
        "a manifest that says how a new version replaces the old one",
        0.15,
        "k8s/: add a manifest that deploys the model (see examples/lending/k8s)",
    ),
    "strategy.stated": Item(
        "a deployment strategy that is stated",
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
        "a container that does not run as root", 0.05, "Dockerfile: end with USER and a uid"
    ),
    "container.image": Item(
        "an image named by version or digest where it is deployed",
        0.05,
        "name the image by digest in the manifest or by commit in the workflow",
    ),
    "cicd.build": Item(
        "a CI workflow that builds the image",
        0.1,
        ".github/workflows/: add a workflow that builds the image",
    ),
    "cicd.deploy": Item(
        "a CI workflow that deploys",
        0.1,
        ".github/workflows/: add a job that deploys what was built",
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
    "health.readiness": Item(
        "a readiness probe", 0.05, "add a readiness probe, or requests meet a loading model"
    ),
    "health.liveness": Item(
        "a liveness probe", 0.05, "add a liveness probe, or a hung process stays", Severity.MINOR
    ),
}


@dataclass(frozen=True)
class Defect:
    """Something found that should not be: it gives no points and takes none."""

    item: str
    severity: Severity
    message: str
    where: Location | None
    fix: str


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
    items: Mapping[str, float] = {
        "strategy": 0.3,
        "container": 0.2,
        "cicd": 0.2,
        "rollback": 0.1,
        "advanced": 0.1,
        "health": 0.1,
    }

    def collect(self, context: Context) -> Gathered:
        """Reads manifests, Dockerfiles, workflows, pages and lock files."""
        repository = context.repository
        kubernetes = manifests.collect(repository)
        docker = dockerfiles.collect(repository)
        ci = commands.collect(repository)
        pages = list(documents.sections(repository))
        model = context.runs.model
        found = {
            **_from_manifests(kubernetes),
            **_from_dockerfiles(docker),
            "cicd.build": _places(ci.build, "built here"),
            "cicd.deploy": _places(ci.deploy, "deployed here"),
        }
        found["container.image"] += _places(ci.pinned_image, "named by commit")
        found["rollback.path"] += _places(ci.roll_back, "rolled back by the workflow")
        found["rollback.path"] += _places(documents.roll_back_sections(pages), "written down")
        defects = [
            *_workload_defects(kubernetes),
            *_docker_defects(docker),
            *_digest_defects(kubernetes, model.path, model.digest),
            *_version_defects(context),
            *_route_defects(kubernetes),
        ]
        return Gathered(
            found=found,
            defects=tuple(defects),
            unreadable=kubernetes.unreadable + ci.unreadable,
            remarks=tuple(_remarks(context, pages)),
            places=_where_to_add(kubernetes, docker),
        )

    def judge(self, evidence: Gathered, config: Config) -> Verdict:
        """Gives each item's points once, by the best that was found."""
        settings: Settings = config.of(self)
        findings = [_item_finding(name, evidence, config) for name in ITEMS]
        findings += [_defect_finding(defect) for defect in evidence.defects]
        findings += [_remark_finding(remark) for remark in evidence.remarks]
        findings += [_unreadable_finding(each) for each in evidence.unreadable]
        if settings.risk == "high" and not evidence.found.get("advanced.strategy"):
            findings.append(_risk_finding(evidence))
        result = verdict(NAME, findings, settings, "")
        return replace(result, message=_message(evidence, findings))


CHECK = Deployment()


def _found(where: Location, what: str) -> Evidence:
    return Evidence("found", State.FOUND, what, where)


def _places(locations: tuple[Location, ...], what: str) -> tuple[Evidence, ...]:
    return tuple(_found(where, what) for where in locations)


def _short(image: str) -> str:
    name, at, digest = image.partition("@")
    return f"{name[:100]}{at}{digest[:15]}{'…' if len(digest) > 15 else ''}"


def _from_manifests(kubernetes: Manifests) -> dict[str, tuple[Evidence, ...]]:
    found: dict[str, list[Evidence]] = {name: [] for name in ITEMS}
    for workload in kubernetes.workloads:
        if workload.valid:
            for name, evidence in _from_workload(workload):
                found[name].append(evidence)
    return {name: tuple(each) for name, each in found.items()}


def _from_workload(workload: Workload) -> Iterator[tuple[str, Evidence]]:
    strategy = workload.strategy
    if strategy is not None and strategy.name not in {"Recreate", "OnDelete"}:
        said = f"{strategy.name} in {workload.kind} {workload.name}"
        at = workload.at(strategy.line)
        default = "" if strategy.stated else ", Kubernetes' default"
        yield "strategy.any", _found(at, said + default)
        if strategy.stated:
            yield "strategy.stated", _found(at, said)
        if strategy.name in manifests.ADVANCED:
            yield "advanced.strategy", _found(at, said)
    for image, line in workload.images:
        if not dockerfiles.is_latest(image):
            yield (
                "container.image",
                _found(workload.at(line), f"{workload.name} runs {_short(image)}"),
            )
    for probe, line in workload.probes:
        if f"health.{probe}" in ITEMS:
            what = f"{workload.kind} {workload.name}"
            yield f"health.{probe}", _found(workload.at(line), what)
    if workload.analysis_line is not None:
        what = f"{workload.kind} {workload.name} takes a bad version back by itself"
        yield "rollback.path", _found(workload.at(workload.analysis_line), what)


def _from_dockerfiles(found: tuple[Dockerfile, ...]) -> dict[str, tuple[Evidence, ...]]:
    """By the best Dockerfile as a whole: half of one and half of another make no good image."""
    if not found:
        return {}
    best = max(found, key=lambda d: (d.base_is_pinned + (not d.runs_as_root), d.path))
    result: dict[str, tuple[Evidence, ...]] = {}
    result["container.dockerfile"] = (_found(Location(best.path, best.base_line), best.path),)
    if best.base_is_pinned:
        result["container.base"] = (_found(Location(best.path, best.base_line), best.base),)
    if not best.runs_as_root:
        line = best.user_line or best.base_line
        result["container.user"] = (_found(Location(best.path, line), best.user or best.base),)
    return result


def _workload_defects(kubernetes: Manifests) -> Iterator[Defect]:
    for workload in kubernetes.workloads:
        for sentence, line in workload.problems:
            yield _defect("manifest", workload.at(line), sentence, "make the manifest valid")
        for image, line in workload.images:
            if dockerfiles.is_latest(image):
                sentence = f"{workload.kind} {workload.name} runs {_short(image)}, which floats"
                yield _defect("latest", workload.at(line), sentence, "name the image by digest")
        kinds = {probe for probe, _ in workload.probes}
        if workload.images and not kinds:
            sentence = f"{workload.kind} {workload.name} has no probes"
            fix = "add readiness and liveness probes"
            yield _defect("probes", workload.at(workload.line), sentence, fix)
        strategy = workload.strategy
        if strategy is not None and strategy.name == "Recreate":
            sentence = f"{workload.kind} {workload.name} stops serving while it is replaced"
            fix = "use a rolling, canary or blue-green strategy"
            yield _defect("recreate", workload.at(strategy.line), sentence, fix)


def _docker_defects(found: tuple[Dockerfile, ...]) -> Iterator[Defect]:
    for each in found:
        where = Location(each.path, each.base_line)
        if dockerfiles.is_latest(each.base):
            sentence = f"{each.path} builds on {each.base}, which floats"
            yield _defect("latest", where, sentence, "name the base by a version or digest")
        elif not each.base_is_pinned:
            sentence = f"{each.path} builds on {each.base}, which names no version"
            yield _defect("base", where, sentence, "name the base by a version or digest")
        if each.runs_as_root:
            said = f"USER {each.user}" if each.user else "no USER instruction"
            where = Location(each.path, each.user_line or each.base_line)
            sentence = f"{each.path} runs as root ({said})"
            yield _defect("root", where, sentence, "end with USER and a uid above 0")


def _digest_defects(kubernetes: Manifests, path: str, digest: str) -> Iterator[Defect]:
    for workload in kubernetes.workloads:
        if workload.model_digest is not None and workload.model_digest[0] != digest:
            named, line = workload.model_digest
            sentence = f"{workload.name} is for the model {named[:19]}…, judged is {digest[:19]}…"
            fix = f"write the digest of {path} into the manifest"
            yield _defect("digest", workload.at(line), sentence, fix)


def _version_defects(context: Context) -> Iterator[Defect]:
    for package, version in dependencies.trained_with(context.runs.model.payload).items():
        for pin in dependencies.pins(context.repository, package):
            if pin.version != version:
                sentence = (
                    f"the model was saved by {package} {version}, {pin.version} will serve it"
                )
                fix = f"train and serve with the same {package}"
                yield _defect("versions", pin.where, sentence, fix)


def _route_defects(kubernetes: Manifests) -> Iterator[Defect]:
    services = kubernetes.names("Service") | kubernetes.names("ModelDeployment")
    for each in kubernetes.objects:
        if each.kind != "HTTPRoute" or not services:
            continue
        for node in each.node.walk():
            backends = node.get("backendRefs")
            for backend in backends.elements() if backends is not None else ():
                name = backend.string("name")
                if name and name not in services and not backend.string("namespace"):
                    sentence = (
                        f"HTTPRoute {each.name} points at the Service {name}, which is not here"
                    )
                    where = Location(each.path, backend.line)
                    yield _defect("route", where, sentence, "name a Service that exists")


def _defect(item: str, where: Location, sentence: str, fix: str) -> Defect:
    return Defect(item, Severity.MAJOR, sentence, where, f"{where.path}: {fix}")


def _remarks(context: Context, pages: list[documents.Section]) -> Iterator[Evidence]:
    for package, version in dependencies.trained_with(context.runs.model.payload).items():
        pins = dependencies.pins(context.repository, package)
        if not pins:
            why = f"the model was saved by {package} {version}; no lock file says what serves it"
            yield Evidence("versions", State.ABSENT, why)
        elif all(pin.version == version for pin in pins):
            why = f"{package} {version} saved the model and will serve it"
            yield Evidence("versions", State.FOUND, why, pins[0].where)
    code = list(context.repository.matching("*.tf", "kustomization.yaml", "Chart.yaml"))
    code += list(context.repository.matching("Pulumi.yaml", "k8s/*.yaml", "k8s/*.yml"))
    yield _remark("infrastructure", "infrastructure as code", [Location(f.path) for f in code])
    drills = documents.drill_records(pages)
    yield _remark("drill", "a dated record that a rollback was tried", list(drills))


def _remark(item: str, what: str, places: list[Location]) -> Evidence:
    if places:
        return Evidence(item, State.FOUND, what, places[0])
    return Evidence(item, State.ABSENT, f"not found: {what}")


def _where_to_add(kubernetes: Manifests, docker: tuple[Dockerfile, ...]) -> dict[str, str]:
    places = {}
    if kubernetes.workloads:
        path = kubernetes.workloads[0].path
        names = ("strategy.any", "strategy.stated", "advanced.strategy", "container.image")
        places = dict.fromkeys((*names, "health.readiness", "health.liveness"), path)
    if docker:
        places |= dict.fromkeys(("container.base", "container.user"), docker[0].path)
    return places


def _item_finding(name: str, evidence: Gathered, config: Config) -> Finding:
    item, rule = ITEMS[name], f"{NAME}.{name}"
    found = [each for each in evidence.found.get(name, ()) if each.state is State.FOUND]
    if found:
        message = f"{item.title}: {found[0].why}"
        worth, where = item.worth, found[0].where
        return Finding(rule, Grade.FOUND, Severity.INFO, message, worth, worth, where)
    declaration = config.declared(f"{NAME}.{name.partition('.')[0]}")
    if declaration is not None:
        return declared(rule, item.worth, declaration)
    place = evidence.places.get(name)
    fix = f"{place}: {item.fix.rpartition(': ')[2]}" if place else item.fix
    where = Location(place) if place else None
    message = f"not found: {item.title}"
    return Finding(rule, Grade.MISSING, item.severity, message, item.worth, 0.0, where, fix)


def _defect_finding(defect: Defect) -> Finding:
    rule = f"{NAME}.defect.{defect.item}"
    return Finding(
        rule, Grade.FOUND, defect.severity, defect.message, where=defect.where,
        recommendation=defect.fix,
    )  # fmt: skip


def _remark_finding(remark: Evidence) -> Finding:
    grade = Grade.FOUND if remark.state is State.FOUND else Grade.MISSING
    return Finding(f"{NAME}.{remark.item}", grade, Severity.INFO, remark.why, where=remark.where)


def _unreadable_finding(each: Evidence) -> Finding:
    rule, message = f"{NAME}.unreadable", f"unreadable: {each.why}"
    return Finding(rule, Grade.MISSING, Severity.MINOR, message, where=each.where)


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
    missing = [f for f in findings if f.worth and f.grade is Grade.MISSING]
    said = strategies[0].why if strategies else "no deployment strategy"
    return f"{said}; {len(missing)} of {len(ITEMS)} items missing"
