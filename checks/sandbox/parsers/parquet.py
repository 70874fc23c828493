"""Reads Parquet files in batches with pyarrow. Run as text inside the child, never imported."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib import import_module
from typing import Any

SUFFIXES = (".parquet", ".pq")


class Unfit(Exception):  # noqa: N818 - a sentence for a person
    """Why the file cannot be used."""


def batches(file: Any, cells: int, most_columns: int) -> Iterator[Any]:
    os.environ["ARROW_DEFAULT_MEMORY_POOL"] = "system"  # the others reserve address space
    arrow = import_module("pyarrow")
    reader = import_module("pyarrow.parquet")
    try:
        opened = reader.ParquetFile(file)
        refuse(arrow, opened.schema_arrow, most_columns)
        rows = max(1, cells // max(len(opened.schema_arrow.names), 1))
        for batch in opened.iter_batches(batch_size=rows, use_threads=False):
            yield batch.to_pandas()
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
