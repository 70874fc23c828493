"""What carries more load: replicas, autoscalers, entries, disruption budgets, caches, batches.

Used by the scalability check. Manifests say how many and where; the code says whether answers are
kept and whether many rows are predicted at once. An autoscaler, budget, Service or route that
means nothing of this tree is a defect, not evidence.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from checks.evidence import references
from checks.evidence.python_code import NETWORK
from checks.evidence.release import Defect
from checks.evidence.repository import FileError
from checks.report import Evidence, Location, Severity, State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from checks.evidence.manifests import KubernetesObject, Manifests
    from checks.evidence.python_code import Module
    from checks.evidence.repository import Repository
    from checks.yaml_nodes import Node

Item = tuple[str, Evidence | Defect]
SCALABLE = ("Deployment", "StatefulSet", "ReplicaSet", "Rollout", "InferenceService")
ROUTES = frozenset({"Ingress", "HTTPRoute", "GRPCRoute", "VirtualService"})
DISTRIBUTED = re.compile(
    r"tritonserver|torchserve|tensorflow/serving|vllm|text-generation-inference|rayproject/ray"
    r"|seldonio/mlserver|sglang",
    re.IGNORECASE,
)
_SERVING = frozenset(
    {
        *(
            "http",
            "fastapi",
            "flask",
            "starlette",
            "aiohttp",
            "tornado",
            "falcon",
            "sanic",
            "quart",
        ),
        *("bentoml", "litserve", "grpc", "django", "litestar", "ray", "kserve", "mlserver"),
    }
)
_CACHES = frozenset(
    {"redis", "pymemcache", "memcache", "cachetools", "aiocache", "diskcache", "fastapi_cache"}
)
_KEPT = re.compile(r"predict|infer|score|embed|feature|encode|classif|rank|answer", re.IGNORECASE)
_PREDICT = frozenset({"predict", "predict_proba", "decision_function", "predict_on_batch", "run"})
_ROWS = re.compile(r"^(?:rows|batch|instances|inputs|records|samples|items|requests|texts)$")
_LOCAL_ROWS = re.compile(r"^(?:rows|batch|instances|records|samples)$")
_MANY = frozenset({"list", "List", "Sequence", "Iterable", "tuple", "DataFrame", "ndarray"})
_BATCHED = frozenset({"ray.serve.batch", "bentoml.api", "bentoml.batch", "litserve.LitServer"})


def from_manifests(kubernetes: Manifests) -> Iterator[Item]:
    """What each object gives, under the scalability check's item names."""
    valid = {(w.path, w.kind, w.name): w.valid for w in kubernetes.workloads}
    for each in kubernetes.objects:
        reader = _READERS.get(each.kind)
        if reader is not None and valid.get((each.path, each.kind, each.name), True):
            yield from reader(each, kubernetes)
    for workload in kubernetes.workloads:
        for image, line in workload.images:
            if DISTRIBUTED.search(image):
                yield "distributed.serving", _found(workload.at(line), f"{workload.name}: {image}")


def from_code(modules: Sequence[Module]) -> Iterator[Item]:
    """What the code gives outside its tests: caches, batches, serving on several machines."""
    for module in modules:
        if module.is_test:
            continue
        roots = {dotted.partition(".")[0] for dotted in module.names.values()}
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call):
                yield from _call(module, node)
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield from _function(module, node, serving=bool(roots & _SERVING))


def from_triton(repository: Repository) -> Iterator[Item]:
    """Triton's model configurations that batch requests."""
    for file in repository.matching("config.pbtxt"):
        try:
            lines = repository.read_text(file.path).splitlines()
        except FileError:
            continue
        for number, line in enumerate(lines, start=1):
            if re.match(r"\s*dynamic_batching\b", line):
                yield (
                    "batching.code",
                    _found(Location(file.path, number), "Triton batches requests"),
                )


def _found(where: Location, what: str) -> Evidence:
    return Evidence("found", State.FOUND, what, where)


def _broken(item: str, each: KubernetesObject, line: int, sentence: str) -> Defect:
    where = Location(each.path, line)
    named = "a Service" if item == "route" else "something"
    fix = f"{each.path}: name {named} that exists"
    return Defect(item, Severity.MAJOR, f"{each.kind} {each.name} {sentence}", where, fix)


def _at(each: KubernetesObject, *path: str) -> Location:
    return Location(each.path, each.node.line_of(*path))


