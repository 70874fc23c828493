"""Cleaning and cutting text for GitHub."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.publish.text import clean, cut, cut_markdown

NOTE = "*cut*"


def test_clean_drops_what_a_reader_cannot_see() -> None:
    assert clean("a\x00b\x1b[31mc\u202ed\r\ne\rf\tg") == "ab[31mcd\ne\nf\tg"
    assert clean("\ud800") == "?"


@given(st.text(), st.integers(3, 40))
def test_cut_holds_its_limit(text: str, limit: int) -> None:
    short = cut(clean(text), limit)
    assert len(short.encode()) <= limit
    assert short == clean(text) or short.endswith("…")


@given(st.lists(st.sampled_from(["word", "```", "~~~~", "<details>", "</details>", "| a |"])))
def test_cut_markdown_holds_its_limit_and_says_so(lines: list[str]) -> None:
    text = "\n".join(lines)
    short = cut_markdown(text, 60, NOTE)
    assert len(short.encode()) <= 60
    assert short == text or NOTE in short


@pytest.mark.parametrize(
    ("opening", "closing"),
    [("```json", "```"), ("~~~~", "~~~~"), ("<details><summary>x</summary>", "</details>")],
)
def test_what_a_cut_leaves_open_is_closed_before_the_note(opening: str, closing: str) -> None:
    text = "\n".join([opening, *["0123456789"] * 50])
    short = cut_markdown(text, 200, NOTE)
    assert short.index(closing, len(opening)) < short.index(NOTE)
    assert short.startswith(opening)


def test_one_endless_line_is_left_out() -> None:
    assert cut_markdown("x" * 200_000, 100, NOTE).strip() == NOTE
