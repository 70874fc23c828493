"""A pod's volumes as folders on this machine, to be bound into its containers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.testbed.kubelet.environment import ConfigError, data_of, field_value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

Json = dict[str, Any]


class Volumes:
    """Makes the volumes of one pod below `folder`.

    `lookup(kind, name)` finds ConfigMaps and Secrets, `token(source)` asks for a ServiceAccount's
    token as a projected volume describes it.
    """

    def __init__(
        self,
        pod: Json,
        folder: Path,
        addresses: Mapping[str, str],
        lookup: Callable[[str, str], Json | None],
        token: Callable[[Json], str],
    ) -> None:
        self._pod = pod
        self._folder = folder
        self._addresses = addresses
        self._lookup = lookup
        self._token = token

    def mounts(self, container: Json) -> list[Json]:
        """What `container` mounts: source, target, read_only. Raises ConfigError."""
        volumes = {volume["name"]: volume for volume in self._pod["spec"].get("volumes", [])}
        result = []
        for mount in container.get("volumeMounts", []):
            volume = volumes[mount["name"]]
            source = self._made(volume) / str(mount.get("subPath", ""))
            read_only = mount.get("readOnly", False) or "emptyDir" not in volume
            target = mount["mountPath"]
            result.append({"source": str(source), "target": target, "read_only": read_only})
        return result

    def _made(self, volume: Json) -> Path:
        folder = self._folder / str(volume["name"])
        if not folder.exists():
            files = self._files(volume)
            folder.mkdir(parents=True)
            for path, content in files.items():
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).write_bytes(content)
        return folder

    def _files(self, volume: Json) -> dict[str, bytes]:
        if "emptyDir" in volume:
            return {}
        if "configMap" in volume:
            return self._of("ConfigMap", volume["configMap"], volume["configMap"]["name"])
        if "secret" in volume:
            return self._of("Secret", volume["secret"], volume["secret"]["secretName"])
        if "downwardAPI" in volume:
            return self._fields(volume["downwardAPI"])
        if "projected" in volume:
            return self._projected(volume["projected"])
        kinds = sorted(set(volume) - {"name"})
        raise ConfigError(f"The testbed's kubelet has no volumes of kind {', '.join(kinds)}.")

    def _of(self, kind: str, source: Json, name: str) -> dict[str, bytes]:
        found = self._lookup(kind, name)
        if found is None:
            if source.get("optional"):
                return {}
            raise ConfigError(f'{kind.lower()} "{name}" not found')
        data = data_of(kind, found)
        if "items" not in source:
            return data
        return {item["path"]: data[item["key"]] for item in source["items"]}

    def _fields(self, source: Json) -> dict[str, bytes]:
        return {
            item["path"]: self._field(item["fieldRef"]["fieldPath"]).encode()
            for item in source.get("items", [])
        }

    def _field(self, path: str) -> str:
        whole = path.removeprefix("metadata.")
        if whole in ("labels", "annotations"):
            pairs = sorted(self._pod["metadata"].get(whole, {}).items())
            return "\n".join(f'{key}="{value}"' for key, value in pairs)
        return field_value(self._pod, path, self._addresses)

    def _projected(self, volume: Json) -> dict[str, bytes]:
        files: dict[str, bytes] = {}
        for source in volume.get("sources", []):
            if "serviceAccountToken" in source:
                wanted = source["serviceAccountToken"]
                files[wanted["path"]] = self._token(wanted).encode()
            elif "configMap" in source:
                part = source["configMap"]
                files.update(self._of("ConfigMap", part, part["name"]))
            elif "secret" in source:
                part = source["secret"]
                files.update(self._of("Secret", part, part["name"]))
            elif "downwardAPI" in source:
                files.update(self._fields(source["downwardAPI"]))
        return files
