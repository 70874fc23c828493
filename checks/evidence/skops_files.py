"""What a skops file names, listed without loading it.

Pure. Used by `checks.evidence.model_files`. A skops file is a zip archive whose `schema.json` names
the class of every part; loading imports those names. They are classed as a pickle's imports are,
because to be named is to be imported here too. Bounded in bytes and in parts.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from io import BytesIO
from typing import Any

from checks.evidence.pickle_names import Kind, classify
from checks.evidence.pickle_values import Name
from checks.evidence.pickles import Import, Pickles

SCHEMA = "schema.json"
MAX_SCHEMA = 64 << 20  # bytes when unpacked
MAX_PARTS = 1_000_000
OWN = "skops"


def look(payload: bytes) -> Pickles:
    """What loading these bytes with skops would import; `trouble` where they cannot be read."""
    try:
        with zipfile.ZipFile(BytesIO(payload)) as archive, archive.open(SCHEMA) as file:
            text = file.read(MAX_SCHEMA + 1)
        if len(text) > MAX_SCHEMA:
            return Pickles((), (), f"{SCHEMA} is larger than {MAX_SCHEMA >> 20} MiB")
        found = dict.fromkeys(_names(json.loads(text)))
    except (
        zipfile.BadZipFile,
        KeyError,
        ValueError,
        OSError,
        NotImplementedError,
        RuntimeError,
    ) as error:
        return Pickles((), (), f"{SCHEMA} cannot be read: {error}")
    imports = tuple(Import(name.module, name.name, 0, _kind(name), called=True) for name in found)
    return Pickles(imports)


def _kind(name: Name) -> Kind:
    return Kind.BENIGN if name.module.partition(".")[0] == OWN else classify(name)


def _names(root: Any) -> Iterator[Name]:
    """Every `__module__` and `__class__` pair, without recursion."""
    waiting, seen = [root], 0
    while waiting and seen < MAX_PARTS:
        part = waiting.pop()
        seen += 1
        if isinstance(part, list):
            waiting += part
        if not isinstance(part, dict):
            continue
        waiting += part.values()
        module, name = part.get("__module__"), part.get("__class__")
        if isinstance(module, str) and isinstance(name, str):
            yield Name(module[:200], name[:200])
    if waiting:
        raise ValueError(f"it has more than {MAX_PARTS} parts")
