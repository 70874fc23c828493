"""What Kubernetes manifests show about protection, and what they open that should stay shut.

Used by the security check. Kinds are those of Kubernetes, Gateway API, Istio, Envoy Gateway and
cert-manager; a kind that is not in the table says nothing here. The rules for pods are those of the
Pod Security Standards (baseline: host access, privileged; restricted: runAsNonRoot) and of the
CIS benchmark (default service account's token). It gives no points.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from checks.evidence.release import Defect
from checks.evidence.secrets import PLACEHOLDER
from checks.report import Evidence, Location, Severity, State

if TYPE_CHECKING:
    from checks.evidence.manifests import KubernetesObject, Manifests
    from checks.evidence.protection import Found
    from checks.yaml_nodes import Node

POD_AT: dict[str, tuple[str, ...]] = {
    "Pod": ("spec",),
    "CronJob": ("spec", "jobTemplate", "spec", "template", "spec"),
    "InferenceService": ("spec", "predictor"),
    **dict.fromkeys(
        ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "Rollout",
         "ModelDeployment"),
        ("spec", "template", "spec"),
    ),
}  # fmt: skip
BINDINGS = ("RoleBinding", "ClusterRoleBinding")
HOST = ("hostNetwork", "hostPID", "hostIPC")
CAPABILITIES = frozenset({"ALL", "SYS_ADMIN", "NET_ADMIN", "SYS_PTRACE", "SYS_MODULE", "BPF"})
AUTH_ANNOTATIONS = ("auth-url", "auth-type", "auth-tls-secret", "auth-signin")


def facts(found: Manifests) -> Iterator[Found]:
    """Evidence by item."""
    for each in found.objects:
        for item, what, line in _KINDS.get(each.kind, _nothing)(each):
            said = f"{what} in {each.kind} {each.name}"
            yield item, Evidence(item, State.FOUND, said, Location(each.path, line))


def defects(found: Manifests) -> Iterator[Defect]:
    """What is open and should not be."""
    for each in found.objects:
        if each.kind in POD_AT:
            pod = each.node.get(*POD_AT[each.kind])
            if pod is not None and (pod.get("containers") or each.kind != "InferenceService"):
                yield from _pod(each, pod)
        elif each.kind in {"Role", "ClusterRole"}:
            yield from _rules(each)
        elif each.kind == "Secret" and each.group == "":
            yield from _secret(each)
        elif each.kind in BINDINGS and each.node.string("roleRef", "name") == "cluster-admin":
            line = each.node.line_of("roleRef", "name")
            yield _defect(each, line, "rbac", "gives all rights (cluster-admin)",
                          "bind a role with the rights that are needed")  # fmt: skip


def _pod(each: KubernetesObject, pod: Node) -> Iterator[Defect]:
    for key in HOST:
        if _is_true(pod.get(key)):
            yield _defect(each, pod.line_of(key), "host", f"sets {key}", f"remove {key}")
    for volume in _elements(pod, "volumes"):
        if volume.get("hostPath") is not None:
            line = volume.line_of("hostPath")
            yield _defect(each, line, "host", "mounts a hostPath", "use another kind of volume")
    contexts = [pod.get("securityContext")]
    for key in ("containers", "initContainers"):
        for container in _elements(pod, key):
            context = container.get("securityContext")
            contexts.append(context)
            if context is not None:
                yield from _context(each, context)
    if not any(_is_true(context.get("runAsNonRoot")) for context in contexts if context):
        yield _defect(each, each.node.line_of("kind"), "root", "may run as root",
                      "set securityContext.runAsNonRoot: true", Severity.MINOR)  # fmt: skip
    token = pod.get("automountServiceAccountToken")
    if not pod.string("serviceAccountName") and (token is None or _is_true(token)):
        line = pod.line_of("automountServiceAccountToken") if token else each.node.line_of("kind")
        yield _defect(each, line, "token", "carries the default service account's token",
                      "set automountServiceAccountToken: false", Severity.MINOR)  # fmt: skip


def _context(each: KubernetesObject, context: Node) -> Iterator[Defect]:
    for key in ("privileged", "allowPrivilegeEscalation"):
        if _is_true(context.get(key)):
            yield _defect(each, context.line_of(key), "privileged", f"sets {key}", f"remove {key}")
    if context.string("runAsUser") == "0":
        line = context.line_of("runAsUser")
        yield _defect(each, line, "root", "runs as user 0", "run as another user")
    for capability in _elements(context.get("capabilities"), "add"):
        if (capability.text or "").removeprefix("CAP_") in CAPABILITIES:
            said = f"adds the capability {(capability.text or '')[:40]}"
            yield _defect(each, capability.line, "privileged", said, "remove it")


def _secret(each: KubernetesObject) -> Iterator[Defect]:
    """A Secret whose values lie in the tree; one that is filled in later has placeholders."""
    for part in ("stringData", "data"):
        values = each.node.get(part)
        for key, value in values.items() if values is not None else ():
            text = value.text or ""
            if text and not PLACEHOLDER.search(text if part == "stringData" else _decoded(text)):
                what = f"carries the value of {key[:80]} for everybody to read"
                fix = "replace the value where it is used, and keep it out of the tree"
                yield _defect(each, value.line, "secret", what, fix)
                return


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode("utf-8", "replace")
    except ValueError:
        return text


def _rules(each: KubernetesObject) -> Iterator[Defect]:
    for rule in _elements(each.node, "rules"):
        texts = {key: {n.text for n in _elements(rule, key)} for key in ("verbs", "resources")}
        if all("*" in text for text in texts.values()):
            yield _defect(each, rule.line, "rbac", "gives every right on everything",
                          "name the verbs and resources that are needed")  # fmt: skip


def _defect(  # noqa: PLR0913, PLR0917 - a place, three words and how bad it is
    each: KubernetesObject, line: int, item: str, what: str, fix: str,
    severity: Severity = Severity.MAJOR,
) -> Defect:  # fmt: skip
    where = Location(each.path, line)
    return Defect(item, severity, f"{each.kind} {each.name} {what}", where, f"{each.path}: {fix}")


Fact = tuple[str, str, int]  # item, what, line


def _nothing(_each: KubernetesObject) -> Iterator[Fact]:
    yield from ()


def _network_policy(each: KubernetesObject) -> Iterator[Fact]:
    if each.node.get("spec", "podSelector") is not None:
        yield "authorisation", "who may connect", each.node.line_of("spec", "podSelector")


def _binding(each: KubernetesObject) -> Iterator[Fact]:
    name = each.node.string("roleRef", "name")
    if name and name != "cluster-admin" and list(_elements(each.node, "subjects")):
        yield "authorisation", f"the role {name[:80]}", each.node.line_of("roleRef")


def _authorisation_policy(each: KubernetesObject) -> Iterator[Fact]:
    if each.node.get("spec") is not None:
        line = each.node.line_of("spec", "rules")
        yield "authorisation", "rules about who may call", line
        if any(node.get("requestPrincipals") for node in each.node.walk()):
            yield "authentication", "callers with a valid token", line


def _request_authentication(each: KubernetesObject) -> Iterator[Fact]:
    if list(_elements(each.node.get("spec"), "jwtRules")):
        yield "authentication", "JWT", each.node.line_of("spec", "jwtRules")


def _peer_authentication(each: KubernetesObject) -> Iterator[Fact]:
    if each.node.string("spec", "mtls", "mode") == "STRICT":
        line = each.node.line_of("spec", "mtls", "mode")
        yield "authentication", "mutual TLS", line
        yield "encryption", "mutual TLS", line


def _security_policy(each: KubernetesObject) -> Iterator[Fact]:
    for key in ("jwt", "oidc", "basicAuth", "apiKeyAuth", "extAuth"):
        if each.node.get("spec", key) is not None:
            yield "authentication", key, each.node.line_of("spec", key)
    if each.node.get("spec", "authorization") is not None:
        yield "authorisation", "rules", each.node.line_of("spec", "authorization")


def _gateway(each: KubernetesObject) -> Iterator[Fact]:
    for listener in _elements(each.node.get("spec"), "listeners"):
        if listener.string("protocol") in {"HTTPS", "TLS"} and listener.get("tls") is not None:
            yield "encryption", "TLS", listener.line_of("tls")
    for server in _elements(each.node.get("spec"), "servers"):
        mode = server.string("tls", "mode")
        if mode:
            yield "encryption", "TLS", server.line_of("tls", "mode")
            if mode == "MUTUAL":
                yield "authentication", "mutual TLS", server.line_of("tls", "mode")


def _ingress(each: KubernetesObject) -> Iterator[Fact]:
    if list(_elements(each.node.get("spec"), "tls")):
        yield "encryption", "TLS", each.node.line_of("spec", "tls")
    annotations = each.node.get("metadata", "annotations")
    for key, value in annotations.items() if annotations is not None else ():
        if key.rpartition("/")[2] in AUTH_ANNOTATIONS and value.text:
            yield "authentication", key[:100], value.line


def _certificate(each: KubernetesObject) -> Iterator[Fact]:
    if each.node.string("spec", "secretName"):
        yield "encryption", "a certificate", each.node.line_of("spec", "secretName")


def _storage_class(each: KubernetesObject) -> Iterator[Fact]:
    if _is_true(each.node.get("parameters", "encrypted")):
        yield "encryption", "encrypted volumes", each.node.line_of("parameters", "encrypted")


_KINDS: dict[str, Callable[[KubernetesObject], Iterator[Fact]]] = {
    "NetworkPolicy": _network_policy,
    "CiliumNetworkPolicy": _authorisation_policy,
    "RoleBinding": _binding,
    "ClusterRoleBinding": _binding,
    "AuthorizationPolicy": _authorisation_policy,
    "RequestAuthentication": _request_authentication,
    "PeerAuthentication": _peer_authentication,
    "SecurityPolicy": _security_policy,
    "Gateway": _gateway,
    "Ingress": _ingress,
    "Certificate": _certificate,
    "StorageClass": _storage_class,
}


def _is_true(node: Node | None) -> bool:
    return node is not None and (node.text or "").lower() in {"true", "yes", "on"}


def _elements(node: Node | None, key: str) -> Iterator[Node]:
    found = node.get(key) if node is not None else None
    if found is not None:
        yield from found.elements()
