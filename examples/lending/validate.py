"""Refuses data that no model should be trained on: other bytes, missing columns, impossible values.

Called by `train.py` before anything is fitted. The ranges are what the columns mean (DATA.md), with
room for rare cases: the bank's forms knew a payments to income ratio of 3.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

RANGES = {
    "pirat": (0, 3),
    "hirat": (0, 3),
    "lvrat": (0, 2),
    "chist": (1, 6),
    "mhist": (1, 4),
    "unemp": (0, 25),
}
YES_OR_NO = ("deny", "phist", "selfemp", "insurance", "condomin", "afam", "single", "hschool")


class DataError(Exception):
    """The data are not what they should be, in a sentence."""


def validate_digest(path: Path) -> None:
    """Compares a file with the digest in SHA256SUMS beside it. Raises DataError."""
    lines = (path.parent / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    wanted = {name: digest for digest, name in (line.split() for line in lines)}
    if hashlib.sha256(path.read_bytes()).hexdigest() != wanted.get(path.name):
        raise DataError(f"{path.name} is not the file that SHA256SUMS names; run prepare.py")


def validate_rows(rows: pd.DataFrame) -> None:
    """Columns, kinds, ranges, duplicates. Raises DataError naming the first thing wrong."""
    lacking = [name for name in (*RANGES, *YES_OR_NO) if name not in rows.columns]
    if lacking:
        raise DataError(f"the column {lacking[0]!r} is missing")
    for name, (low, high) in RANGES.items():
        wrong = rows[name].notna() & ~rows[name].between(low, high)
        if wrong.any():
            raise DataError(f"{int(wrong.sum())} values of {name!r} are not from {low} to {high}")
    for name in YES_OR_NO:
        if not rows[name].isin(["yes", "no"]).all():
            raise DataError(f"{name!r} holds something else than yes and no")
    if rows.duplicated().any():
        raise DataError(f"{int(rows.duplicated().sum())} rows are repeated")
