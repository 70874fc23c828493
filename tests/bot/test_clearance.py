"""The whole gate over real HTTP: a GitHub that remembers and an image registry."""

from __future__ import annotations

import gzip
import hashlib
import json
import threading
from contextlib import closing
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from bot.clearance import Clearances
from bot.github import GitHub
from bot.refusals import Refusal, Refused
from bot.registry import Registry as RegistryEdge
from tests.bot.samples import MODEL, MODEL_DIGEST, NOW, RECORD, SETTINGS, SHA, TARGET, check_run
from tests.fakes.github import FakeGitHub, Fault
from tests.testbed.oci import INDEX, LAYER, MANIFEST, ImageStore
from tests.testbed.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from bot.gate import Clearance
    from bot.settings import Settings, Target

TOKEN = "ghs_reader"
NAME = "acme/lending"
FILES = {"/app/serve.py": b"serve", TARGET.model_path: MODEL}


class Room:
    """The fakes, the settings that point at them, and the gate on top."""

    def __init__(self, github: FakeGitHub, store: ImageStore, registry: Registry) -> None:
        self.github, self.store, self.registry = github, store, registry
        self.target: Target = replace(TARGET, image=f"{registry.address}/{NAME}")
        self.settings: Settings = replace(
            SETTINGS,
            github_api=github.url,
            github_app_id=github.app("holdpoint").id,
            targets={"lending": self.target},
            insecure_registries=frozenset({registry.address}),
        )

    def judge(self, **changes: Any) -> None:
        """Leaves a check run on SHA."""
        made: dict[str, Any] = {
            "app": "holdpoint",
            "external_id": RECORD.report_digest,
            "text": check_run().text,
        }
        self.github.add_check_run(NAME, SHA, **{**made, **changes})

    def push(self, *layers: dict[str, bytes], **more: Any) -> str:
        """Builds the image of SHA; its digest."""
        digest = self.store.build(list(layers) or FILES, **more)
        self.registry.tag(NAME, SHA, digest)
        return digest

    def obtain(self, commit: str | None = None) -> Clearance:
        """Asks the gate, with fresh edges."""
        registry = RegistryEdge(self.settings.insecure_registries)
        with closing(GitHub(self.settings, TOKEN)) as github:
            return Clearances(self.settings, github, registry).obtain(self.target, commit, NOW)

    def refusal(self, commit: str | None = None) -> Refusal:
        """The code it refuses with."""
        with pytest.raises(Refused) as caught:
            self.obtain(commit)
        assert caught.value.denial.rule
        assert caught.value.denial.who
        assert caught.value.denial.then
        return caught.value.denial.code


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    store = ImageStore(tmp_path / "images")
    with FakeGitHub() as github, Registry(store) as registry:
        github.add_repository(NAME)
        github.add_commit(NAME, SHA, branch="main")
        held = {"checks": "read", "contents": "read"}
        github.add_token(TOKEN, app="holdpoint", permissions=held)
        yield Room(github, store, registry)


def test_a_judged_image_is_cleared(room: Room) -> None:
    room.judge()
    digest = room.push()
    for commit in (None, SHA, SHA[:7]):
        clearance = room.obtain(commit)
        assert clearance.commit == SHA
        assert clearance.image.reference == f"{room.target.image}@{digest}"
        assert clearance.model_digest == MODEL_DIGEST
        assert clearance.evidence()["imageDigest"] == digest


def test_what_was_never_judged_is_refused(room: Room) -> None:
    room.push()
    assert room.refusal() is Refusal.NOT_JUDGED


def test_h4_another_apps_green_check_is_not_accepted(room: Room) -> None:
    room.push()
    room.judge(app="github-actions")
    assert room.refusal() is Refusal.CHECK_FROM_OTHER_APP
    room.judge(conclusion="failure", text="No.", external_id="")
    assert room.refusal() is Refusal.NOT_READY


def test_an_unfinished_check_is_waited_for(room: Room) -> None:
    room.push()
    room.judge(conclusion=None, text=None)
    assert room.refusal() is Refusal.CHECK_NOT_FINISHED


@pytest.mark.parametrize("commit", ["fffffff", "f" * 40])
def test_an_unknown_commit_is_refused(room: Room, commit: str) -> None:
    assert room.refusal(commit) is Refusal.COMMIT_NOT_FOUND


def test_h5_a_branch_that_looks_like_a_commit_is_none(room: Room) -> None:
    room.judge()
    room.push()
    room.github.add_commit(NAME, SHA, branch="deadbeef")
    assert room.refusal("deadbeef") is Refusal.COMMIT_NOT_FOUND


