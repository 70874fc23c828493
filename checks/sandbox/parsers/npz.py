"""Reads numpy archives: X and y, or one array a column. Run as text inside the child.

`X` of two dimensions becomes the columns that `feature_names` names, else "x0", "x1" and so on; any
other array of one dimension is a column of its own name. Pickled objects are never read.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from importlib import import_module
from typing import Any

SUFFIXES = (".npz",)
MOST_BYTES = 1 << 30  # of all arrays unpacked
NAMES = ("feature_names", "columns")


class Unfit(Exception):  # noqa: N818 - a sentence for a person
    """Why the file cannot be used."""


def batches(file: Any, cells: int, most_columns: int) -> Iterator[Any]:
    pandas = import_module("pandas")
    columns = dict(flat(opened(file), most_columns))
    lengths = {len(values) for values in columns.values()}
    if len(lengths) != 1:
        raise Unfit(f"its arrays have different lengths ({sorted(lengths)[:5]}); one row is one")
    total = lengths.pop()
    rows = max(1, cells // len(columns))
    for start in range(0, total, rows):
        yield pandas.DataFrame({n: values[start : start + rows] for n, values in columns.items()})


def opened(file: Any) -> dict[str, Any]:
    """The arrays by name."""
    numpy = import_module("numpy")
    try:
        with zipfile.ZipFile(file) as archive:
            size = sum(each.file_size for each in archive.infolist())
        if size > MOST_BYTES:
            raise Unfit(f"it unpacks to {size} bytes, at most {MOST_BYTES} are read")
        file.seek(0)
        with numpy.load(file, allow_pickle=False, max_header_size=10_000) as found:
            return {name: found[name] for name in found.files}
    except zipfile.BadZipFile as error:
        raise Unfit(f"its archive is broken ({error})") from error
    except (ValueError, EOFError) as error:
        what = "holds pickled objects, which are never read; save plain arrays"
        said = what if "pickle" in str(error) else f"is no archive of arrays ({error})"
        raise Unfit(f"it {said}") from error


def flat(arrays: dict[str, Any], most_columns: int) -> Iterator[tuple[str, Any]]:
    """Columns by name, in the file's order."""
    named = next((arrays[name] for name in NAMES if name in arrays), None)
    for name, array in arrays.items():
        if array.dtype.kind not in "biufUSM" or (array.ndim == 0):
            raise Unfit(f"its array {name[:80]!r} holds {array.dtype} of {array.ndim} dimensions")
        if name in NAMES and array.dtype.kind == "U" and "X" in arrays:
            continue
        if array.ndim > 2:
            raise Unfit(f"its array {name[:80]!r} has {array.ndim} dimensions; flatten each row")
        if array.ndim == 1:
            yield name, array.astype(str) if array.dtype.kind == "S" else array
            continue
        if array.shape[1] > most_columns:
            raise Unfit(f"it has {array.shape[1]} columns, more than {most_columns}")
        titles = [f"{'x' if name == 'X' else name + '_'}{n}" for n in range(array.shape[1])]
        if name == "X" and named is not None and len(named) == array.shape[1]:
            titles = [str(title) for title in named]
        yield from ((title, array[:, n]) for n, title in enumerate(titles))
