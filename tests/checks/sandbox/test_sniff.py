"""Fault M9: a file that is empty, a pointer, cut off or misnamed is said to be so."""

from __future__ import annotations

import gzip
import io
import pickle
import zipfile
import zlib
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from checks.sandbox import describe_bytes
from checks.sandbox.sniff import EXPECTED

PICKLED = pickle.dumps(list(range(100)))
HEADER = b'{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}'
TENSORS = len(HEADER).to_bytes(8, "little") + HEADER + bytes(8)
LEGACY_TORCH = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03." + bytes(8)
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a", bytes(1000))
    return buffer.getvalue()


def named(value: bytes | str) -> str:
    """A test's name that is the same in every run; archives hold the time of day."""
    return f"{len(value)} bytes" if isinstance(value, bytes) else value


@pytest.mark.parametrize(
    ("payload", "suffix", "says"),
    [
        (b"", ".pkl", "empty (0 bytes)"),
        (b"", ".csv", "empty (0 bytes)"),
        (LFS, ".joblib", "Git LFS pointer"),
        (LFS, ".whatever", "Git LFS pointer"),
        (b"/annex/objects/SHA256E-s1--ab.pkl\n", ".pkl", "git-annex pointer"),
        (PICKLED[:-1], ".pkl", "a pickle that is cut off after"),
        (PICKLED[: len(PICKLED) // 2], ".joblib", "cut off"),
        (zipped()[:-30], ".pt", "a zip archive that is cut off"),
        (b"PAR1" + bytes(50), ".parquet", "a Parquet file that is cut off"),
        (b"PAR1", ".parquet", "cut off"),
        (zipped(), ".pkl", "ends in .pkl but is a zip archive"),
        (b"\x89HDF\r\n\x1a\n" + bytes(9), ".joblib", "an HDF5 file"),
        (b"<!DOCTYPE html><html>404</html>", ".pkl", "an HTML page"),
        (b"a,b\n1,2\n", ".pkl", "is text"),
        (bytes(64), ".pkl", "of no known kind"),
        (zipped(), ".csv", "ends in .csv but is a zip archive"),
        (gzip.compress(b"a,b\n"), ".csv", "gzip data"),
        (PICKLED, ".CSV", "a pickle"),
        (bytes(10), ".onnx", "ends in .onnx but is of no known kind"),
        (PICKLED, ".onnx", "but is a pickle; expected an ONNX graph"),
        (zipped(), ".onnx", "a zip archive"),
        (b"\x08\x0a\x3a\x7f" + bytes(9), ".onnx", "an ONNX graph that is cut off"),
        (b"\x08\x8a", ".onnx", "cut off"),
        (TENSORS[:-1], ".safetensors", "a safetensors file that is cut off after"),
        (TENSORS[:20], ".safetensors", "cut off"),
        (PICKLED, ".safetensors", "a pickle; expected a safetensors file"),
        (bytes(64), ".safetensors", "of no known kind"),
    ],
    ids=named,
)
def test_m9_a_bad_file_is_told_by_name(payload: bytes, suffix: str, says: str) -> None:
    sentence = describe_bytes(payload, suffix)
    assert sentence is not None
    assert says in sentence
    assert sentence.endswith(".") and "\n" not in sentence  # noqa: PT018 - one property: a sentence


def models() -> list[tuple[str, bytes]]:
    model = LogisticRegression().fit(np.arange(8.0).reshape(4, 2), [0, 1, 0, 1])
    found = [(f"protocol {n}", pickle.dumps(model, protocol=n)) for n in range(6)]
    for compress in (0, ("zlib", 1), ("gzip", 3), ("bz2", 3), ("xz", 3), ("lzma", 3)):
        buffer = io.BytesIO()
        joblib.dump(model, buffer, compress=compress)
        found.append((str(compress), buffer.getvalue()))
    return found


@pytest.mark.parametrize(("name", "payload"), models())
def test_no_good_pickle_is_accused(name: str, payload: bytes) -> None:
    for suffix in (".pkl", ".joblib", ".pickle"):
        assert describe_bytes(payload, suffix) is None


@pytest.mark.parametrize(
    ("payload", "suffix"),
    [
        (zipped(), ".pt"),
        (zipped(), ".skops"),
        (b"PAR1" + bytes(50) + b"PAR1", ".parquet"),
        ("größe,preis\n1,2\n".encode(), ".csv"),
        ("größe,preis\n1,2\n".encode("latin-1"), ".csv"),
        ("größe,preis\n1,2\n".encode("utf-16"), ".csv"),
        (b'{"a": 1}', ".json"),
        (TENSORS, ".safetensors"),
        (LEGACY_TORCH, ".pt"),
        (zlib.compress(PICKLED), ".joblib"),
    ],
    ids=named,
)
def test_no_good_file_is_accused(payload: bytes, suffix: str) -> None:
    assert describe_bytes(payload, suffix) is None


def test_every_known_suffix_is_written_as_path_gives_it() -> None:
    assert all(Path(f"x{suffix}").suffix == suffix for suffix in EXPECTED)