def test_h5_a_moved_branch_means_its_new_head_and_nothing_judged_before(room: Room) -> None:
    room.judge()
    room.push()
    room.github.add_commit(NAME, "9" * 40, branch="main", parents=(SHA,))
    assert room.refusal() is Refusal.NOT_JUDGED
    assert room.obtain(SHA).commit == SHA


def test_a_repository_that_the_token_cannot_see_is_refused(room: Room) -> None:
    room.target = replace(room.target, repository="acme/other")
    assert room.refusal() is Refusal.COMMIT_NOT_FOUND


def test_a_missing_image_is_refused(room: Room) -> None:
    room.judge()
    assert room.refusal() is Refusal.IMAGE_NOT_FOUND


def test_a_model_that_was_not_judged_is_refused_whatever_the_labels_say(room: Room) -> None:
    room.judge()
    room.push(
        {**FILES, TARGET.model_path: b"another model"},
        labels={"org.opencontainers.image.revision": SHA, "model-digest": MODEL_DIGEST},
        annotations={"holdpoint.dev/model-digest": MODEL_DIGEST},
    )
    assert room.refusal() is Refusal.MODEL_NOT_JUDGED


def test_h5_an_overwritten_tag_is_looked_into_again(room: Room) -> None:
    room.judge()
    room.push()
    room.obtain()
    room.push({TARGET.model_path: b"swapped afterwards"})
    assert room.refusal() is Refusal.MODEL_NOT_JUDGED


def test_a_judged_model_under_another_layer_does_not_count(room: Room) -> None:
    room.judge()
    room.push(FILES, {TARGET.model_path: b"swapped"})
    assert room.refusal() is Refusal.MODEL_NOT_JUDGED
    room.push(FILES, {"/model/.wh.model.joblib": b""})
    assert room.refusal() is Refusal.MODEL_NOT_IN_IMAGE


# Manifests and blobs as a registry may send them


def document(room: Room, content: dict[str, Any]) -> str:
    digest = room.store.add_blob(json.dumps(content).encode())
    room.registry.tag(NAME, SHA, digest)
    return digest


def test_an_index_is_resolved_to_its_linux_amd64_image(room: Room) -> None:
    room.judge()
    image = room.push()
    other = room.store.build({TARGET.model_path: b"for another machine"})
    entries = [
        {"digest": other, "platform": {"os": "linux", "architecture": "arm64"}},
        {"digest": image, "platform": {"os": "linux", "architecture": "amd64"}},
    ]
    document(room, {"mediaType": INDEX, "manifests": entries})
    assert room.obtain().image.digest == image
    document(room, {"mediaType": INDEX, "manifests": entries[:1]})
    assert room.refusal() is Refusal.IMAGE_UNREADABLE


@pytest.mark.parametrize(
    "change",
    [
        {"mediaType": "application/vnd.example+json"},
        {"layers": []},
        {"layers": "none"},
        {"layers": [{"mediaType": LAYER + "+zstd", "digest": MODEL_DIGEST}]},
        {"layers": [{"mediaType": LAYER, "digest": "../../etc/passwd"}]},
        {"layers": [{"mediaType": LAYER}]},
        {"manifests": []},
    ],
)
def test_a_manifest_that_is_not_plain_is_refused(room: Room, change: dict[str, Any]) -> None:
    room.judge()
    manifest = room.store.manifest(room.push())
    document(room, {**manifest, **change})
    assert room.refusal() is Refusal.IMAGE_UNREADABLE


def test_a_layer_that_is_no_gzip_or_no_tar_is_refused(room: Room) -> None:
    room.judge()
    manifest = room.store.manifest(room.push())
    for blob in (b"not gzip", gzip.compress(b"not tar" * 500), gzip.compress(MODEL)[:-3]):
        layer = {"mediaType": LAYER, "digest": room.store.add_blob(blob)}
        document(room, {**manifest, "layers": [layer]})
        assert room.refusal() is Refusal.IMAGE_UNREADABLE


