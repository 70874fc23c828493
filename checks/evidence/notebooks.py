"""The code of Jupyter notebooks as Python text whose lines are those of the notebook's file.

Used by `python_code` for the checks that ask how a model came to be; nobody serves from a notebook.
Nothing is run. Cells that are no Python (another language's, half-written) are left out.
"""

from __future__ import annotations

import ast
import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAGIC = re.compile(r"^(\s*)[%!?].*$", re.MULTILINE)


def code_of(text: str) -> str:
    """The code of a notebook, each line where the file has it. Raises ValueError: no notebook.

    Where a notebook is not written line by line, the lines are those of its code alone.
    """
    try:
        document = json.loads(text)
        cells = list(_cells(document))
    except (RecursionError, AttributeError, KeyError, TypeError) as error:
        raise ValueError("not a notebook") from error
    rows = text.splitlines()
    placed: list[str] = [""] * len(rows)
    at = 0
    for cell in cells:
        if not _parses("".join(cell)):
            continue
        first = _find(rows, cell, at)
        if first is None:
            return "\n".join(_plain("".join(each)) for each in cells if _parses("".join(each)))
        placed[first : first + len(cell)] = _plain("".join(cell)).split("\n")[: len(cell)]
        at = first + len(cell)
    return "\n".join(placed)


def _cells(document: Any) -> Iterator[list[str]]:
    """The lines of each cell of code, as the file keeps them."""
    for cell in document["cells"] if isinstance(document, dict) else ():
        source = cell.get("source", "")
        lines = source.splitlines(keepends=True) if isinstance(source, str) else list(source)
        if cell.get("cell_type") == "code" and lines and all(isinstance(x, str) for x in lines):
            yield lines


def _plain(code: str) -> str:
    """Without the commands that are IPython's and not Python's."""
    return _MAGIC.sub(r"\1pass", code)


def _parses(code: str) -> bool:
    try:
        ast.parse(_plain(code))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _find(rows: list[str], cell: list[str], start: int) -> int | None:
    """The row from which the file holds the cell's lines, one a row."""
    said = [_forms(line) for line in cell]
    for row in range(start, len(rows) - len(cell) + 1):
        found = (each.strip().rstrip(",") for each in rows[row : row + len(cell)])
        if all(text in forms for text, forms in zip(found, said, strict=True)):
            return row
    return None


def _forms(line: str) -> tuple[str, str]:
    """A line as JSON, with and without its letters beyond ASCII written out."""
    return json.dumps(line), json.dumps(line, ensure_ascii=False)
