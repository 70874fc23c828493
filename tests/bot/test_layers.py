"""Which bytes a container would find at the model's path, whatever the layers try."""

from __future__ import annotations

import hashlib
import io
import tarfile
from typing import Any

import pytest

from bot.layers import PathFinder
from bot.tarstream import TarError, TarStream

PATH = "/model/model.joblib"
GOOD, EVIL = b"good" * 1000, b"evil"


def sha(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


def layer(
    *entries: tuple[str, Any], form: int = tarfile.PAX_FORMAT, kinds: dict[str, bytes] | None = None
) -> io.BytesIO:
    """Bytes make a file, a string a symbolic link, None a directory, a tuple a hard link."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=form) as tar:
        for name, content in entries:
            info = tarfile.TarInfo(name)
            if isinstance(content, bytes):
                info.size = len(content)
            elif content is None:
                info.type = tarfile.DIRTYPE
            else:
                info.type = tarfile.LNKTYPE if isinstance(content, tuple) else tarfile.SYMTYPE
                info.linkname = content[0] if isinstance(content, tuple) else content
            tar.addfile(info, io.BytesIO(content) if isinstance(content, bytes) else None)
    return io.BytesIO(target.getvalue())


def digest(*layers: io.BytesIO) -> str | None:
    finder = PathFinder(PATH)
    for one in layers:
        finder.add(one)
    return finder.digest


@pytest.mark.parametrize(
    "name", ["model/model.joblib", "/model/model.joblib", "./model/model.joblib"]
)
@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
def test_the_file_is_found_however_it_is_written(name: str, form: int) -> None:
    assert digest(layer(("etc/x", b"x"), (name, GOOD), form=form)) == sha(GOOD)


def test_the_topmost_layer_wins_and_the_last_entry_in_it() -> None:
    assert digest(layer((PATH, GOOD)), layer((PATH, EVIL))) == sha(EVIL)
    assert digest(layer((PATH, GOOD), (PATH, EVIL))) == sha(EVIL)
    assert digest(layer((PATH, EVIL)), layer(("other", b"")), layer((PATH, GOOD))) == sha(GOOD)


def test_whiteouts_take_away() -> None:
    base = (PATH, GOOD)
    assert digest(layer(base), layer(("model/.wh.model.joblib", b""))) is None
    assert digest(layer(base), layer((".wh.model", b""))) is None
    assert digest(layer(base), layer(("model/.wh..wh..opq", b""))) is None
    assert digest(layer(base), layer(("model/.wh..wh..opq", b""), (PATH, EVIL))) == sha(EVIL)
    assert digest(layer(base), layer((PATH, EVIL), ("model/.wh..wh..opq", b""))) == sha(EVIL)
    assert digest(layer(base), layer(("model/.wh.other", b""))) == sha(GOOD)


def test_a_path_that_is_not_there_has_no_digest() -> None:
    assert digest(layer(("model/model.joblib.bak", GOOD), ("xmodel/model.joblib", GOOD))) is None
    assert digest(layer((PATH, None))) is None
    assert digest(layer((PATH, GOOD)), layer(("model", b"a file now"))) is None


@pytest.mark.parametrize(
    "layers",
    [
        [layer((PATH, "/elsewhere"))],
        [layer(("model", "/data"), ("data/model.joblib", GOOD))],
        [layer(("x", GOOD), (PATH, ("x",)))],
        # A runtime follows /alias while it unpacks and so writes over the judged file.
        [layer(("alias", "/model")), layer((PATH, GOOD)), layer(("alias/model.joblib", EVIL))],
        [layer(("a", "b"), ("b", "model")), layer((PATH, GOOD)), layer(("a/model.joblib", EVIL))],
        [layer(("d/l", "../model"), (PATH, GOOD)), layer(("d/l/model.joblib", EVIL))],
        [layer(("a", "/b"), ("a/c", "/model"), (PATH, GOOD)), layer(("b/c/model.joblib", EVIL))],
        [layer(("root", "/"), (PATH, GOOD)), layer(("root/model/model.joblib", EVIL))],
        [layer(("alias", "/model"), (PATH, GOOD)), layer(("alias/.wh.model.joblib", b""))],
        [layer(("alias", "/model"), (PATH, GOOD)), layer(("alias/.wh..wh..opq", b""))],
        [layer(("alias", "/model"), (PATH, GOOD)), layer(("alias/model.joblib", "/evil"))],
        [layer(("z/l", "/q"), ("z/s", "l/../model"), (PATH, GOOD)), layer(("z/s/x", EVIL))],
        [layer((PATH, GOOD), ("model/.wh.model.joblib", b""))],
        [layer(("x/../model/model.joblib", GOOD))],
    ],
)
def test_links_and_detours_are_refused(layers: list[io.BytesIO]) -> None:
    for one in layers:
        one.seek(0)
    with pytest.raises(TarError):
        digest(*layers)


def test_links_that_lead_elsewhere_are_harmless() -> None:
    """As in every Debian image: /lib is a link, and so are hundreds of libraries."""
    base = layer(("lib", "usr/lib"), ("usr/lib/a.so", "a.so.1"), ("bin", "usr/bin"), (PATH, GOOD))
    assert digest(base, layer(("lib/model.joblib", EVIL), ("bin/.wh.tool", b""))) == sha(GOOD)


def header(name: bytes = b"model/model.joblib", kind: bytes = b"0", **more: bytes) -> bytearray:
    """A hand-made header whose check sum is right."""
    block = bytearray(tarfile.TarInfo("x").tobuf(tarfile.USTAR_FORMAT))
    block[0:100] = name.ljust(100, b"\0")
    block[156:157] = kind
    for span, content in more.items():
        begin = int(span[1:])
        block[begin : begin + len(content)] = content
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return block


def pax(body: bytes) -> bytes:
    length = len(body) + (3 if len(body) < 7 else 4)  # the count counts its own digits
    record = b"%d %s\n" % (length, body)
    assert len(record) == length
    size = b"%011o\0" % len(record)
    return bytes(header(b"pax", b"x", _124=size)) + record.ljust(512, b"\0")


@pytest.mark.parametrize(
    "content",
    [
        b"",  # handled apart: an empty archive is fine
        bytes(header(kind=b"\0", name=b"model/model.joblib/")),
        bytes(header(kind=b"X")),
        bytes(header(kind=b"S")),
        bytes(header(_257=b"ustar  \0", _345=b"prefix")),
        bytes(header(_508=b"tar\0", _345=b"prefix")),
        bytes(header(_124=b"\xff" * 12)),  # a negative size
        bytes(header(kind=b"L", _124=b"77777777777\0")),  # an 8 GiB name
        bytes(header(kind=b"g", _124=b"%011o\0" % 12)) + b"12 path=abc\n".ljust(512, b"\0"),
        pax(b"path=") + bytes(header()),
        pax(b"path=a/b/cc") + pax(b"path=a/b/cc") + bytes(header()),
        pax(b"path=a\0b/ccc") + bytes(header()),
        pax(b"size=-1234") + bytes(header()),
        b"\0" * 512 + bytes(header()),
        bytes(header())[:300],
        b"not a tar archive".ljust(512, b"!"),
        bytes(header(_124=b"%011o\0" % 2000)),  # some of its data is missing
    ],
)
def test_what_readers_would_disagree_about_is_refused(content: bytes) -> None:
    if not content:
        assert list(TarStream(io.BytesIO(content))) == []
        return
    with pytest.raises(TarError):
        list(TarStream(io.BytesIO(content + b"\0" * (0 if len(content) % 512 else 1024))))


def test_long_names_of_every_format_are_read() -> None:
    name = "deep/" * 40 + "file"
    for form in (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT):
        entries = list(TarStream(layer((name, b"x"), ("after", b"y"), form=form)))
        assert [entry.name for entry in entries] == [name, "after"]
