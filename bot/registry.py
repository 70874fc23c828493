"""The edge to an image registry (OCI distribution): a tag's digest, and a file's digest inside it.

Called by `bot.clearance`. Everything fetched is checked against the digest that names it; labels
and annotations are not read at all. Errors leave as Refused.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import threading
import time
import zlib
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import requests

from bot.escape import code, escaped, short
from bot.gate import Image
from bot.layers import PathFinder
from bot.refusals import Refusal, Refused, refuse
from bot.tarstream import TarError

CONNECT_S, READ_S = 3.0, 15.0
TOTAL_S = 600.0  # for all layers of one image
LARGEST_MANIFEST = 4 << 20
LARGEST_LAYERS = 32 << 30  # compressed bytes of all layers
LARGEST_UNPACKED = 128 << 30
MOST_LAYERS = 256
PIECE = 1 << 20
REMEMBERED = 256
PLATFORM = ("linux", "amd64")
_INDEXES = frozenset(
    {
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
    }
)
_MANIFESTS = frozenset(
    {
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    }
)
_PLAIN = frozenset({"application/vnd.oci.image.layer.v1.tar"})
_GZIP = frozenset(
    {
        "application/vnd.oci.image.layer.v1.tar+gzip",
        "application/vnd.docker.image.rootfs.diff.tar.gzip",
    }
)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_CHALLENGE = re.compile(r'(realm|service|scope)="([^"]*)"')


class Registry:
    """Reads images. `insecure` hosts are spoken to in plain HTTP. Safe to share between threads."""

    def __init__(self, insecure: frozenset[str]) -> None:
        self._insecure = insecure
        self._known: OrderedDict[tuple[str, str], str | None] = OrderedDict()
        self._lock = threading.Lock()

    def image(self, repository: str, tag: str, path: str) -> Image:
        """The image that `tag` names now, and the digest of the file at `path`. Raises Refused."""
        host, _, name = repository.partition("/")
        scheme = "http" if host in self._insecure else "https"
        with requests.Session() as session:
            pull = _Pull(session, f"{scheme}://{host}/v2/{name}", repository)
            try:
                digest, manifest = pull.manifest(tag)
                model = self._model(pull, digest, manifest, path)
            except requests.RequestException as error:
                raise _unavailable(host, f"broke off ({type(error).__name__})") from error
            except (TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
                raise _unreadable(f"{repository}:{tag}", str(error)) from error
        return Image(f"{repository}@{digest}", digest, model)

    def _model(self, pull: _Pull, digest: str, manifest: dict[str, Any], path: str) -> str | None:
        """The same digest holds the same bytes for ever, so it is unpacked once."""
        key = (digest, path)
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
                return self._known[key]
        finder = PathFinder(path)
        for layer in pull.layers(manifest):
            with layer as stream:
                finder.add(stream)
        with self._lock:
            self._known[key] = finder.digest
            while len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return finder.digest


class _Pull:
    """The requests for one image."""

    def __init__(self, session: requests.Session, base: str, repository: str) -> None:
        self._session, self._base, self._repository = session, base, repository
        self._deadline = time.monotonic() + TOTAL_S
        self._compressed = LARGEST_LAYERS
        self._unpacked = LARGEST_UNPACKED

    def manifest(self, reference: str) -> tuple[str, dict[str, Any]]:
        """The digest and content of an image's manifest; of an index, its linux/amd64 entry."""
        digest, manifest, kind = self._document(reference)
        if kind in _INDEXES:
            entry = self._platform(manifest)
            digest, manifest, kind = self._document(entry)
        if kind not in _MANIFESTS:
            raise _unreadable(self._repository, f"its manifest is of the kind {kind!r}")
        return digest, manifest

    def layers(self, manifest: dict[str, Any]) -> Iterator[Any]:
        """A context manager for each layer's uncompressed stream, lowest first."""
        layers = manifest.get("layers")
        if not isinstance(layers, list) or not 0 < len(layers) <= MOST_LAYERS:
            raise _unreadable(self._repository, f"it has no layers, or over {MOST_LAYERS}")
        for layer in layers:
            if not isinstance(layer, dict) or layer.get("mediaType") not in _PLAIN | _GZIP:
                kind = layer.get("mediaType") if isinstance(layer, dict) else layer
                raise _unreadable(
                    self._repository, f"a layer is of the kind {kind!r}; gzip is read"
                )
            yield self._layer(str(layer.get("digest")), layer["mediaType"] in _GZIP)

    @contextmanager
    def _layer(self, digest: str, packed: bool) -> Iterator[_Metered]:
        with self._get(f"blobs/{_checked(digest, self._repository)}") as answer:
            blob = _Verified(answer, self)
            # The gzip reader goes on through every member, as the runtimes' readers do.
            unpacked = gzip.GzipFile(fileobj=blob) if packed else blob  # type: ignore[call-overload] # only read() is used
            yield _Metered(unpacked, self)
            blob.finish(digest)

    def _platform(self, index: dict[str, Any]) -> str:
        entries = index.get("manifests")
        for entry in entries if isinstance(entries, list) else []:
            platform = entry.get("platform") or {}
            if (platform.get("os"), platform.get("architecture")) == PLATFORM:
                return _checked(str(entry.get("digest")), self._repository)
        raise _unreadable(self._repository, f"its index has no image for {'/'.join(PLATFORM)}")

    def _document(self, reference: str) -> tuple[str, dict[str, Any], str]:
        """(digest, content, media type) of a manifest or index."""
        with self._get(f"manifests/{reference}") as answer:
            body = b"".join(_bounded(answer, LARGEST_MANIFEST, self._repository))
        digest = "sha256:" + hashlib.sha256(body).hexdigest()
        said = answer.headers.get("Docker-Content-Digest", digest)
        asked = reference if _DIGEST.fullmatch(reference) else digest
        if not said == asked == digest:
            raise _unreadable(self._repository, "a manifest is not what its digest says")
        try:
            content = json.loads(body)
        except ValueError as error:
            raise _unreadable(self._repository, "its manifest is not JSON") from error
        if not isinstance(content, dict):
            raise _unreadable(self._repository, "its manifest is not an object")
        header = answer.headers.get("Content-Type", "").partition(";")[0].strip()
        kind = str(content.get("mediaType") or header)
        # One document must not be an index to one reader and an image to another.
        if kind != header or ("layers" in content and "manifests" in content):
            raise _unreadable(self._repository, "its manifest is of two kinds")
        return digest, content, kind

    def _get(self, path: str) -> requests.Response:
        url = f"{self._base}/{path}"
        accept = {"Accept": ", ".join(sorted(_INDEXES | _MANIFESTS))} if "manifests" in path else {}
        answer = self._send(url, accept)
        if answer.status_code == 401:
            answer.close()
            token = self._token(answer.headers.get("WWW-Authenticate", ""))
            self._session.headers["Authorization"] = f"Bearer {token}"
            answer = self._send(url, accept)
        if answer.status_code == 200:
            return answer
        answer.close()
        if answer.status_code == 404:
            raise _not_found(self._repository, path)
        host = self._repository.partition("/")[0]
        raise _unavailable(host, f"answered {answer.status_code}")

    def _send(self, url: str, headers: Mapping[str, str]) -> requests.Response:
        if time.monotonic() > self._deadline:
            raise requests.Timeout("the image took too long")
        # Bodies come as they are stored: a digest is of those bytes.
        fixed = {"Accept-Encoding": "identity", **headers}
        return self._session.get(url, headers=fixed, timeout=(CONNECT_S, READ_S), stream=True)

    def _token(self, challenge: str) -> str:
        """An anonymous pull token, as public repositories hand out."""
        fields = dict(_CHALLENGE.findall(challenge))
        host = self._repository.partition("/")[0]
        realm = fields.pop("realm", "")
        if not challenge.startswith("Bearer ") or not realm.startswith(
            ("https://", self._base[:7])
        ):
            raise _unavailable(host, "asks for a login that the bot does not have")
        times = (CONNECT_S, READ_S)
        with self._session.get(realm, params=fields, timeout=times, stream=True) as answer:
            text = b"".join(_bounded(answer, 1 << 16, self._repository))
        try:
            body = json.loads(text)
            return str(body.get("token") or body["access_token"])
        except (ValueError, AttributeError, KeyError) as error:
            raise _unavailable(host, f"gave no pull token ({answer.status_code})") from error

    def count(self, compressed: int = 0, unpacked: int = 0) -> None:
        """Spends from the image's budget. Raises Refused when it is used up."""
        self._compressed -= compressed
        self._unpacked -= unpacked
        if self._compressed < 0 or self._unpacked < 0:
            raise _unreadable(self._repository, "its layers are larger than the bot reads")
        if time.monotonic() > self._deadline:
            raise _unreadable(self._repository, f"its layers took over {TOTAL_S:g} s to read")


