"""A YAML file read strictly: every step into it knows its file, line and path for an error.

Used by `bot.settings` and `bot.reading` only. Duplicate keys, unknown keys and wrong types are
errors; nothing is converted.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    import re
    from pathlib import Path

LARGEST_FILE = 1 << 20  # bytes
_REQUIRED: Any = object()


class SettingsError(Exception):
    """A setting that cannot be used; the message is one sentence."""


def read_yaml(path: Path) -> Node:
    """The file's top-level mapping. Raises SettingsError."""
    try:
        payload = path.read_bytes()
    except OSError as error:
        raise SettingsError(f"cannot read {path}: {error.strerror}") from error
    if len(payload) > LARGEST_FILE:
        raise SettingsError(f"{path} is larger than {LARGEST_FILE} bytes")
    try:
        value = yaml.load(payload, _Loader)  # noqa: S506 - a SafeLoader that also refuses duplicates
    except yaml.YAMLError as error:
        raise SettingsError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
    return Node(path.name, (), value, 1)


class _Mapping(dict[str, Any]):
    """A mapping that remembers on which line each key stands."""

    lines: dict[str, int]


class _Loader(yaml.SafeLoader):
    """SafeLoader keeps the last of two equal keys; here that is an error."""


def _construct(loader: _Loader, node: yaml.MappingNode) -> Iterator[_Mapping]:
    found = _Mapping()
    found.lines = {}
    yield found
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise yaml.constructor.ConstructorError(
                problem="a key is not plain text", problem_mark=key.start_mark
            )
        if key.value in found.lines:
            raise yaml.constructor.ConstructorError(
                problem=f"the key {key.value!r} stands there twice", problem_mark=key.start_mark
            )
        found.lines[key.value] = key.start_mark.line + 1
    loaded = loader.construct_mapping(node)
    found.update({str(key): value for key, value in loaded.items()})


_Loader.add_constructor("tag:yaml.org,2002:map", _construct)


class Node:
    """A mapping and where it stands."""

    def __init__(self, file: str, path: tuple[str, ...], value: object, line: int) -> None:
        self._file, self._path, self._line = file, path, line
        if not isinstance(value, dict):
            raise self._error("a mapping was expected")
        self._value: dict[str, Any] = value
        self._lines: dict[str, int] = getattr(value, "lines", {})

    def names(self) -> tuple[str, ...]:
        """The keys, in the file's order."""
        return tuple(self._value)

    def has(self, key: str) -> bool:
        """Whether the key stands there."""
        return key in self._value

    def wrong(self, expected: str, key: str | None = None) -> SettingsError:
        """The error for this node, or for one of its keys: file, line, key, what was expected."""
        return self._error(f"expected {expected}", key)

    def only(self, *names: str) -> None:
        """Raises for a key that is not among `names`, naming the nearest."""
        for key in self._value:
            if key not in names:
                raise self._error(f"unknown key {key!r}; {nearest(key, names)}", line=key)

    def child(self, key: str, *, optional: bool = False) -> Node:
        """The mapping under `key`; an empty one where it is missing and `optional`."""
        if key not in self._value and not optional:
            raise self.wrong("a mapping, and it is missing", key)
        line = self._lines.get(key, self._line)
        return Node(self._file, (*self._path, key), self._value.get(key, {}), line)

    def children(self, key: str) -> tuple[Node, ...]:
        """The mappings of a list under `key`; missing is none."""
        value = self._value.get(key, [])
        if not isinstance(value, list):
            raise self.wrong("a list of mappings", key)
        line = self._lines.get(key, self._line)
        path = (*self._path, key)
        return tuple(
            Node(self._file, (*path, str(number)), item, _first_line(item, line))
            for number, item in enumerate(value, 1)
        )

    def constant(self, key: str, expected: int) -> None:
        """Raises unless the value is exactly this."""
        if self._value.get(key) != expected or isinstance(self._value.get(key), bool):
            raise self.wrong(str(expected), key)

    def text(
        self, key: str, pattern: re.Pattern[str] | None, expected: str, default: str = _REQUIRED
    ) -> str:
        """A non-empty string that matches `pattern` whole."""
        value = self._value.get(key, default)
        if value is _REQUIRED:
            raise self.wrong(f"{expected}, and it is missing", key)
        if value is default:
            return str(value)
        if not isinstance(value, str) or not value.strip():
            raise self.wrong(expected, key)
        if pattern is not None and not pattern.fullmatch(value):
            raise self.wrong(f"{expected}, found {value!r}", key)
        return value

    def one_of(self, key: str, known: Collection[str], expected: str, default: str) -> str:
        """One of these words; anything else names the nearest."""
        value = self._value.get(key, default)
        if not isinstance(value, str) or (value not in known and value != default):
            hint = nearest(str(value), sorted(known))
            raise self.wrong(f"{expected}, found {value!r}; {hint}", key)
        return value

    def texts(
        self, key: str, pattern: re.Pattern[str], expected: str, least: int = 0
    ) -> tuple[str, ...]:
        """A list of such strings; missing is empty."""
        value = self._value.get(key, [])
        if not isinstance(value, list) or len(value) < least:
            raise self.wrong(f"a list of {expected}", key)
        for item in value:
            if not isinstance(item, str) or not pattern.fullmatch(item):
                raise self.wrong(f"a list of {expected}, found {item!r}", key)
        return tuple(value)

    def whole(self, key: str, least: int, most: int | None = None, default: int = _REQUIRED) -> int:
        """A whole number of at least `least`."""
        value = self._value.get(key, default)
        fits = isinstance(value, int) and not isinstance(value, bool) and value >= least
        if not fits or (most is not None and value > most):
            upto = "" if most is None else f" and at most {most}"
            raise self.wrong(f"a whole number of at least {least}{upto}", key)
        return int(value)

    def flag(self, key: str, *, default: bool) -> bool:
        """true or false."""
        value = self._value.get(key, default)
        if not isinstance(value, bool):
            raise self.wrong("true or false", key)
        return value

    def number(self, key: str, *, above: float, most: float, default: float) -> float:
        """A number in the range; NaN is in none."""
        value = self._value.get(key, default)
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise self.wrong("a number", key)
        if not above < value <= most:
            raise self.wrong(f"a number above {max(above, 0):g} and at most {most:g}", key)
        return float(value)

    def _error(
        self, sentence: str, key: str | None = None, line: str | None = None
    ) -> SettingsError:
        found = key if line is None else line
        at = self._lines.get(found, self._line) if found and hasattr(self, "_lines") else self._line
        where = ": ".join([*self._path, *([key] if key else [])])
        return SettingsError(f"{self._file}:{at}: {where}{': ' if where else ''}{sentence}")


def nearest(word: str, known: Collection[str]) -> str:
    """`did you mean 'x'?`, or what is known."""
    near = difflib.get_close_matches(word, list(known), n=1)
    return f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known) or 'none'}"


def _first_line(item: object, otherwise: int) -> int:
    lines = getattr(item, "lines", None)
    return min(lines.values()) if lines else otherwise
