"""Our own texts that a child runs: one self-contained script for each model or data format.

Used by `session`. The scripts of a folder are found by looking into it: adding a file adds a
format. A script is sent as text before anything untrusted is, and imports none of our packages, so
it works in any interpreter. A loader defines `load(payload, options)`, which returns the model. A
parser defines `SUFFIXES`, a plain tuple that is read here without running anything, and
`batches(file, cells, most_columns)`, which yields DataFrames of about so many cells.
What it wants to say to a person it raises as an exception of its own called `Unfit`.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

LOADERS: Final = Path(__file__).with_name("loaders")
PARSERS: Final = Path(__file__).with_name("parsers")
SHARED: Final = "_columns"  # what all parsers need: sent before each of them


@cache
def names(folder: Path) -> tuple[str, ...]:
    """What a folder has scripts for."""
    return tuple(sorted(file.stem for file in folder.glob("*.py") if file.stem[0] != "_"))


@cache
def text(folder: Path, name: str) -> bytes:
    """A script's text. Raises ValueError on a name without one."""
    if name not in (*names(folder), SHARED):
        known = ", ".join(names(folder))
        raise ValueError(f"unknown {folder.name[:-1]} {name!r}; known: {known}")
    return (folder / f"{name}.py").read_bytes()


@cache
def formats() -> Mapping[str, str]:
    """The data format of each suffix: what the parsers say in their `SUFFIXES`."""
    found: dict[str, str] = {}
    for name in names(PARSERS):
        for node in ast.parse(text(PARSERS, name)).body:
            match node:
                case ast.Assign(targets=[ast.Name("SUFFIXES")], value=value):
                    found.update(dict.fromkeys(ast.literal_eval(value), name))
    return found
