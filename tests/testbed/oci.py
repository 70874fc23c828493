"""An OCI image layout on disk: images made from a few files, found and unpacked by digest."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import tarfile
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
_REF_NAME = "org.opencontainers.image.ref.name"
_EXECUTABLE_MAGIC = b"#!"

Json = dict[str, Any]


class UnknownImageError(LookupError):
    """The layout holds no such digest or tag."""


class CorruptBlobError(ValueError):
    """A blob's bytes are not those that its digest names."""


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _layer(files: Mapping[str, bytes]) -> bytes:
    """A tar of `files` with nothing in it that differs between two runs or two machines."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for path in sorted(files):
            entry = tarfile.TarInfo(path.lstrip("/"))
            entry.size = len(files[path])
            entry.mode = 0o755 if files[path].startswith(_EXECUTABLE_MAGIC) else 0o644
            tar.addfile(entry, io.BytesIO(files[path]))
    return target.getvalue()


class ImageStore:
    """The layout in `folder`, with what it holds already. Tags belong to repository names."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._blobs = folder / "blobs" / "sha256"
        self._blobs.mkdir(parents=True, exist_ok=True)
        (folder / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
        self._tags: dict[tuple[str, str], str] = {}
        for entry in self._index()["manifests"]:
            repository, _, tag = entry.get("annotations", {}).get(_REF_NAME, "").rpartition(":")
            if repository:
                self._tags[repository, tag] = entry["digest"]

    def add_blob(self, content: bytes) -> str:
        """Store bytes; returns their digest."""
        digest = digest_of(content)
        path = self._blobs / digest.removeprefix("sha256:")
        if not path.exists():
            unfinished = path.with_suffix(f".{os.getpid()}")
            unfinished.write_bytes(content)
            unfinished.rename(path)
        return digest

    def blob(self, digest: str) -> bytes:
        """The bytes named `digest`. Raises UnknownImageError or CorruptBlobError."""
        path = self._blobs / digest.removeprefix("sha256:")
        # The name comes from a pod or from a client of the registry: no way out of the folder.
        if "/" in digest or not digest.startswith("sha256:") or not path.is_file():
            raise UnknownImageError(f"The image layout {self.folder} holds no {digest}.")
        content = path.read_bytes()
        if digest_of(content) != digest:
            raise CorruptBlobError(f"{path} was changed: its bytes are {digest_of(content)}.")
        return content

    def _add_json(self, content: Json) -> tuple[str, int]:
        encoded = json.dumps(content, sort_keys=True, separators=(",", ":")).encode()
        return self.add_blob(encoded), len(encoded)

    def build(
        self,
        files: Mapping[str, bytes] | Sequence[Mapping[str, bytes]],
        *,
        command: Sequence[str] = (),
        entrypoint: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        labels: Mapping[str, str] | None = None,
        workdir: str = "/",
        annotations: Mapping[str, str] | None = None,
    ) -> str:
        """Make an image and return its manifest's digest; the same input gives the same digest.

        `files` maps absolute paths to contents; a sequence of such maps makes one layer of each.
        Files that begin with `#!` become executable.
        """
        layers = [files] if isinstance(files, Mapping) else list(files)
        tars = [_layer(layer) for layer in layers]
        config, config_size = self._add_json(
            {
                "architecture": "amd64",
                "os": "linux",
                "config": {
                    "Cmd": list(command),
                    **({"Entrypoint": list(entrypoint)} if entrypoint else {}),
                    "Env": [f"{name}={value}" for name, value in sorted((env or {}).items())],
                    "Labels": dict(labels or {}),
                    "WorkingDir": workdir,
                },
                "rootfs": {"type": "layers", "diff_ids": [digest_of(tar) for tar in tars]},
            }
        )
        compressed = [gzip.compress(tar, mtime=0) for tar in tars]
        manifest: Json = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {"mediaType": CONFIG, "digest": config, "size": config_size},
            "layers": [
                {"mediaType": LAYER, "digest": self.add_blob(blob), "size": len(blob)}
                for blob in compressed
            ],
        }
        if annotations:
            manifest["annotations"] = dict(annotations)
        digest, size = self._add_json(manifest)
        self._list_in_index(digest, size)
        return digest

    def tag(self, repository: str, tag: str, digest: str) -> None:
        """Let `repository:tag` name `digest` from now on."""
        size = len(self.blob(digest))
        self._tags[repository, tag] = digest
        self._list_in_index(digest, size, f"{repository}:{tag}")

    def tagged(self, repository: str, tag: str) -> str:
        """The digest that `repository:tag` names. Raises UnknownImageError."""
        try:
            return self._tags[repository, tag]
        except KeyError:
            raise UnknownImageError(f"There is no tag {tag} of {repository}.") from None

    def tags(self, repository: str) -> list[str]:
        return sorted(tag for name, tag in self._tags if name == repository)

    def manifest(self, digest: str) -> Json:
        content: Json = json.loads(self.blob(digest))
        return content

    def config(self, digest: str) -> Json:
        """The image configuration (`architecture`, `config`, `rootfs`) of a manifest."""
        content: Json = json.loads(self.blob(self.manifest(digest)["config"]["digest"]))
        return content

    def _index(self) -> Json:
        path = self.folder / "index.json"
        empty: Json = {"schemaVersion": 2, "mediaType": INDEX, "manifests": []}
        found: Json = json.loads(path.read_text()) if path.exists() else empty
        return found

    def _list_in_index(self, digest: str, size: int, name: str | None = None) -> None:
        index = self._index()
        entry: Json = {"mediaType": MANIFEST, "digest": digest, "size": size}
        if name:
            entry["annotations"] = {_REF_NAME: name}
            index["manifests"] = [
                other
                for other in index["manifests"]
                if other.get("annotations", {}).get(_REF_NAME) != name
            ]
        if entry not in index["manifests"]:
            index["manifests"].append(entry)
        (self.folder / "index.json").write_text(json.dumps(index, indent=1, sort_keys=True))
