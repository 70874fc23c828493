"""A YAML file read strictly: every step into it knows its own path for the sentence of an error.

Used by `bot.settings` only. Duplicate keys, unknown keys and wrong types are errors; nothing is
converted.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    import re
    from collections.abc import Hashable
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
    return Node(path.name, value)


class _Loader(yaml.SafeLoader):
    """SafeLoader keeps the last of two equal keys; here that is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    problem=f"the key {key.value!r} stands there twice",
                    problem_mark=key.start_mark,
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


class Node:
    """A mapping and where it stands."""

    def __init__(self, where: str, value: object) -> None:
        if not isinstance(value, dict):
            raise SettingsError(f"{where}: a mapping was expected")
        self._where = where
        self._value: dict[str, Any] = {str(key): item for key, item in value.items()}

    def names(self) -> tuple[str, ...]:
        """The keys, in the file's order."""
        return tuple(self._value)

    def wrong(self, expected: str, key: str | None = None) -> SettingsError:
        """The error for this node, or for one of its keys."""
        where = self._where if key is None else f"{self._where}: {key}"
        return SettingsError(f"{where}: expected {expected}")

    def only(self, *names: str) -> None:
        """Raises for a key that is not among `names`, naming the nearest."""
        for key in self._value:
            if key not in names:
                near = difflib.get_close_matches(key, names, n=1)
                hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(names)}"
                raise SettingsError(f"{self._where}: unknown key {key!r}; {hint}")

    def child(self, key: str, *, optional: bool = False) -> Node:
        """The mapping under `key`; an empty one where it is missing and `optional`."""
        if key not in self._value and optional:
            return Node(f"{self._where}: {key}", {})
        if key not in self._value:
            raise self.wrong("a mapping, and it is missing", key)
        return Node(f"{self._where}: {key}", self._value[key])

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
        if not isinstance(value, str) or not value.strip():
            raise self.wrong(expected, key)
        if pattern is not None and not pattern.fullmatch(value):
            raise self.wrong(f"{expected}, found {value!r}", key)
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

    def whole(self, key: str, least: int) -> int:
        """A whole number of at least `least`."""
        value = self._value.get(key)
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise self.wrong(f"a whole number of at least {least}", key)
        return value

    def number(self, key: str, *, above: float, most: float, default: float) -> float:
        """A number in the range; NaN is in none."""
        value = self._value.get(key, default)
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise self.wrong("a number", key)
        if not above < value <= most:
            raise self.wrong(f"a number above {max(above, 0):g} and at most {most:g}", key)
        return float(value)