def _whole(node: Node | None) -> int:
    value = node.scalar if node is not None else None
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _workload(each: KubernetesObject, _kubernetes: Manifests) -> Iterator[Item]:
    count = _whole(each.node.get("spec", "replicas"))
    said = f"{each.kind} {each.name}"
    if count > 1:
        yield "horizontal.replicas", _found(_at(each, "spec", "replicas"), f"{count} of {said}")
    pod = each.node.get("spec", "template", "spec")
    containers = pod.get("containers") if pod is not None else None
    holders = [*containers.elements()] if containers is not None else []
    if each.kind == "ModelDeployment":
        holders = [each.node.get("spec") or each.node]
    if holders and all(_bounded(holder) for holder in holders):
        line = holders[0].line_of("resources")
        yield "horizontal.resources", _found(Location(each.path, line), said)
    for path in (("topologySpreadConstraints",), ("affinity", "podAntiAffinity")):
        if pod is not None and pod.get(*path) is not None:
            yield "horizontal.spread", _found(Location(each.path, pod.line_of(*path)), said)
    if each.kind == "ModelDeployment":
        # Its controller gives each revision a Service of its own and a stable one of its name.
        yield "balancing.entry", _found(_at(each, "spec"), f"the Services of {said}")


def _bounded(container: Node) -> bool:
    """Requests, which the scheduler and autoscalers count with, and a limit of memory."""
    requests, limits = (container.get("resources", key) for key in ("requests", "limits"))
    asked = requests is not None and (requests.get("cpu") or requests.get("memory"))
    return bool(asked) and limits is not None and limits.get("memory") is not None


def _autoscaler(each: KubernetesObject, kubernetes: Manifests) -> Iterator[Item]:
    """A HorizontalPodAutoscaler or KEDA ScaledObject."""
    path = ("spec", "scaleTargetRef")
    kind = each.node.string(*path, "kind") or "Deployment"
    name = each.node.string(*path, "name") or ""
    line = each.node.line_of(*path)
    if kind not in SCALABLE or name not in kubernetes.names(kind):
        yield "autoscaling.scaler", _broken("autoscaler", each, line, f"scales {kind} {name}, "
                                            "which is not here or cannot be scaled")  # fmt: skip
        return
    said = f"{each.kind} {each.name} scales {kind} {name}"
    yield "autoscaling.scaler", _found(Location(each.path, line), said)
    for key in ("minReplicas", "minReplicaCount"):
        if _whole(each.node.get("spec", key)) > 1:
            yield "horizontal.replicas", _found(_at(each, "spec", key), said)


def _service(each: KubernetesObject, kubernetes: Manifests) -> Iterator[Item]:
    wanted = references.texts(each.node.get("spec", "selector"))
    line = each.node.line_of("spec", "selector")
    if not wanted:
        return  # an alias or an external name: it balances nothing by itself
    if each.name in references.live_services(kubernetes):
        said = f"Service {each.name}"
        yield "balancing.entry", _found(Location(each.path, line), said)
    elif kubernetes.workloads:
        yield "balancing.entry", _broken("service", each, line, "selects no pod of this tree")


def _route(each: KubernetesObject, kubernetes: Manifests) -> Iterator[Item]:
    """The deployment check says it of an HTTPRoute; here the others are said too."""
    known = references.service_names(kubernetes)
    live = references.live_services(kubernetes)
    for name, line in references.backends(each):
        if name in live:
            said = f"{each.kind} {each.name} to {name}"
            yield "balancing.entry", _found(Location(each.path, line), said)
        elif known and name not in known:
            sentence = f"points at the Service {name}, which is not here"
            yield "balancing.entry", _broken("route", each, line, sentence)


def _budget(each: KubernetesObject, kubernetes: Manifests) -> Iterator[Item]:
    line = each.node.line_of("spec", "selector")
    if references.selects(each.node.get("spec", "selector"), references.pods(kubernetes)):
        said = f"PodDisruptionBudget {each.name}"
        yield "horizontal.disruption", _found(Location(each.path, line), said)
    else:
        yield "horizontal.disruption", _broken("budget", each, line, "selects no pod of this tree")


def _inference_service(each: KubernetesObject, _kubernetes: Manifests) -> Iterator[Item]:
    """KServe serves, balances and scales by itself."""
    said = f"InferenceService {each.name}"
    predictor = ("spec", "predictor")
    yield "distributed.serving", _found(_at(each, *predictor), said)
    yield "balancing.entry", _found(_at(each, *predictor), said)
    if _whole(each.node.get(*predictor, "minReplicas")) > 1:
        yield "horizontal.replicas", _found(_at(each, *predictor, "minReplicas"), said)
    if _whole(each.node.get(*predictor, "maxReplicas")) > 1:
        yield "autoscaling.scaler", _found(_at(each, *predictor, "maxReplicas"), said)
    if each.node.get(*predictor, "batcher") is not None:
        yield "batching.code", _found(_at(each, *predictor, "batcher"), said)


