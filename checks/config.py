"""holdpoint.yml (YAML or JSON): what to judge and by which thresholds, read strictly.

`load` turns bytes into a `Config`, so that the publisher can pass the base branch's file and a pull
request cannot grade itself. The keys are the fields of the dataclasses below and, under `checks`,
of each check's own settings: a new check brings its keys along. Anything unknown or of the wrong
kind is a `ConfigError` that names file, line and key. It deliberately reads no disk.
"""

from __future__ import annotations

import dataclasses
import difflib
import types
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from checks.errors import ConfigError
from checks.report import Location
from checks.yaml_nodes import Node, YamlError, read

if TYPE_CHECKING:
    from collections.abc import Mapping

    from checks.check import Check

FILE_NAMES = ("holdpoint.yml", "holdpoint.yaml", ".github/holdpoint.yml")
VERSION = 1
T = TypeVar("T")


def number(default: float | None, low: float = 0.0, high: float | None = None) -> Any:
    """A field of a check's settings that holds a number within bounds."""
    return field(default=default, metadata={"low": low, "high": high})


def share(default: float) -> Any:
    """A field of a check's settings that holds a share from 0 to 1."""
    return number(default, 0.0, 1.0)


@dataclass(frozen=True)
class ModelConfig:
    """`model:` where the model is. Without a path the repository's only model file is taken."""

    path: str | None = None
    format: str | None = None
    task: Literal["classification", "regression"] | None = None


@dataclass(frozen=True)
class DataConfig:
    """`data:` the labelled rows that the model is judged on, and how to read them."""

    evaluation: str | None = None
    training: str | None = None
    target: str | None = None
    # Taken as it is written: an unquoted `yes` means the label "yes", not the boolean.
    positive_label: str | None = field(default=None, metadata={"as_written": True})
    ignore: tuple[str, ...] = ()


@dataclass(frozen=True)
class Declaration:
    """`declarations:` somebody says that something is in place; worth half, shown as declared."""

    item: str  # "<check>.<item>"
    says: str
    link: str | None = None
    where: Location | None = field(default=None, metadata={"derived": True})


@dataclass(frozen=True)
class Config:
    """Everything that can be configured. `settings` maps a check's name to its settings."""

    source: str | None = None
    model: ModelConfig = ModelConfig()
    data: DataConfig = DataConfig()
    declarations: tuple[Declaration, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)

    def of(self, check: Check) -> Any:
        """The settings of one check: what the file says over the check's defaults."""
        return self.settings.get(check.name) or check.settings()

    def declared(self, rule: str) -> Declaration | None:
        """What is declared about "<check>.<item>", if anything."""
        return next((each for each in self.declarations if each.item == rule), None)


def load(payload: bytes, source_name: str, checks: tuple[Check, ...]) -> Config:
    """The configuration in a file's bytes. Raises ConfigError."""
    try:
        documents = read(payload)
    except YamlError as error:
        raise ConfigError(f"{source_name}:{error.line}: {error}") from error
    if not documents:
        return Config(source=source_name)
    if len(documents) > 1:
        raise ConfigError(f"{source_name}:{documents[1].line}: expected one document, found more")
    return _Reader(source_name, checks).root(documents[0])


