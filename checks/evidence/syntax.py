"""Parses a stranger's Python into a syntax tree, one file at a time.

Used by every collector that reads code. CPython 3.11 counts the depth of the tree that it builds
in one place for all threads, and `warnings.catch_warnings` swaps one filter list for all: two files
parsed at once in two threads end in a SystemError. Nothing is imported or run.
"""

from __future__ import annotations

import ast
import threading
import warnings

_ONE_AT_A_TIME = threading.Lock()


def parse(source: str | bytes, path: str = "<unknown>") -> ast.Module:
    """The tree of one file. Raises SyntaxError for whatever is no Python or nested too deeply."""
    with _ONE_AT_A_TIME, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what the judged code is warned about is not ours
        try:
            return ast.parse(source, path)
        except (ValueError, RecursionError, MemoryError) as error:
            raise SyntaxError(f"{path} cannot be parsed: {error}") from error
