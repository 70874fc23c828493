"""Reads Arrow data in batches: the file format (.feather too) and the stream format.

Run as text inside the child, never imported.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib import import_module
from typing import Any

SUFFIXES = (".arrow", ".feather", ".ipc", ".arrows")
MAGIC = b"ARROW1"


class Unfit(Exception):  # noqa: N818 - a sentence for a person
    """Why the file cannot be used."""


def batches(file: Any, cells: int, most_columns: int) -> Iterator[Any]:
    os.environ["ARROW_DEFAULT_MEMORY_POOL"] = "system"  # the others reserve address space
    arrow = import_module("pyarrow")
    ipc = import_module("pyarrow.ipc")
    begins = file.read(len(MAGIC))
    file.seek(0)
    if begins.startswith(b"FEA1"):
        raise Unfit("it is Feather version 1; write it anew with pyarrow.feather.write_feather")
    try:
        options = ipc.IpcReadOptions(use_threads=False)
        is_file = begins == MAGIC
        opened = (ipc.open_file if is_file else ipc.open_stream)(file, options=options)
        refuse(arrow, opened.schema, most_columns)
        rows = max(1, cells // max(len(opened.schema.names), 1))
        numbers = range(opened.num_record_batches) if is_file else None
        found = map(opened.get_batch, numbers) if numbers is not None else iter(opened)
        for batch in found:
            for start in range(0, batch.num_rows, rows):
                yield batch.slice(start, rows).to_pandas()
    except (arrow.ArrowInvalid, arrow.ArrowNotImplementedError, OSError) as error:
        raise Unfit(f"pyarrow cannot read it: {error}") from error


def refuse(arrow: Any, schema: Any, most_columns: int) -> None:
    """Refuses what is no plain table."""
    if len(schema.names) > most_columns:
        raise Unfit(f"it has {len(schema.names)} columns, more than {most_columns}")
    for name in schema.names:
        if schema.names.count(name) > 1:
            raise Unfit(f"two of its columns are called {name[:80]!r}; rename one")
    for field in schema:
        if arrow.types.is_nested(field.type):
            raise Unfit(
                f"its column {field.name[:80]!r} holds {str(field.type)[:80]}; "
                "flatten it into plain columns"
            )
