"""Fault M8: a model can make up its predictions, and nothing else."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from checks.sandbox import Kind, Limits, ModelFailed, ModelSession
from checks.sandbox.errors import TEXT_LIMIT
from tests.checks.sandbox.payloads import model_of, predictor, table

if TYPE_CHECKING:
    from collections.abc import Iterator

OWN = Path(sys.executable)
LIMITS = Limits(wall_s=60, output_bytes=1 << 20)
# The result pipe's number is no secret to the model, and neither is the frame.
FORGE = """
import json, os, struct, sys
def say(frame):
    while frame:
        frame = frame[os.write(int(sys.argv[2]), frame):]
def forged(header, body=b"", magic=b"HPT1", length=None):
    text = json.dumps(header).encode() if isinstance(header, dict) else header
    size = len(body) if length is None else length
    return struct.pack("<4sIQ", magic, len(text), size) + text + body
def forge(*given, **named):
    say(forged(*given, **named))
"""
ONES = "{'id': 3, 'array': {'kind': 'i8', 'shape': [3]}}, struct.pack('<3q', 1, 1, 1)"


@pytest.fixture
def session() -> Iterator[ModelSession]:
    with ModelSession(OWN, limits=LIMITS) as opened:
        yield opened


def load_and_ask(session: ModelSession, payload: bytes) -> None:
    session.load(payload, "pickle")
    session.predict(table())


def failure(session: ModelSession, payload: bytes) -> ModelFailed:
    """How loading and asking the model fails."""
    with pytest.raises(ModelFailed) as caught:
        load_and_ask(session, payload)
    assert "\n" not in caught.value.sentence
    return caught.value


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("[1, 2, 3]", np.array([1, 2, 3])),
        ("[0.5, float('nan'), float('inf')]", np.array([0.5, np.nan, np.inf])),
        ("['no', 'yes', 'ja']", np.array(["no", "yes", "ja"], object)),
        ("[True, False, True]", np.array([True, False, True])),
        ("[[1, 2], [3, 4], [5, 6]]", np.array([[1, 2], [3, 4], [5, 6]])),
        ("__import__('numpy').array([1, None, 2.5], object)", np.array([1, np.nan, 2.5])),
        ("__import__('numpy').array([2**63], 'u8').repeat(3)", np.full(3, 2.0**63)),
    ],
)
def test_plain_answers_cross_as_they_are(
    session: ModelSession, answer: str, expected: np.ndarray[tuple[int], np.dtype[np.generic]]
) -> None:
    session.load(predictor(f"return {answer}"), "pickle")
    values = session.predict(table()).values
    assert values.dtype == expected.dtype
    np.testing.assert_array_equal(values, expected)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ("[object()] * 3", "objects of type object"),
        ("[1j] * 3", "complex128"),
        ("7", "0 dimensions"),
        ("__import__('numpy').zeros((3, 1, 1))", "3 dimensions"),
        ("[1, 2]", "2 answers for 3 rows"),
        ("__import__('numpy').array(['2020-01-01'] * 3, 'M8[D]')", "datetime64"),
    ],
)
def test_m8_what_is_no_plain_array_is_refused(
    session: ModelSession, answer: str, says: str
) -> None:
    caught = failure(session, predictor(f"return {answer}"))
    assert caught.kind is Kind.REFUSED
    assert says in caught.sentence


def test_m8_an_array_hook_runs_in_the_child_only(session: ModelSession) -> None:
    hook = "class Hook:\n    def __array__(self, *_, **__): return [1, 2, 3]"
    caught = failure(session, predictor("return Hook()", hook))
    assert caught.kind in (Kind.RAISED, Kind.REFUSED)


def test_m8_a_forged_answer_is_a_prediction_and_never_a_second_one(session: ModelSession) -> None:
    session.load(predictor(f"forge({ONES})\nreturn [2, 2, 2]", FORGE), "pickle")
    assert session.predict(table()).values.tolist() == [1, 1, 1]
    with pytest.raises(ModelFailed) as caught:
        session.predict(table())
    assert caught.value.kind is Kind.PROTOCOL


def test_m8_no_answer_lies_ready_before_the_question(session: ModelSession) -> None:
    """Else the second would seem to take no time."""
    next_one = ONES.replace("'id': 3", "'id': 4")
    session.load(predictor(f"say(forged({ONES}) + forged({next_one}))", FORGE), "pickle")
    session.predict(table())
    with pytest.raises(ModelFailed, match="without being asked") as caught:
        session.predict(table())
    assert caught.value.kind is Kind.PROTOCOL


@pytest.mark.parametrize(
    "body",
    [
        "os.write(int(sys.argv[2]), b'no frame at all, but long enough')",
        f"forge({ONES}, magic=b'NOPE')",
        "forge({'id': 3}, length=1 << 60)",
        "forge({'id': 3, 'array': {'kind': 'i8', 'shape': [3]}}, b'short')",
        "forge({'id': 3, 'array': {'kind': 'i8', 'shape': [10**30]}})",
        "forge({'id': 3, 'array': {'kind': 'i8', 'shape': [-3]}})",
        "forge({'id': 3, 'array': {'kind': 'i8', 'shape': [0, 10**15]}})",
        "forge({'id': 3, 'array': {'kind': 'O', 'shape': [3]}}, bytes(24))",
        "forge({'id': 3, 'array': {'kind': 'i8', 'shape': [3]}}, bytes(32))",
        "forge({'id': 3, 'array': {'kind': 'str', 'shape': [1], 'bytes': 9}}, bytes(17))",
        "forge({'id': 4, 'array': {'kind': 'i8', 'shape': [3]}}, bytes(24))",
        "forge(b'[' * 100_000)",
        "forge(b'{\"id\": NaN}')",
        "forge(b'\\xff\\xfe')",
        "forge(b'[]')",
        "forge({'id': 3})",
    ],
)
def test_m8_what_is_no_frame_ends_the_child(session: ModelSession, body: str) -> None:
    caught = failure(session, predictor(f"{body}\nreturn [1, 2, 3]", FORGE))
    assert caught.kind is Kind.PROTOCOL
    assert not Path(f"/proc/{session.pid}").exists()


def test_m8_an_answer_over_the_limit_is_refused(session: ModelSession) -> None:
    body = "return __import__('numpy').zeros((3, 1_000_000))"
    assert failure(session, predictor(body)).kind is Kind.PROTOCOL


def test_m8_the_parent_keeps_the_time(session: ModelSession) -> None:
    patch = "import time\nsleep = time.sleep\ntime.monotonic = time.perf_counter = lambda: 0.0"
    session.load(predictor("sleep(0.2)\nreturn [1, 2, 3]", patch), "pickle")
    assert session.predict(table()).seconds >= 0.2


@pytest.mark.parametrize(
    ("body", "kind", "says"),
    [
        ("import os; os._exit(0)", Kind.CRASHED, "exit code 0"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", Kind.CRASHED, "SIGSEGV"),
        ("import os; os.kill(os.getpid(), 40)", Kind.CRASHED, "signal 40"),
        ("import sys; sys.exit(0)", Kind.RAISED, "SystemExit"),
        ("raise KeyboardInterrupt", Kind.RAISED, "KeyboardInterrupt"),
        ("import os, sys; os.close(int(sys.argv[2]))", Kind.CRASHED, ""),
        ("return missing", Kind.RAISED, "NameError: name 'missing' is not defined"),
    ],
)
def test_m8_no_way_of_ending_is_a_success(
    session: ModelSession, body: str, kind: Kind, says: str
) -> None:
    caught = failure(session, predictor(body))
    assert caught.kind is kind
    assert says in caught.sentence


def test_ending_while_being_loaded_is_a_crash(session: ModelSession) -> None:
    caught = failure(session, model_of("import os; os._exit(3)"))
    assert caught.kind is Kind.CRASHED
    assert "exit code 3 while being loaded" in caught.sentence


def test_a_models_words_are_cut_and_made_printable(session: ModelSession) -> None:
    text = "raise ValueError('a\\x1b[31m\\n::set-output name=x::y\\u202e' + 'b' * 10**6)"
    caught = failure(session, predictor(text))
    assert caught.kind is Kind.RAISED
    assert "\x1b" not in caught.sentence
    assert "\u202e" not in caught.sentence
    assert len(caught.sentence) < TEXT_LIMIT + 200


def test_an_exception_without_words_is_named(session: ModelSession) -> None:
    odd = "class Odd(Exception):\n    def __str__(self): raise self"
    assert "Odd" in failure(session, predictor("raise Odd", odd)).sentence


def test_after_an_exception_the_model_can_be_asked_again(session: ModelSession) -> None:
    once = "if not asked.pop(): raise ValueError('the first time')\nreturn [1, 2, 3]"
    session.load(predictor(once, "asked = [True, False]"), "pickle")
    with pytest.raises(ModelFailed, match="the first time"):
        session.predict(table())
    assert session.predict(table()).values.tolist() == [1, 2, 3]


def test_after_the_end_every_request_says_so(session: ModelSession) -> None:
    first = failure(session, predictor("import os; os._exit(0)"))
    with pytest.raises(ModelFailed, match="The child is gone") as caught:
        session.predict(table())
    assert first.sentence in caught.value.sentence