def _distributed(each: KubernetesObject, _kubernetes: Manifests) -> Iterator[Item]:
    said = f"{each.kind} {each.name}"
    yield "distributed.serving", _found(_at(each, "kind"), said)


_READERS: dict[str, Callable[[KubernetesObject, Manifests], Iterator[Item]]] = {
    **dict.fromkeys(("Deployment", "StatefulSet", "Rollout", "ModelDeployment"), _workload),
    **dict.fromkeys(("HorizontalPodAutoscaler", "ScaledObject"), _autoscaler),
    **dict.fromkeys(ROUTES, _route),
    **dict.fromkeys(("RayService", "SeldonDeployment", "LeaderWorkerSet"), _distributed),
    "Service": _service,
    "PodDisruptionBudget": _budget,
    "InferenceService": _inference_service,
}


def _call(module: Module, call: ast.Call) -> Iterator[Item]:
    dotted = module.dotted(call.func)
    where = Location(module.path, call.lineno)
    if dotted.partition(".")[0] in _CACHES:
        yield "caching.code", _found(where, dotted)
    if dotted == "ray.serve.run":
        yield "distributed.serving", _found(where, dotted)
    given = {word.arg: word.value for word in call.keywords}
    most = given.get("max_batch_size")
    batches = isinstance(most, ast.Constant) and isinstance(most.value, int) and most.value > 1
    asked = given.get("batchable")
    batchable = isinstance(asked, ast.Constant) and asked.value is True
    if dotted in _BATCHED and (dotted == "ray.serve.batch" or batches or batchable):
        yield "batching.code", _found(where, dotted)


Function = ast.FunctionDef | ast.AsyncFunctionDef


def _function(module: Module, function: Function, *, serving: bool) -> Iterator[Item]:
    where = Location(module.path, function.lineno)
    for decorator in function.decorator_list:
        inner = decorator.func if isinstance(decorator, ast.Call) else decorator
        dotted = module.dotted(inner)
        if dotted == "ray.serve.batch" and inner is decorator:
            yield "batching.code", _found(where, dotted)
        # What is kept must be an answer: a cached configuration carries no load.
        if dotted in {"functools.lru_cache", "functools.cache"} and _KEPT.search(function.name):
            yield "caching.code", _found(where, f"{function.name}() keeps its answers")
    if serving and (rows := _predicts_many(function)):
        yield "batching.code", _found(where, f"{function.name}() predicts all {rows} at once")


def _predicts_many(function: Function) -> str:
    """The argument that holds many rows and is given to the model whole, or ""."""
    arguments = function.args
    many = {
        each.arg
        for each in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        if _holds_many(each)
    }
    origin = {name: name for name in many}
    nodes = list(ast.walk(function))
    for node in nodes:
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            _follow(node.targets[0], node.value, origin)
    for node in nodes:
        asked = node.args if isinstance(node, ast.Call) and _asks_the_model(node.func) else []
        if named := sorted(origin[name] for name in _names(*asked) if name in origin):
            return named[0]
    return ""


def _follow(target: ast.expr, value: ast.expr, origin: dict[str, str]) -> None:
    """A name that is made of many rows holds them, and so does one that is called like them."""
    if not isinstance(target, ast.Name) or isinstance(value, ast.Subscript):  # one of them
        return
    known = [origin[name] for name in _names(value) if name in origin]
    if known:
        origin[target.id] = known[0]
    elif _LOCAL_ROWS.match(target.id) and isinstance(value, ast.Call):
        origin[target.id] = target.id


def _names(*nodes: ast.AST) -> list[str]:
    return [each.id for node in nodes for each in ast.walk(node) if isinstance(each, ast.Name)]


def _asks_the_model(called: ast.expr) -> bool:
    """A method that predicts, or a network that is called by its name."""
    if isinstance(called, ast.Attribute) and called.attr in _PREDICT:
        return True
    name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
    return NETWORK.match(name) is not None


def _holds_many(argument: ast.arg) -> bool:
    """By its annotation; by its name only where there is none."""
    kind = argument.annotation
    if kind is None:
        return _ROWS.match(argument.arg) is not None
    if isinstance(kind, ast.Subscript):
        kind = kind.value
    name = kind.attr if isinstance(kind, ast.Attribute) else getattr(kind, "id", "")
    return name in _MANY
