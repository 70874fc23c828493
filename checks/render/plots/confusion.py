"""The confusion matrix: counts by true and predicted class, shaded by the share of each row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from checks.render.inert import plain
from checks.render.svg import Box, Plot, drawing, element, label, rectangle

if TYPE_CHECKING:
    from collections.abc import Mapping

    from checks.report import Verdict

TITLE = "Confusion matrix"
MOST_CLASSES = 12
LETTER = 8.0  # width of a letter at most, in pixels
MOST_SHADE = 0.5  # so that the number keeps a contrast of 4.5 to 1, in light and in dark
NAME_LIMIT = 14


@dataclass(frozen=True)
class Matrix:
    """Counts by true (row) and predicted (column) class, and what was cut from it."""

    classes: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    all_classes: int
    all_rows: int
    row_totals: tuple[int, ...]  # with the columns that were cut


def of_verdict(verdict: Verdict, key: str) -> Plot | None:
    """The matrix in `details`, with the classes that have the most rows when they are many."""
    matrix = _read(verdict.details)
    if matrix is None:
        return None
    size = min(90.0, 430 / len(matrix.classes))
    side = size * len(matrix.classes)
    longest = max(len(_short(name)) for name in matrix.classes) * LETTER
    turned = longest > size
    box = Box(150, 20, 150 + side, 20 + side)
    height = box.bottom + 56 + (longest * 0.65 if turned else 0)
    parts = [_cell(matrix, row, column, box, size) for row, column in _places(matrix)]
    parts += [_names(matrix, box, size, turned=turned), _axes(box, height, longest)]
    note = _note(matrix)
    description = f"{note} {_in_words(matrix)}"
    svg = drawing(key, TITLE, description, height, *parts)
    return Plot(TITLE, svg, note)


def _read(details: Mapping[str, object]) -> Matrix | None:
    classes, rows = details.get("classes"), details.get("confusion")
    if not isinstance(classes, list) or not isinstance(rows, list) or not classes:
        return None
    if len(rows) != len(classes) or not all(_is_row(row, len(classes)) for row in rows):
        return None
    totals = [sum(row) for row in rows]
    heaviest = sorted(range(len(rows)), key=lambda code: (-totals[code], code))[:MOST_CLASSES]
    kept = sorted(heaviest)
    return Matrix(
        classes=tuple(str(classes[code]) for code in kept),
        counts=tuple(tuple(rows[row][column] for column in kept) for row in kept),
        all_classes=len(classes),
        all_rows=sum(totals),
        row_totals=tuple(totals[code] for code in kept),
    )


def _is_row(row: object, length: int) -> bool:
    return (
        isinstance(row, list)
        and len(row) == length
        and all(type(count) is int and count >= 0 for count in row)
    )


def _places(matrix: Matrix) -> list[tuple[int, int]]:
    codes = range(len(matrix.classes))
    return [(row, column) for row in codes for column in codes]


def _cell(matrix: Matrix, row: int, column: int, box: Box, size: float) -> Markup:
    count, total = matrix.counts[row][column], matrix.row_totals[row]
    share = count / total if total else 0.0
    x, y = box.left + column * size, box.top + row * size
    middle, shade = x + size / 2, round(share * MOST_SHADE, 2)
    parts = [
        rectangle(x, y, size, size, "paper"),
        element("rect", x=x, y=y, width=size, height=size, class_="heat", fill_opacity=shade),
    ]
    roomy = size >= 60
    y_count = y + size / 2 + (0 if roomy else 4)
    parts.append(label(middle, y_count, f"{count:,}", text_anchor="middle"))
    if roomy and total:
        text = f"{share:.1%}"
        parts.append(label(middle, y_count + 17, text, class_="small", text_anchor="middle"))
    return Markup("").join(parts)


def _names(matrix: Matrix, box: Box, size: float, *, turned: bool) -> Markup:
    parts = []
    for code, name in enumerate(map(_short, matrix.classes)):
        along = (code + 0.5) * size
        parts.append(label(box.left - 8, box.top + along + 4, name, text_anchor="end"))
        x, y = box.left + along, box.bottom + 18
        if turned:
            turn = f"rotate(-40 {x:.1f} {y:.1f})"
            parts.append(label(x, y, name, text_anchor="end", transform=turn))
        else:
            parts.append(label(x, y, name, text_anchor="middle"))
    return Markup("").join(parts)


def _short(name: str) -> str:
    """Cut in the middle, because names of classes often differ only at their ends."""
    shown = plain(name)
    half = NAME_LIMIT // 2
    return shown if len(shown) <= NAME_LIMIT else f"{shown[: half - 1]}…{shown[-half:]}"


def _axes(box: Box, height: float, longest: float) -> Markup:
    x, y = box.left - longest - 20, (box.top + box.bottom) / 2
    middle, turned = (box.left + box.right) / 2, f"rotate(-90 {x:g} {y:g})"
    return Markup("").join(
        [
            label(middle, height - 12, "predicted class", class_="name", text_anchor="middle"),
            label(x, y, "true class", class_="name", text_anchor="middle", transform=turned),
        ]
    )


def _note(matrix: Matrix) -> str:
    shown = sum(map(sum, matrix.counts))
    note = f"n = {matrix.all_rows:,} rows. Shade and percentage: share of the true class's rows."
    if len(matrix.classes) < matrix.all_classes:
        note += (
            f" Cut: the {len(matrix.classes)} of {matrix.all_classes} classes with the most rows, "
            f"which hold {shown:,} of the rows; the JSON report has them all."
        )
    return note


def _in_words(matrix: Matrix) -> str:
    rights = [
        f"{plain(name, 20)} {matrix.counts[code][code]:,} of {matrix.row_totals[code]:,}"
        for code, name in enumerate(matrix.classes)
    ]
    return f"Right by class: {'; '.join(rights)}."
