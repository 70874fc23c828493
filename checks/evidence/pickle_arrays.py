"""How many raw bytes joblib puts behind an array's description in the middle of a pickle.

Pure. Used by `checks.evidence.pickle_machine`. joblib describes an array by a `NumpyArrayWrapper`
(shape, dtype, alignment); when that is built, the loader reads a length byte, so many padding bytes
and then the array itself, or another pickle when the array holds objects (joblib 1.0 to 1.6,
`joblib/numpy_pickle.py`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import prod

from checks.evidence.pickle_values import Made, Name, class_of

WRAPPER = Name("joblib.numpy_pickle", "NumpyArrayWrapper")
HAS_OBJECT = 0x01  # numpy's NPY_ITEM_HASOBJECT in a dtype's flags
_DTYPE = re.compile(r"[<>|=]?([?biufcmMUSVOa])(\d+)")


@dataclass(frozen=True)
class Raw:
    """What follows: `size` bytes, or a pickle of its own."""

    size: int
    pickled: bool
    aligned: bool  # a length byte and padding come first


def following(value: object) -> Raw | None:
    """What a loader would read behind this object. Raises ValueError when it cannot be told."""
    if class_of(value) != WRAPPER or not isinstance(value, Made):
        return None
    state = value.state
    if not isinstance(state, dict):
        raise ValueError("an array is described by something else than its attributes")
    shape, dtype = state.get("shape"), state.get("dtype")
    sizes = [each for each in shape if type(each) is int] if isinstance(shape, tuple) else None
    if sizes is None or len(sizes) != len(shape or ()) or any(size < 0 for size in sizes):
        raise ValueError("the shape of an array cannot be told")
    item, pickled = _item_size(dtype)
    aligned = state.get("numpy_array_alignment_bytes") is not None
    return Raw(0 if pickled else item * prod(sizes), pickled, aligned and not pickled)


def _item_size(dtype: object) -> tuple[int, bool]:
    """Bytes of an element, and whether elements are objects."""
    function = class_of(dtype)
    if not isinstance(dtype, Made) or function is None or str(function) != "numpy.dtype":
        raise ValueError("the dtype of an array cannot be told")
    given = dtype.arguments[0] if isinstance(dtype.arguments, tuple) and dtype.arguments else None
    match = _DTYPE.fullmatch(given) if isinstance(given, str) else None
    if match is None:
        raise ValueError("the dtype of an array cannot be told")
    kind, size = match[1], int(match[2])
    state = dtype.state if isinstance(dtype.state, tuple) else ()
    flags = state[7] if len(state) > 7 else 0
    if kind == "O" or (isinstance(flags, int) and flags & HAS_OBJECT):
        return 0, True
    written = state[5] if len(state) > 5 else -1
    if isinstance(written, int) and written >= 0:
        return written, False
    return size * (4 if kind == "U" else 1), False