@dataclass(frozen=True)
class _Reader:
    """Reads nodes into dataclasses; every complaint names file, line and key."""

    source: str
    checks: tuple[Check, ...]

    def root(self, node: Node) -> Config:
        known = ("version", "model", "data", "declarations", "checks")
        self._known_keys(node, "", known)
        self._version(node)
        return Config(
            source=self.source,
            model=self._section(ModelConfig, node.get("model"), "model"),
            data=self._section(DataConfig, node.get("data"), "data"),
            declarations=self._declarations(node.get("declarations")),
            settings=self._settings(node.get("checks")),
        )

    def _version(self, node: Node) -> None:
        version = node.get("version")
        if version is not None and version.scalar != VERSION:
            raise self._error(version, "version", f"is {version.text!r}, expected {VERSION}")

    def _settings(self, node: Node | None) -> dict[str, Any]:
        if node is None or self._is_empty(node):
            return {}
        self._known_keys(node, "checks", tuple(check.name for check in self.checks))
        return {
            check.name: self._section(check.settings, node.get(check.name), f"checks.{check.name}")
            for check in self.checks
        }

    def _declarations(self, node: Node | None) -> tuple[Declaration, ...]:
        if node is None or self._is_empty(node):
            return ()
        if node.sequence is None:
            raise self._error(node, "declarations", f"is {node.kind()}, expected a list")
        rules = sorted(f"{check.name}.{item}" for check in self.checks for item in check.items)
        result = []
        for index, element in enumerate(node.elements()):
            key = f"declarations[{index}]"
            declaration = self._section(Declaration, element, key)
            if declaration.item not in rules:
                wrong = element.get("item") or element
                raise self._error(wrong, f"{key}.item", self._unknown(declaration.item, rules))
            where = Location(self.source, element.line)
            result.append(dataclasses.replace(declaration, where=where))
        return tuple(result)

    def _section(self, kind: type[T], node: Node | None, key: str) -> T:
        fields = [f for f in dataclasses.fields(kind) if not f.metadata.get("derived")]  # type: ignore[arg-type] # T is a dataclass
        if node is None or self._is_empty(node):
            node = Node(1, mapping={})
        self._known_keys(node, key, tuple(f.name for f in fields))
        hints = get_type_hints(kind)
        values = {}
        for each in fields:
            child = node.get(each.name)
            if child is not None and not self._is_empty(child):
                values[each.name] = self._value(
                    child, f"{key}.{each.name}", hints[each.name], each.metadata
                )
            elif each.default is dataclasses.MISSING:
                raise self._error(node, f"{key}.{each.name}", "is missing")
        return kind(**values)

    def _value(self, node: Node, key: str, hint: Any, metadata: Mapping[str, Any]) -> Any:
        origin = get_origin(hint)
        if origin in {Union, types.UnionType}:
            (hint,) = (option for option in get_args(hint) if option is not type(None))
            return self._value(node, key, hint, metadata)
        if origin is tuple:
            if node.sequence is None:
                raise self._error(node, key, f"is {node.kind()}, expected a list of strings")
            return tuple(
                self._value(e, f"{key}[{i}]", str, {}) for i, e in enumerate(node.sequence)
            )
        if origin is Literal:
            return self._choice(node, key, list(get_args(hint)))
        if metadata.get("as_written") and node.text is not None:
            return node.text
        if hint in {float, int}:
            return self._number(node, key, hint, metadata)
        if isinstance(node.scalar, hint):
            return node.scalar
        expected = "true or false" if hint is bool else "a string"
        raise self._error(node, key, f"is {node.kind()} ({node.text}), expected {expected}")

    def _number(self, node: Node, key: str, hint: type, metadata: Mapping[str, Any]) -> Any:
        value, low, high = node.scalar, metadata.get("low"), metadata.get("high")
        bounds = f" from {low:g} to {high:g}" if high is not None else " of at least 0"
        wanted = f"expected a {'whole ' if hint is int else ''}number{bounds}"
        kinds = int if hint is int else (int, float)
        if isinstance(value, bool) or not isinstance(value, kinds):
            raise self._error(node, key, f"is {node.kind()} ({node.text}), {wanted}")
        # Written so that NaN is refused as well.
        if not (value >= (low or 0.0) and value <= (float("1e18") if high is None else high)):
            raise self._error(node, key, f"is {node.text}, {wanted}")
        return hint(value)

    def _choice(self, node: Node, key: str, known: list[str]) -> str:
        if node.text not in known:
            raise self._error(node, key, self._unknown(str(node.text), known))
        return node.text

    def _known_keys(self, node: Node, key: str, known: tuple[str, ...]) -> None:
        if node.mapping is None:
            what = f"is {node.kind()}, expected a mapping"
            raise self._error(node, key or "the configuration", what)
        for name, line in node.key_lines.items():
            if name not in known:
                path = f"{key}.{name}" if key else name
                raise self._error(Node(line), path, self._unknown(name, list(known), "is no key"))

    def _unknown(self, name: str, known: list[str], lead: str = "is unknown") -> str:
        nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
        hint = f"; did you mean {nearest[0]!r}?" if nearest else ""
        said = "" if lead == "is no key" else f" ({name!r})"
        return (
            f"{lead}{said}{hint} Known: {', '.join(known)}"
            if hint
            else (f"{lead}{said}; known: {', '.join(known)}")
        )

    def _is_empty(self, node: Node) -> bool:
        return node.mapping is None and node.sequence is None and node.scalar is None

    def _error(self, node: Node, key: str, what: str) -> ConfigError:
        return ConfigError(f"{self.source}:{node.line}: {key[:200]} {what[:600]}")
