"""One column of whatever dtype as a plain one. Run as text inside the child, before a parser.

Numbers with gaps become floats; a categorical is what its categories are; dates, and booleans with
gaps, become text. What holds rows of its own is refused.
"""

from __future__ import annotations

import numbers
from importlib import import_module
from typing import Any


class Unfit(Exception):  # noqa: N818 - a sentence for a person
    """Why the file cannot be used."""


def settled(name: str, series: Any) -> Any:
    """A numpy array of numbers or booleans, or a list of texts and None."""
    numpy = import_module("numpy")
    kind = series.dtype.kind if isinstance(series.dtype, numpy.dtype) else "O"
    if kind in "biuf":
        return series.to_numpy()
    gone = series.isna().tolist()
    items = series.astype(object).tolist()
    present = [item for item, missing in zip(items, gone, strict=True) if not missing]
    if not present:
        return numpy.full(len(items), numpy.nan)
    if all(map(is_number, present)):
        if len(present) == len(items) and all(isinstance(item, numbers.Integral) for item in items):
            return numpy.array(items)
        pairs = zip(items, gone, strict=True)
        return numpy.array([numpy.nan if missing else float(item) for item, missing in pairs])
    if len(present) == len(items) and all(isinstance(item, bool) for item in items):
        return numpy.array(items)
    nested = next((i for i in present if isinstance(i, (list, dict, tuple, numpy.ndarray))), None)
    if nested is not None:
        kind = type(nested).__name__
        raise Unfit(f"its column {name[:80]!r} holds a {kind}; flatten it into plain columns")
    return [None if missing else text(item) for item, missing in zip(items, gone, strict=True)]


def is_number(item: Any) -> bool:
    number = isinstance(item, numbers.Real) or type(item).__name__ == "Decimal"
    return number and not isinstance(item, bool)


def text(item: Any) -> str:
    return item.decode("utf-8", "replace") if isinstance(item, bytes) else str(item)
