"""YAML with line numbers: right places, and hostile documents end within bounds."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from checks.yaml_nodes import MAX_DEPTH, Node, YamlError, read

TEXT = b"""\
# a comment
on: {push: {}}
base: &base
  image: python:3.12
  port: 80
job:
  <<: *base
  port: 8080
  run: |
    echo one
    make two
---
list: [a, !custom b, 3, yes, "yes", 2020-99-99]
---
"""


def plain(node: Node) -> object:
    """The node as PyYAML would have built it, keys as written."""
    if node.mapping is not None:
        return {key: plain(value) for key, value in node.items()}
    if node.sequence is not None:
        return [plain(each) for each in node.elements()]
    return node.scalar


def test_values_keys_and_lines() -> None:
    first, second = read(TEXT)
    assert plain(first.get("job") or first) == {
        "image": "python:3.12",
        "port": 8080,
        "run": "echo one\nmake two\n",
    }
    assert first.get("on") is not None
    assert first.line_of("base", "port") == 5
    assert first.line_of("job", "port") == 8
    assert first.line_of("job", "absent") == 6
    run = first.get("job", "run")
    assert run is not None
    assert list(run.text_lines()) == [(10, "echo one"), (11, "make two")]
    values = second.get("list")
    assert values is not None
    assert plain(values) == ["a", "b", 3, True, "yes", "2020-99-99"]


@pytest.mark.parametrize(
    ("payload", "line", "sentence"),
    [
        (b"a: 1\nb: &x [*x]", 2, "contains itself"),
        (b"a: *nothing", 1, "has no anchor"),
        (b"\n" + b"[" * (MAX_DEPTH + 1), 2, "nested deeper"),
        (b"a: {b", 1, "expected"),
        (b"a: 1\n\xff", 2, "not UTF-8"),
        (b"? [1, 2]\n: 3", 1, "a key that is itself"),
        (b"a\n" * (2 << 20), 1, "larger than"),
        (b"---\na: 1\n" * 1001, 2001, "documents"),
    ],
)
def test_what_cannot_be_read_says_where(payload: bytes, line: int, sentence: str) -> None:
    with pytest.raises(YamlError, match=sentence) as caught:
        read(payload)
    assert caught.value.line == line


def test_an_alias_bomb_stays_small() -> None:
    levels = [b"l0: &l0 [x, x, x, x, x, x, x, x, x]"]
    for n in range(1, 30):
        levels.append(b"l%d: &l%d [%s]" % (n, n, b", ".join([b"*l%d" % (n - 1)] * 9)))
    (document,) = read(b"\n".join(levels))
    assert len(list(document.walk())) < 100


def test_a_merge_bomb_is_counted() -> None:
    keys = b", ".join(b"k%d: 1" % n for n in range(1000))
    merges = b"\n".join(b"m%d: {<<: *a}" % n for n in range(500))
    with pytest.raises(YamlError, match="more than"):
        read(b"a: &a {" + keys + b"}\n" + merges)


def test_no_tag_makes_an_object() -> None:
    (document,) = read(b"a: !!python/object/apply:os.getcwd []\nb: !!python/name:os.system ''")
    assert plain(document) == {"a": [], "b": ""}


# PyYAML writes these line breaks plain and folds them: its writer's loss, not our reader's.
KEYS = st.text(st.characters(codec="utf-8", exclude_characters="\x85\u2028\u2029"), min_size=1)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="ascii")),
        lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner),
        max_leaves=20,
    )
)
def test_what_yaml_writes_is_read_back(value: object) -> None:
    documents = read(yaml.safe_dump(value, allow_unicode=True).encode())
    if value is None or value == "":
        return
    assert plain(documents[0]) == value


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_else(payload: bytes) -> None:
    try:
        read(payload)
    except YamlError as error:
        assert error.line >= 1  # noqa: PT017 - the other outcome is a tree
