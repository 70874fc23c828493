"""YAML as a tree that knows its line numbers, read within bounds.

Used for holdpoint.yml, Kubernetes manifests and CI workflows, all of which may be hostile: the
size, depth and number of nodes are bounded, aliases share one node and are never expanded, and a
node that contains itself is refused. Keys are kept as they are written (`on` stays `on`). It
deliberately knows nothing about what the documents mean.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_BYTES = 2 << 20
MAX_DEPTH = 64
MAX_NODES = 200_000
MAX_DOCUMENTS = 1_000

Scalar = str | int | float | bool | None
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MERGE = "<<"


class YamlError(Exception):
    """The text is not YAML that can be read here; `line` counts from 1."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


@dataclass(eq=False)
class Node:
    """One value and the line it starts on. `text` is a scalar as it was written."""

    line: int
    mapping: dict[str, Node] | None = None
    sequence: list[Node] | None = None
    scalar: Scalar = None
    text: str | None = None
    style: str | None = None  # "|" and ">" are block scalars, whose text begins a line below
    key_lines: dict[str, int] = field(default_factory=dict)
    repeated: dict[str, int] = field(default_factory=dict)  # keys written again, with that line

    def get(self, *path: str) -> Node | None:
        """The node at the end of a path of mapping keys, or None."""
        node: Node | None = self
        for key in path:
            if node is None or node.mapping is None:
                return None
            node = node.mapping.get(key)
        return node

    def string(self, *path: str) -> str | None:
        """The text of the scalar at `path`, or None."""
        node = self.get(*path)
        return node.text if node is not None else None

    def items(self) -> Iterator[tuple[str, Node]]:
        """Keys and values of a mapping; nothing for anything else."""
        yield from (self.mapping or {}).items()

    def elements(self) -> Iterator[Node]:
        """The elements of a sequence; nothing for anything else."""
        yield from self.sequence or ()

    def line_of(self, *path: str) -> int:
        """The line of the last key of `path` that exists, else this node's own."""
        line, node = self.line, self
        for key in path:
            child = node.get(key)
            if child is None:
                break
            line, node = node.key_lines.get(key, child.line), child
        return line

    def text_lines(self) -> Iterator[tuple[int, str]]:
        """The lines of a scalar's text with their numbers; exact for single lines and `|`."""
        first = self.line + 1 if self.style in {"|", ">"} else self.line
        for offset, text in enumerate((self.text or "").splitlines()):
            yield first + offset, text

    def walk(self) -> Iterator[Node]:
        """This node and all below it, each once however often it is shared."""
        seen: set[int] = set()
        pending = [self]
        while pending:
            node = pending.pop()
            if id(node) in seen:
                continue
            seen.add(id(node))
            yield node
            pending.extend((node.mapping or {}).values())
            pending.extend(node.sequence or ())

    def kind(self) -> str:
        """What a person calls this value."""
        if self.mapping is not None:
            return "a mapping"
        if self.sequence is not None:
            return "a list"
        names = {str: "a string", bool: "true or false", int: "a number", float: "a number"}
        return names.get(type(self.scalar), "empty")


def read(payload: bytes) -> list[Node]:
    """The documents of a YAML stream; empty documents are left out. Raises YamlError."""
    if len(payload) > MAX_BYTES:
        raise YamlError(f"larger than {MAX_BYTES >> 20} MiB", 1)
    try:
        text = payload.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise YamlError("not UTF-8", payload[: error.start].count(b"\n") + 1) from error
    try:
        return _Builder().build(yaml.parse(text, Loader=_Loader))
    except yaml.MarkedYAMLError as error:
        last = text.count("\n", 0, len(text) - 1) + 1  # the mark may stand behind the end
        line = min(error.problem_mark.line + 1, last) if error.problem_mark else 1
        raise YamlError(error.problem or "not YAML", line) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise YamlError("not YAML", 1) from error


