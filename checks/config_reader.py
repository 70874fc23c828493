"""Reads nodes into settings, strictly: every complaint names file, line, key and what was expected.

Used by `checks.config` and `checks.config_flat`. It knows dataclasses and their fields, and
deliberately nothing about what the keys mean. Where each value was written is kept in `origins`.
"""

from __future__ import annotations

import dataclasses
import difflib
import types
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from checks.errors import ConfigError
from checks.yaml_nodes import Node

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

T = TypeVar("T")
LONGEST_LIST = 30  # names of a "known are" list


@dataclass(frozen=True)
class Reader:
    """Reads one file; `origins` maps each key that was read to its line."""

    source: str
    origins: dict[str, int] = field(default_factory=dict)

    def section(self, kind: type[T], node: Node | None, key: str) -> T:
        """A dataclass from a mapping; what is not written has its default."""
        return kind(**self.values(kind, node, key))

    def values(
        self, kind: type[Any], node: Node | None, key: str, given: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """The fields that a mapping sets, over those `given`. Raises ConfigError."""
        fields = [f for f in dataclasses.fields(kind) if not f.metadata.get("derived")]
        if node is None or is_empty(node):
            node = Node(node.line if node is not None else 1, mapping={})
        self.known_keys(node, key, [f.name for f in fields])
        hints = get_type_hints(kind)
        values = dict(given or {})
        for each in fields:
            child, path = node.get(each.name), f"{key}.{each.name}"
            if child is not None and not is_empty(child):
                self.origins[path] = child.line
                values[each.name] = self.value(child, path, hints[each.name], each.metadata)
            elif each.default is dataclasses.MISSING and each.name not in values:
                raise self.error(node, path, "is missing")
        return values

    def value(self, node: Node, key: str, hint: Any, metadata: Mapping[str, Any]) -> Any:
        """One value of the kind that `hint` asks for, within the field's bounds."""
        origin = get_origin(hint)
        if origin in {Union, types.UnionType}:
            (hint,) = (option for option in get_args(hint) if option is not type(None))
            return self.value(node, key, hint, metadata)
        if origin is tuple:
            element = get_args(hint)[0]
            kind = "string" if element is str else "number"
            if node.sequence is None:
                raise self.error(node, key, f"is {node.kind()}, expected a list of {kind}s")
            elements = enumerate(node.sequence)
            return tuple(self.value(e, f"{key}[{i}]", element, {}) for i, e in elements)
        if origin is Literal:
            return self._choice(node, key, list(get_args(hint)))
        if metadata.get("as_written") and node.text is not None:
            return node.text
        if hint in {float, int}:
            return self._number(node, key, hint, metadata)
        if isinstance(node.scalar, hint):
            return node.scalar
        expected = "true or false" if hint is bool else "a string"
        raise self.error(node, key, f"is {node.kind()} ({node.text}), expected {expected}")

    def known_keys(
        self, node: Node, key: str, known: Iterable[str], near: Iterable[str] = ()
    ) -> None:
        """Refuses anything but a mapping with these keys, each once; `near` may be meant too."""
        known = list(known)
        if node.mapping is None:
            what = f"is {node.kind()}, expected a mapping"
            raise self.error(node, key or "the configuration", what)
        for name, line in node.repeated.items():
            path = f"{key}.{name}" if key else name
            raise self.error(Node(line), path, "is said twice; keep one of them")
        for name, line in node.key_lines.items():
            if name not in known:
                path = f"{key}.{name}" if key else name
                raise self.error(Node(line), path, unknown_key(name, known, near))

    def error(self, node: Node, key: str, what: str) -> ConfigError:
        """What is wrong with a key, with its place."""
        return ConfigError(f"{self.source}:{node.line}: {key[:200]} {what[:600]}")

    def _number(self, node: Node, key: str, hint: type, metadata: Mapping[str, Any]) -> Any:
        value, low, high = node.scalar, metadata.get("low"), metadata.get("high")
        bounds = f" from {low:g} to {high:g}" if high is not None else " of at least 0"
        wanted = f"expected a {'whole ' if hint is int else ''}number{bounds}"
        kinds = int if hint is int else (int, float)
        if isinstance(value, bool) or not isinstance(value, kinds):
            raise self.error(node, key, f"is {node.kind()} ({node.text}), {wanted}")
        # Written so that NaN is refused as well.
        if not (value >= (low or 0.0) and value <= (float("1e18") if high is None else high)):
            raise self.error(node, key, f"is {node.text}, {wanted}")
        return hint(value)

    def _choice(self, node: Node, key: str, known: list[str]) -> str:
        if node.text not in known:
            raise self.error(node, key, unknown(str(node.text), known))
        return node.text


def unknown(name: str, known: Iterable[str]) -> str:
    """That a name is not among the known, with the nearest."""
    return _unknown(f"is unknown ({name!r})", name, list(known))


def unknown_key(name: str, known: Iterable[str], near: Iterable[str] = ()) -> str:
    """That a key is not among the known, with the nearest of them or of `near`."""
    return _unknown("is no key", name, list(known), list(near))


def is_empty(node: Node) -> bool:
    """Whether nothing was written after the key."""
    return node.mapping is None and node.sequence is None and node.scalar is None


def _unknown(lead: str, name: str, known: list[str], near: Iterable[str] = ()) -> str:
    nearest = difflib.get_close_matches(name, [*known, *near], n=1, cutoff=0.5)
    listed = ", ".join(known[:LONGEST_LIST]) or "none"
    if len(known) > LONGEST_LIST:
        listed += f" and {len(known) - LONGEST_LIST} more"
    return (
        f"{lead}; did you mean {nearest[0]!r}? Known: {listed}"
        if nearest
        else (f"{lead}; known: {listed}")
    )
