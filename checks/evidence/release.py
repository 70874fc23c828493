"""What the tree says about how a version is released: facts by item, defects, remarks.

Used by the deployment check. It turns what the readers of manifests, Dockerfiles, workflows, pages
and lock files found into evidence under the items' names; it gives no points.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from checks.evidence import dependencies, dockerfiles, documents, manifests, unpinned
from checks.report import Evidence, Location, Severity, State

if TYPE_CHECKING:
    from collections.abc import Iterator

    from checks.check import Context
    from checks.evidence.commands import Commands
    from checks.evidence.dockerfiles import Dockerfile
    from checks.evidence.documents import Section
    from checks.evidence.manifests import Manifests, Workload

Found = dict[str, tuple[Evidence, ...]]
NOT_ROLLING = frozenset({"Recreate", "OnDelete"})


@dataclass(frozen=True)
class Defect:
    """Something found that should not be: it gives no points and takes none."""

    item: str
    severity: Severity
    message: str
    where: Location | None
    fix: str


def facts(
    kubernetes: Manifests, docker: tuple[Dockerfile, ...], ci: Commands, pages: list[Section]
) -> Found:
    """Evidence under the deployment check's item names, best first."""
    found: dict[str, list[Evidence]] = {}
    for workload in kubernetes.workloads:
        if workload.valid:
            for name, evidence in _from_workload(workload):
                found.setdefault(name, []).append(evidence)
    for name, places, what in (
        ("container.image", ci.pinned_image, "named by commit"),
        ("rollback.path", ci.roll_back, "rolled back by the workflow"),
        ("rollback.path", documents.roll_back_sections(pages), "written down"),
        ("cicd.build", ci.build, "built here"),
        ("cicd.deploy", ci.deploy, "deployed here"),
    ):
        found.setdefault(name, []).extend(_found(where, what) for where in places)
    return {name: tuple(each) for name, each in found.items()} | _from_dockerfiles(docker)


def defects(
    context: Context, kubernetes: Manifests, docker: tuple[Dockerfile, ...]
) -> tuple[Defect, ...]:
    """What is there and should not be."""
    model = context.runs.model
    return (
        *_workload_defects(kubernetes),
        *_docker_defects(docker),
        *_digest_defects(kubernetes, model.path, model.digest),
        *_version_defects(context),
        *_unpinned_defects(context),
        *_route_defects(kubernetes),
    )


def _found(where: Location, what: str) -> Evidence:
    return Evidence("found", State.FOUND, what, where)


def _short(image: str) -> str:
    name, at, digest = image.partition("@")
    return f"{name[:100]}{at}{digest[:15]}{'…' if len(digest) > 15 else ''}"


def _from_workload(workload: Workload) -> Iterator[tuple[str, Evidence]]:
    strategy = workload.strategy
    if strategy is not None and strategy.name not in NOT_ROLLING:
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
        if probe != "startup":
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
            yield _defect("base", where, sentence, "name the base image by a version or digest")
        elif not each.base_is_pinned:
            sentence = f"{each.path} builds on {each.base}, which names no version"
            yield _defect("base", where, sentence, "name the base image by a version or digest")
        if each.runs_as_root:
            said = f"USER {each.user}" if each.user else "no USER instruction"
            where = Location(each.path, each.user_line or each.base_line)
            sentence = f"{each.path} runs as root ({said})"
            yield _defect("root", where, sentence, "end with USER and a uid other than 0")


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


def _unpinned_defects(context: Context) -> Iterator[Defect]:
    for each in unpinned.collect(context.repository):
        names = ", ".join(each.packages[:5])
        names += f" and {len(each.packages) - 5} more" if len(each.packages) > 5 else ""
        sentence = f"{each.dockerfile} installs {names} in whatever version is newest"
        fix = "fix every version (pip-compile or uv pip compile make a lock file)"
        yield _defect("unpinned", each.where, sentence, fix)


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


def remarks(context: Context, pages: list[Section]) -> Iterator[Evidence]:
    """What is looked for without points."""
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