class _Verified:
    """A blob as a file that hashes what passes."""

    def __init__(self, answer: requests.Response, pull: _Pull) -> None:
        self._pieces = answer.iter_content(PIECE)
        self._hash = hashlib.sha256()
        self._pull = pull
        self._rest = b""

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes; empty at the end."""
        if not self._rest:
            self._rest = next(self._pieces, b"")
            self._hash.update(self._rest)
            self._pull.count(compressed=len(self._rest))
        end = len(self._rest) if size < 0 else size
        piece, self._rest = self._rest[:end], self._rest[end:]
        return piece

    def finish(self, digest: str) -> None:
        """Reads to the end. Raises TarError when the whole is not what `digest` says."""
        while self.read():
            pass
        if f"sha256:{self._hash.hexdigest()}" != digest:
            raise TarError("a layer is not what its digest says")


class _Metered:
    """Counts uncompressed bytes against the budget."""

    def __init__(self, source: Any, pull: _Pull) -> None:
        self._source, self._pull = source, pull

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; empty at the end."""
        piece: bytes = self._source.read(size)
        self._pull.count(unpacked=len(piece))
        return piece


def _bounded(answer: requests.Response, limit: int, repository: str) -> Iterator[bytes]:
    size = 0
    for piece in answer.iter_content(1 << 16):
        size += len(piece)
        if size > limit:
            raise _unreadable(repository, f"an answer is over {limit} bytes")
        yield piece


