"""Reads JSON lines in batches: one object a line. Run as text inside the child, never imported.

A key that a line lacks is missing there; one that appears late is missing before.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib import import_module
from typing import Any

SUFFIXES = (".jsonl", ".ndjson")
LONGEST = 4 << 20  # bytes of a line
BATCH_BYTES = 32 << 20


class Unfit(Exception):  # noqa: N818 - a sentence for a person
    """Why the file cannot be used."""


def batches(file: Any, cells: int, most_columns: int) -> Iterator[Any]:
    pandas = import_module("pandas")
    names: dict[str, None] = {}
    number, taken, rows = 0, 0, []
    while line := file.readline(LONGEST + 1):
        number += 1
        if len(line) > LONGEST:
            raise Unfit(f"line {number} is longer than {LONGEST >> 20} MiB")
        if not line.strip():
            continue
        row = parsed(line, number)
        names.update(dict.fromkeys(row))
        if len(names) > most_columns:
            raise Unfit(f"its lines have more than {most_columns} different keys")
        rows.append(row)
        taken += len(line)
        if len(rows) * len(names) >= cells or taken >= BATCH_BYTES:
            yield pandas.DataFrame.from_records(rows, columns=list(names))
            taken, rows = 0, []
    if rows:
        yield pandas.DataFrame.from_records(rows, columns=list(names))


def parsed(line: bytes, number: int) -> dict[str, Any]:
    """One line's object."""
    try:
        row = json.loads(line.decode("utf-8-sig"))
    except RecursionError:
        raise Unfit(f"line {number} is nested too deeply") from None
    except ValueError as error:
        raise Unfit(f"line {number} is not JSON: {error}") from error
    if not isinstance(row, dict):
        raise Unfit(f"line {number} is no object: each line is one row, such as {{'a': 1}}")
    return row
