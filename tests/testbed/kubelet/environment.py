"""A container's environment and command line, from the pod, its image and what they refer to."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Json = dict[str, Any]

_REFERENCE = re.compile(r"\$(\$|\(([A-Za-z_.-][\w.-]*)\))")
_KEYED_FIELD = re.compile(r"^metadata\.(labels|annotations)\['(.+)'\]$")


class ConfigError(ValueError):
    """The pod refers to something that is not there; a kubelet waits and tries again."""


def expand(text: str, env: Mapping[str, str]) -> str:
    """Replace `$(NAME)` by its value; unknown names stay, `$$` becomes `$`."""

    def replace(found: re.Match[str]) -> str:
        if found[1] == "$":
            return "$"
        return env.get(found[2], found[0])

    return _REFERENCE.sub(replace, text)


def field_value(pod: Json, path: str, addresses: Mapping[str, str]) -> str:
    """What the downward API gives for `fieldPath: path`. Raises ConfigError for unknown paths."""
    keyed = _KEYED_FIELD.match(path)
    if keyed:
        return str(pod["metadata"].get(keyed[1], {}).get(keyed[2], ""))
    if path in addresses:
        return addresses[path]
    head, _, name = path.partition(".")
    known = {"metadata": ("name", "namespace", "uid"), "spec": ("nodeName", "serviceAccountName")}
    if name not in known.get(head, ()):
        raise ConfigError(f"The testbed's kubelet knows no field {path}.")
    return str(pod[head].get(name, ""))


def data_of(kind: str, found: Json) -> dict[str, bytes]:
    """The keys of a ConfigMap or a Secret, as bytes."""
    data: Mapping[str, str] = found.get("data") or {}
    if kind == "Secret":
        return {key: base64.b64decode(value) for key, value in data.items()}
    return {key: value.encode() for key, value in data.items()}


class Environment:
    """Resolves environments of one pod's containers.

    `addresses` holds `status.podIP` and its like; `lookup(kind, name)` finds ConfigMaps and
    Secrets of the pod's namespace.
    """

    def __init__(
        self, pod: Json, addresses: Mapping[str, str], lookup: Callable[[str, str], Json | None]
    ) -> None:
        self._pod = pod
        self._addresses = addresses
        self._lookup = lookup

    def of(self, container: Json, base: Mapping[str, str]) -> dict[str, str]:
        """`base` (from node and image), then envFrom, then env. Raises ConfigError."""
        env = dict(base)
        for source in container.get("envFrom", []):
            env.update(self._whole(source))
        for variable in container.get("env", []):
            value = self._value(variable, env)
            if value is not None:
                env[variable["name"]] = value
        return env

    def _required(self, kind: str, reference: Json) -> dict[str, bytes] | None:
        found = self._lookup(kind, reference["name"])
        if found is not None:
            return data_of(kind, found)
        if reference.get("optional"):
            return None
        raise ConfigError(f'{kind.lower()} "{reference["name"]}" not found')

    def _whole(self, source: Json) -> dict[str, str]:
        kind = "ConfigMap" if "configMapRef" in source else "Secret"
        reference = source.get("configMapRef") or source["secretRef"]
        data = self._required(kind, reference) or {}
        return {source.get("prefix", "") + key: value.decode() for key, value in data.items()}

    def _value(self, variable: Json, env: Mapping[str, str]) -> str | None:
        source = variable.get("valueFrom")
        if not source:
            return expand(variable.get("value", ""), env)
        if "fieldRef" in source:
            return field_value(self._pod, source["fieldRef"]["fieldPath"], self._addresses)
        for field, kind in (("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")):
            if field in source:
                return self._key(kind, source[field])
        raise ConfigError(f"The testbed's kubelet cannot fill {variable['name']} from {source}.")

    def _key(self, kind: str, reference: Json) -> str | None:
        data = self._required(kind, reference)
        if data is not None and reference["key"] in data:
            return data[reference["key"]].decode()
        if reference.get("optional"):
            return None
        raise ConfigError(f"couldn't find key {reference['key']} in {kind} {reference['name']}")


def command_line(container: Json, image_config: Json, env: Mapping[str, str]) -> list[str]:
    """The pod's command and args over the image's Entrypoint and Cmd. Raises ConfigError."""
    command = container.get("command")
    args = container.get("args")
    if not command:
        command = image_config.get("Entrypoint") or []
        args = args or image_config.get("Cmd")
    words = [expand(word, env) for word in [*command, *(args or [])]]
    if not words:
        raise ConfigError("no command specified: neither the pod nor its image says what to run")
    return words
