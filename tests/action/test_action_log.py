"""Nothing that a model or repository brings becomes a workflow command."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from checks.action_log import InertStream, Log, inert_streams
from tests.action.runner_files import commands

if TYPE_CHECKING:
    import pytest

pieces = st.lists(
    st.one_of(
        st.sampled_from(
            ["::", ":", "#", "##[", "[", "]", "add-mask", "set-output name=x", "\n", "\r", "\x85"]
        ),
        st.text(max_size=5),
    )
)


def test_the_oracle_knows_commands() -> None:
    assert commands("  ::add-mask::x") == ["add-mask"]
    assert commands("x ##[set-output name=a]b") == ["set-output"]
    assert commands("a\r::error file=x::b") == ["error"]
    assert commands("a ::error::b") == []


@given(pieces)
def test_a4_no_text_becomes_a_command(texts: list[str]) -> None:
    target = io.StringIO()
    stream = InertStream(target)
    for text in texts:  # piece by piece: a command put together from several writes
        stream.write(text)
        stream.flush()
    stream.finish()
    assert commands(target.getvalue()) == []


@given(pieces)
def test_our_own_commands_hold_any_text_in_one_line(texts: list[str]) -> None:
    target = io.StringIO()
    Log(target).error("".join(texts))
    assert target.getvalue().count("\n") == 1
    assert "\r" not in target.getvalue()
    assert target.getvalue().startswith("::error title=Holdpoint::")


def test_plain_text_is_left_as_it_is() -> None:
    target = io.StringIO()
    Log(target).say("## Heading\nC++ std :: and a:b #1")
    assert target.getvalue() == "## Heading\nC++ std : : and a:b #1\n"


def test_within_it_every_print_is_inert(capsys: pytest.CaptureFixture[str]) -> None:
    with inert_streams() as log:
        print("::add-mask::secret")
        print("x ##[stop-commands]y", file=sys.stderr)
        sys.stdout.write("::half")
        log.error("meant")
    out, err = capsys.readouterr()
    assert commands(out) == ["error"]
    assert commands(err) == []
    assert ": :half" in out
