"""What the objects of a tree mean by each other: selectors, targets and backends that exist.

Used by the monitoring and scalability checks. A Service that selects no pod, an autoscaler of
nothing and a monitor of no Service do nothing in a cluster; here they are found out. Namespaces
are not compared, because they are often filled in when the manifests are applied.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from checks.evidence.manifests import KubernetesObject, Manifests
    from checks.yaml_nodes import Node

Labels = dict[str, str]
MODEL_DEPLOYMENT_LABEL = "holdpoint.dev/model-deployment"
TEMPLATED = frozenset({"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Rollout"})
_BACKENDS = ("backendRefs", "backend", "defaultBackend", "destination")


def pods(kubernetes: Manifests) -> list[Labels]:
    """The labels of the pods that the tree's workloads make."""
    found = []
    for each in kubernetes.objects:
        labels = texts(each.node.get("spec", "template", "metadata", "labels"))
        if each.kind == "ModelDeployment":
            found.append({**labels, MODEL_DEPLOYMENT_LABEL: each.name})
        elif each.kind in TEMPLATED:
            found.append(labels)
        elif each.kind == "InferenceService":
            found.append({"serving.kserve.io/inferenceservice": each.name})
    return found


def services(kubernetes: Manifests) -> list[Labels]:
    """The labels of the tree's Services; a ModelDeployment makes one of its name."""
    found = []
    for each in kubernetes.objects:
        if each.kind == "Service" and each.group == "":
            found.append(texts(each.node.get("metadata", "labels")))
        elif each.kind == "ModelDeployment":
            found.append({MODEL_DEPLOYMENT_LABEL: each.name})
    return found


def service_names(kubernetes: Manifests) -> frozenset[str]:
    """The Services that a route can name."""
    made = kubernetes.names("ModelDeployment") | kubernetes.names("InferenceService")
    return kubernetes.names("Service") | made


def live_services(kubernetes: Manifests) -> frozenset[str]:
    """The Services that lead to pods of this tree."""
    made = pods(kubernetes)
    selecting = {
        each.name
        for each in kubernetes.objects
        if each.kind == "Service"
        and (wanted := texts(each.node.get("spec", "selector")))
        and any(wanted.items() <= labels.items() for labels in made)
    }
    others = kubernetes.names("ModelDeployment") | kubernetes.names("InferenceService")
    return others | selecting


def selects(selector: Node | None, labels: list[Labels]) -> bool:
    """Whether a label selector picks any of these; an empty one picks all, a missing one none."""
    if selector is None:
        return False
    return any(_matches(selector, each) for each in labels)


def texts(node: Node | None) -> Labels:
    """The scalar entries of a mapping."""
    if node is None:
        return {}
    return {key: value.text for key, value in node.items() if value.text is not None}


def backends(each: KubernetesObject) -> Iterator[tuple[str, int]]:
    """The Services that an Ingress, a route or a VirtualService sends requests to, with lines."""
    for node in each.node.walk():
        for key in _BACKENDS:
            found = node.get(key)
            for backend in [found, *found.elements()] if found is not None else []:
                name = (
                    backend.string("service", "name")
                    or backend.string("serviceName")
                    or backend.string("host")
                    or backend.string("name")
                )
                other = backend.string("kind") or "Service"
                if name and other == "Service" and not backend.string("namespace"):
                    yield name.partition(".")[0], backend.line


def _matches(selector: Node, labels: Labels) -> bool:
    wanted = texts(selector.get("matchLabels"))
    if any(labels.get(key) != value for key, value in wanted.items()):
        return False
    expressions = selector.get("matchExpressions")
    return all(
        _holds(expression, labels)
        for expression in (expressions.elements() if expressions is not None else ())
    )


def _holds(expression: Node, labels: Labels) -> bool:
    key, operator = expression.string("key") or "", expression.string("operator")
    listed = expression.get("values")
    values = {value.text for value in listed.elements()} if listed is not None else set()
    return {
        "In": labels.get(key) in values,
        "NotIn": labels.get(key) not in values,
        "Exists": key in labels,
        "DoesNotExist": key not in labels,
    }.get(operator or "", False)
