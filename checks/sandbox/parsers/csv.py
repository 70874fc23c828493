"""Reads separated text in batches. Run as text inside the child, never imported.

The separator is the one of `,` `;` tab `|` that the first line has most of; the encoding is UTF-8
(with or without a mark), UTF-16 where a mark says so, and Windows-1252 where the beginning is
neither. With `;` between the columns a comma within a number is taken for the decimal point.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any

SUFFIXES = (".csv", ".tsv")
HEAD = 1 << 20  # bytes: no honest header is longer
BATCH_BYTES = 16 << 20
COMMA_NUMBER = re.compile(r"(?:^|;)-?\d+,\d+(?:;|$)", re.MULTILINE)


class Unfit(Exception):  # noqa: N818 - a sentence for a person
    """Why the file cannot be used."""


def batches(file: Any, cells: int, most_columns: int) -> Iterator[Any]:
    head = file.read(HEAD)
    file.seek(0)
    encoding = encoded(head)
    text = head.decode(encoding, "ignore")
    line, broken, rest = text.partition("\n")
    if not broken and len(head) == HEAD:
        raise Unfit(f"its first line is longer than {HEAD >> 20} MiB, so it is no table")
    separator = max(",;\t|", key=line.count)
    names = next(csv.reader([line.rstrip("\r")], delimiter=separator), [])
    refuse(names, most_columns)
    point = "," if separator == ";" and COMMA_NUMBER.search(rest[:4096]) else "."
    sample = rest[: 64 << 10]
    longest = len(sample) // (sample.count("\n") + 1) + 1
    rows = max(1, min(cells // max(len(names), 1), BATCH_BYTES // longest))
    try:
        with import_module("pandas").read_csv(
            io.TextIOWrapper(file, encoding, newline=""),
            sep=separator,
            decimal=point,
            chunksize=rows,
        ) as reader:
            yield from reader
    except UnicodeDecodeError as error:
        raise Unfit(f"it is no {encoding} text ({error.reason}); save it as UTF-8") from error


def encoded(head: bytes) -> str:
    """The name of the encoding that the beginning is in."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8-sig"


def refuse(names: list[str], most_columns: int) -> None:
    """Refuses headers that no table has."""
    if len(names) > most_columns:
        raise Unfit(f"it has {len(names)} columns, more than {most_columns}")
    seen: set[str] = set()
    for name in names:
        if name and name in seen:
            raise Unfit(f"two of its columns are called {name[:80]!r}; rename one")
        seen.add(name)
