"""Images are what their digests say, in the layout, from the registry and in a pod."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

import pytest

from tests.testbed.oci import MANIFEST, CorruptBlobError, ImageStore, digest_of
from tests.testbed.registry import Registry
from tests.testbed.unpack import UnsupportedImageError, unpack

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILES = {"/app/serve.py": b"print('hello')", "/app/model/weights.bin": bytes(range(256))}


@pytest.fixture
def store(tmp_path: Path) -> ImageStore:
    return ImageStore(tmp_path / "layout")


@pytest.fixture
def served(store: ImageStore) -> Iterator[Registry]:
    with Registry(store) as started:
        yield started


def fetch(registry: Registry, path: str, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
    request = urllib.request.Request(f"http://{registry.address}{path}", method=method)
    try:
        with urllib.request.urlopen(request, timeout=5) as response:
            return response.status, dict(response.headers), response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers), error.read()


def test_the_same_files_give_the_same_digest(store: ImageStore, tmp_path: Path) -> None:
    again = ImageStore(tmp_path / "again").build(dict(reversed(FILES.items())))
    assert store.build(FILES) == again
    assert store.build({**FILES, "/app/serve.py": b"print('hullo')"}) != again


def test_the_registry_serves_what_the_layout_holds(store: ImageStore, served: Registry) -> None:
    digest = store.build(FILES, labels={"org.opencontainers.image.revision": "abc"})
    served.tag("acme/lending", "v1", digest)
    for reference in ("v1", digest):
        status, headers, body = fetch(served, f"/v2/acme/lending/manifests/{reference}")
        assert status == 200
        assert headers["Docker-Content-Digest"] == digest == digest_of(body)
        assert headers["Content-Type"] == MANIFEST
    manifest = json.loads(body)
    for blob in (manifest["config"], *manifest["layers"]):
        status, headers, content = fetch(served, f"/v2/acme/lending/blobs/{blob['digest']}")
        assert (status, digest_of(content), len(content)) == (200, blob["digest"], blob["size"])
    assert store.config(digest)["config"]["Labels"] == {"org.opencontainers.image.revision": "abc"}
    assert fetch(served, "/v2/")[0] == 200
    assert json.loads(fetch(served, "/v2/acme/lending/tags/list")[2])["tags"] == ["v1"]


def test_a_head_request_tells_size_and_digest_without_a_body(
    store: ImageStore, served: Registry
) -> None:
    digest = store.build(FILES)
    status, headers, body = fetch(served, f"/v2/a/manifests/{digest}", "HEAD")
    assert (status, body) == (200, b"")
    assert headers["Docker-Content-Digest"] == digest
    assert int(headers["Content-Length"]) == len(store.blob(digest))


def test_what_is_not_there_is_a_404_with_a_reason(served: Registry) -> None:
    status, _, body = fetch(served, "/v2/acme/lending/manifests/none")
    assert (status, json.loads(body)["errors"][0]["code"]) == (404, "MANIFEST_UNKNOWN")
    missing = "sha256:" + "0" * 64
    status, _, body = fetch(served, f"/v2/acme/lending/blobs/{missing}")
    assert (status, json.loads(body)["errors"][0]["code"]) == (404, "BLOB_UNKNOWN")
    assert fetch(served, "/v2/x/blobs/uploads/", "POST")[0] == 405


def test_unpacking_gives_the_files_back_layer_over_layer(store: ImageStore, tmp_path: Path) -> None:
    upper = {"/app/serve.py": b"new", "/app/model/.wh.weights.bin": b""}
    unpack(store, store.build([FILES, upper]), tmp_path / "root")
    files = {p.relative_to(tmp_path / "root").as_posix(): p for p in tmp_path.rglob("root/**/*")}
    assert {name for name, path in files.items() if path.is_file()} == {"app/serve.py"}
    assert files["app/serve.py"].read_bytes() == b"new"


def test_a_changed_blob_is_refused(store: ImageStore, tmp_path: Path) -> None:
    digest = store.build(FILES)
    layer = store.manifest(digest)["layers"][0]["digest"].removeprefix("sha256:")
    path = store.folder / "blobs" / "sha256" / layer
    path.write_bytes(path.read_bytes() + b"more")
    with pytest.raises(CorruptBlobError, match="was changed"):
        unpack(store, digest, tmp_path / "root")


def test_files_in_the_machines_own_folders_are_refused(store: ImageStore, tmp_path: Path) -> None:
    digest = store.build({"/usr/lib/own.so": b""})
    with pytest.raises(UnsupportedImageError, match="below another folder"):
        unpack(store, digest, tmp_path / "root")
