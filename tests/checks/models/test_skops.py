"""What a skops file names is listed without loading it; what it names beyond data is found."""

from __future__ import annotations

import io
import json
import zipfile

import pytest
from sklearn.ensemble import RandomForestClassifier

from checks.evidence import skops_files
from checks.evidence.pickle_names import Kind
from tests.checks.libraries import need
from tests.checks.models.honest import INPUTS, LABELS


def archive(schema: object) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        made.writestr("schema.json", schema if isinstance(schema, str) else json.dumps(schema))
    return buffer.getvalue()


def test_no_honest_model_is_accused() -> None:
    skops = need("skops.io")
    found = skops_files.look(skops.dumps(RandomForestClassifier(3).fit(INPUTS, LABELS)))
    assert found.trouble is None
    assert not found.dangerous
    assert "sklearn.ensemble._forest.RandomForestClassifier" in map(str, found.imports)


def test_what_no_model_needs_is_dangerous_however_deep_it_lies() -> None:
    schema: object = {"__module__": "os", "__class__": "system"}
    for _ in range(50):
        schema = {"content": [schema], "__module__": "own.package", "__class__": "Layer"}
    found = skops_files.look(archive(schema))
    assert [str(each) for each in found.of(Kind.DANGEROUS)] == ["os.system"]
    assert [str(each) for each in found.of(Kind.UNKNOWN)] == ["own.package.Layer"]


@pytest.mark.parametrize("payload", [b"", b"PK\x03\x04", archive("{"), archive("[" * 100_000)])
def test_what_cannot_be_read_is_said(payload: bytes) -> None:
    assert "cannot be read" in (skops_files.look(payload).trouble or "")