class LyingRegistry:
    """Answers each path with what it was given, digests notwithstanding."""

    def __init__(self, answer: Callable[[str, dict[str, str]], tuple[int, dict[str, str], bytes]]):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, headers, body = answer(self.path, dict(self.headers.items()))
                self.send_response(status)
                for key, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(key, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> LyingRegistry:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def edge(registry: LyingRegistry) -> Any:
    reader = RegistryEdge(frozenset({registry.address}))
    return reader.image(f"{registry.address}/{NAME}", SHA, TARGET.model_path)


def code_of(registry: LyingRegistry) -> Refusal:
    with pytest.raises(Refused) as caught:
        edge(registry)
    return caught.value.denial.code


def stored(room: Room, path: str) -> tuple[int, dict[str, str], bytes]:
    """As an honest registry would answer."""
    what, reference = path.rsplit("/", 2)[1:]
    digest = reference if ":" in reference else room.store.tagged(NAME, reference)
    kind = MANIFEST if what == "manifests" else "application/octet-stream"
    return 200, {"Content-Type": kind}, room.store.blob(digest)


def test_a_layer_that_is_not_what_its_digest_says_is_refused(room: Room) -> None:
    room.push({TARGET.model_path: b"evil"})
    evil = room.store.manifest(room.store.tagged(NAME, SHA))["layers"][0]["digest"]
    room.push()
    with LyingRegistry(lambda path, _: stored(room, path)) as honest:
        assert edge(honest).model_digest == MODEL_DIGEST

    def swap(path: str, _: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        return (200, {}, room.store.blob(evil)) if "/blobs/" in path else stored(room, path)

    with LyingRegistry(swap) as lying:
        assert code_of(lying) is Refusal.IMAGE_UNREADABLE


def test_a_manifest_that_is_not_what_its_digest_says_is_refused(room: Room) -> None:
    room.push()
    claimed = {"Docker-Content-Digest": "sha256:" + "0" * 64}

    def lie(path: str, _: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        status, headers, body = stored(room, path)
        return status, headers | claimed, body

    with LyingRegistry(lie) as lying:
        assert code_of(lying) is Refusal.IMAGE_UNREADABLE


def test_an_endless_manifest_and_a_broken_registry_are_bounded(room: Room) -> None:
    room.push()
    with LyingRegistry(lambda *_: (200, {"Content-Type": MANIFEST}, b" " * (5 << 20))) as lying:
        assert code_of(lying) is Refusal.IMAGE_UNREADABLE
    with LyingRegistry(lambda *_: (503, {}, b"")) as broken:
        assert code_of(broken) is Refusal.REGISTRY_UNAVAILABLE
    assert code_of(broken) is Refusal.REGISTRY_UNAVAILABLE  # it does not even listen any more


def test_a_public_registry_hands_out_a_token_first(room: Room) -> None:
    room.push()
    asked = []

    def guarded(path: str, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        if path.startswith("/token"):
            asked.append(path)
            return 200, {}, b'{"token": "anonymous"}'
        if headers.get("Authorization") == "Bearer anonymous":
            return stored(room, path)
        realm = f'Bearer realm="http://{registry.address}/token",service="r",scope="pull"'
        return 401, {"WWW-Authenticate": realm}, b""

    with LyingRegistry(guarded) as registry:
        assert edge(registry).model_digest == MODEL_DIGEST
    assert asked == ["/token?service=r&scope=pull"]
    with LyingRegistry(lambda *_: (401, {"WWW-Authenticate": "Basic"}, b"")) as closed:
        assert code_of(closed) is Refusal.REGISTRY_UNAVAILABLE


def test_the_same_digest_is_unpacked_once(room: Room) -> None:
    room.push()
    blobs = []

    def count(path: str, _: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        blobs.extend([path] * ("/blobs/" in path))
        return stored(room, path)

    with LyingRegistry(count) as registry:
        reader = RegistryEdge(frozenset({registry.address}))
        for _ in range(3):
            image = reader.image(f"{registry.address}/{NAME}", SHA, TARGET.model_path)
            assert image.model_digest == "sha256:" + hashlib.sha256(MODEL).hexdigest()
    assert len(blobs) == 1


# GitHub as it is on a bad day


def test_a_passing_error_of_github_is_passed_over(room: Room) -> None:
    room.judge()
    room.push()
    room.github.faults.add(Fault("GET", "/check-runs$", status=502))
    room.github.faults.add(Fault("GET", "/branches/", reset=True))
    assert room.obtain().commit == SHA
    assert not room.github.faults.unmet


def test_a_lasting_error_is_told(room: Room) -> None:
    room.github.faults.add(Fault("GET", "/commits/", status=503, times=3))
    assert room.refusal(SHA) is Refusal.GITHUB_UNAVAILABLE


def test_a_long_rate_limit_is_told_and_not_slept_through(room: Room) -> None:
    room.github.faults.add(Fault("GET", "/commits/", status=429, headers={"Retry-After": "3600"}))
    assert room.refusal(SHA) is Refusal.GITHUB_UNAVAILABLE
    assert len([r for r in room.github.requests if "/commits/" in r.path]) == 1


def test_a_token_that_is_refused_is_told(room: Room) -> None:
    room.github.add_token(TOKEN, app="holdpoint", permissions={})
    assert room.refusal(SHA) is Refusal.GITHUB_UNAVAILABLE