def _checked(digest: str, repository: str) -> str:
    if not _DIGEST.fullmatch(digest):
        raise _unreadable(repository, "it names something by no SHA-256 digest")
    return digest


def _not_found(repository: str, path: str) -> Refused:
    reference = path.partition("/")[2]
    shown = short(reference) if reference.startswith("sha256:") else reference
    return refuse(
        Refusal.IMAGE_NOT_FOUND,
        f"The registry has no image {code(f'{repository}:{shown}')}.",
        who="Whoever builds the images: the tag is the commit's full SHA, per bot.yaml.",
        then="Wait for the image's build to finish, or start it, then ask again.",
    )


def _unreadable(what: str, why: str) -> Refused:
    return refuse(
        Refusal.IMAGE_UNREADABLE,
        f"The image {code(what)} cannot be verified: {escaped(why, 200)}.",
        who="Whoever builds the images.",
        then="Build and push it again; layers are gzip, and the model is a file of its own.",
    )


def _unavailable(host: str, what: str) -> Refused:
    return refuse(
        Refusal.REGISTRY_UNAVAILABLE,
        f"The image cannot be looked up: the registry {code(host)} {what}.",
        who="Nobody: an image that was not looked into is not put in front of traffic.",
        then="Ask again in a minute. If it stays, the bot's operator checks the registry.",
    )