class _Builder:
    """Turns parse events into nodes without recursion, counting as it goes."""

    def __init__(self) -> None:
        self._resolver: Any = yaml.SafeLoader("")
        self._count = 0
        self._anchors: dict[str, Node] = {}
        self._open: list[Node] = []
        self._keys: list[tuple[str, int] | None] = []
        self._written: list[set[str]] = []  # the keys of each open mapping, merges left out
        self._roots: list[Node] = []

    def build(self, events: Iterator[Any]) -> list[Node]:
        for event in events:
            line = event.start_mark.line + 1 if event.start_mark else 1
            if isinstance(event, yaml.DocumentStartEvent):
                self._anchors.clear()
                if len(self._roots) >= MAX_DOCUMENTS:
                    raise YamlError(f"more than {MAX_DOCUMENTS} documents", line)
            elif isinstance(event, yaml.AliasEvent):
                self._alias(event, line)
            elif isinstance(event, yaml.ScalarEvent):
                self._scalar(event, line)
            elif isinstance(event, yaml.MappingStartEvent):
                self._start(event, Node(line, mapping={}))
            elif isinstance(event, yaml.SequenceStartEvent):
                self._start(event, Node(line, sequence=[]))
            elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
                self._open.pop()
                self._keys.pop()
                self._written.pop()
        return [root for root in self._roots if root.text != ""]

    def _alias(self, event: Any, line: int) -> None:
        node = self._anchors.get(event.anchor)
        if node is None:
            raise YamlError(f"the alias *{event.anchor} has no anchor", line)
        if any(node is parent for parent in self._open):
            raise YamlError(f"the alias *{event.anchor} contains itself", line)
        self._place(node, line)

    def _scalar(self, event: Any, line: int) -> None:
        if self._open and self._open[-1].mapping is not None and self._keys[-1] is None:
            self._keys[-1] = (event.value, line)
            return
        node = Node(line, scalar=self._resolve(event), text=event.value, style=event.style)
        self._remember(event, node)
        self._place(node, line)

    def _start(self, event: Any, node: Node) -> None:
        if len(self._open) >= MAX_DEPTH:
            raise YamlError(f"nested deeper than {MAX_DEPTH} levels", node.line)
        self._remember(event, node)
        self._place(node, node.line)
        self._open.append(node)
        self._keys.append(None)
        self._written.append(set())

    def _remember(self, event: Any, node: Node) -> None:
        if event.anchor:
            self._anchors[event.anchor] = node

    def _place(self, node: Node, line: int) -> None:
        self._count += 1
        if self._count > MAX_NODES:
            raise YamlError(f"more than {MAX_NODES} values", line)
        if not self._open:
            self._roots.append(node)
            return
        parent = self._open[-1]
        if parent.sequence is not None:
            parent.sequence.append(node)
            return
        if self._keys[-1] is None:
            raise YamlError("a key that is itself a list or mapping", line)
        key, key_line = self._keys[-1]
        self._keys[-1] = None
        self._insert(parent, key, key_line, node)

    def _insert(self, parent: Node, key: str, line: int, node: Node) -> None:
        mapping = parent.mapping if parent.mapping is not None else {}
        if key == _MERGE:
            for source in node.elements() if node.sequence is not None else [node]:
                for name, value in list(source.items()):
                    self._count += 1
                    mapping.setdefault(name, value)
                    parent.key_lines.setdefault(name, source.key_lines.get(name, line))
            return
        if key in self._written[-1]:
            parent.repeated[key] = line
        self._written[-1].add(key)
        mapping[key] = node
        parent.key_lines[key] = line

    def _resolve(self, event: Any) -> Scalar:
        plain, quoted = event.implicit
        tag = event.tag if event.tag and not plain and not quoted else None
        try:
            if tag is None:
                tag = self._resolver.resolve(yaml.ScalarNode, event.value, (plain, quoted))
            value = self._resolver.construct_object(yaml.ScalarNode(tag, event.value))
        except (yaml.YAMLError, ValueError, OverflowError):
            return str(event.value)
        return value if isinstance(value, str | int | float | bool | None) else str(event.value)
