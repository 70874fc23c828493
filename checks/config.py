"""holdpoint.yml (YAML or JSON): what to judge and by which thresholds, read strictly.

`load` turns bytes into a `Config`, so that the publisher can pass the base branch's file and a pull
request cannot grade itself. The keys are the fields of the dataclasses below and, under `checks`,
of each check's own settings: a new check brings its keys along. The older flat kind is read too
(`checks.config_flat`). Anything unknown or of the wrong kind is a `ConfigError` that names file,
line and key. It deliberately reads no disk and no clock.
"""

from __future__ import annotations

import datetime
import json
import re
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Literal

from checks import config_flat
from checks.config_reader import Reader, is_empty, unknown
from checks.errors import ConfigError
from checks.report import Location
from checks.yaml_nodes import Node, YamlError, read

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from checks.check import Check

FILE_NAMES = (
    "holdpoint.yml",
    "holdpoint.yaml",
    "holdpoint.json",
    ".github/holdpoint.yml",
    ".github/holdpoint.yaml",
)
VERSION = 1
ROOT_KEYS = ("version", "model", "data", "run", "declarations", "waivers", "checks")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
# JSON writes what lies beyond the first plane as two halves, which YAML does not know.
_HALVES = re.compile(rb"(?<!\\)((?:\\\\)*)((?:\\u[dD][89abAB]..\\u[dD][c-fC-F]..)+)")


def number(
    default: float | None, low: float = 0.0, high: float | None = None, about: str = ""
) -> Any:
    """A field of a check's settings that holds a number within bounds."""
    return field(default=default, metadata={"low": low, "high": high, "about": about})


def share(default: float, about: str = "") -> Any:
    """A field of a check's settings that holds a share from 0 to 1."""
    return number(default, 0.0, 1.0, about)


def setting(about: str, default: Any = None, **more: bool) -> Any:
    """A field that is a text, a choice or a list, with what it means."""
    return field(default=default, metadata={"about": about, **more})


@dataclass(frozen=True)
class ModelConfig:
    """`model:` where the model is. Without a path the repository's only model file is taken."""

    path: str | None = setting(
        "the model file, from the repository's root, or python:package.module:function"
    )
    format: str | None = setting("the file's format, where its suffix does not say it")
    task: Literal["classification", "regression"] | None = setting(
        "what the model does; without it, the target column is asked"
    )
    constructor: str | None = setting(
        '"package.module:function" of the repository that makes the model for bare weights'
    )
    weights: str | None = setting(
        "the file whose bytes a function of the repository is given that makes the model"
    )
    input: Literal["auto", "frame", "array", "named"] = setting(
        "what predict is given: a DataFrame, a matrix, or an array for each column by its name",
        "auto",
    )
    shape: tuple[int, ...] = setting(
        "what each row of a matrix is reshaped to, such as [1, 28, 28]", ()
    )
    output: Literal["auto", "labels", "probabilities", "logits", "values"] = setting(
        "what predict returns; auto finds out and says what it took for granted", "auto"
    )
    requirements: str | None = setting(
        "the lock or requirements file of its packages; without it, the nearest one is taken"
    )
    environment: Literal["auto", "own", "tool"] = setting(
        "where it runs: with packages of its own, with Holdpoint's, or as it needs", "auto"
    )


@dataclass(frozen=True)
class DataConfig:
    """`data:` the labelled rows that the model is judged on, and how to read them."""

    evaluation: str | None = setting("labelled rows that the model was not trained on")
    training: str | None = setting("the rows that it was trained on, to compare with")
    target: str | None = setting("the column that holds the right answer")
    # Taken as it is written: an unquoted `yes` means the label "yes", not the boolean.
    positive_label: str | None = setting(
        "the label that counts as positive, of two", as_written=True
    )
    ignore: tuple[str, ...] = setting("columns that the model does not get", ())
    sample_rows: int = number(
        200_000, 100, 10_000_000, "most rows of a file that are used; of more, a random sample"
    )


@dataclass(frozen=True)
class RunConfig:
    """`run:` how the judging itself is done."""

    budget_seconds: float = number(
        1800, about="no check begins after so many seconds; what is left out fails"
    )


@dataclass(frozen=True)
class Declaration:
    """`declarations:` somebody says that something is in place; worth half, shown as declared."""

    item: str = setting('what is declared: "<check>.<item>"', "")
    says: str = setting("what is in place, in words", "")
    link: str | None = setting("where it can be seen")
    by: str | None = setting("who says so")
    where: Location | None = field(default=None, metadata={"derived": True})

    @property
    def sentence(self) -> str:
        """What is said, where it can be seen and who says it."""
        said = [self.says or "it is in place"]
        said += [f"({self.link})"] if self.link else []
        return " ".join([*said, f"says {self.by}"] if self.by else said)


@dataclass(frozen=True)
class Waiver:
    """`waivers:` a finding that somebody answers for until a date; it is shown, and lost points
    stay lost.
    """

    rule: str = field(metadata={"about": "the finding's rule, such as deployment.container.user"})
    reason: str = field(metadata={"about": "why it is bearable"})
    owner: str = field(metadata={"about": "who answers for it"})
    expires: str = field(
        metadata={"about": "YYYY-MM-DD: from this date (UTC) on it counts nothing", "date": True}
    )
    where: Location | None = field(default=None, metadata={"derived": True})

    def holds(self, rule: str, day: datetime.date) -> bool:
        """Whether it is about this rule and still counts on that day."""
        return self.rule == rule and day < datetime.date.fromisoformat(self.expires)


@dataclass(frozen=True)
class Config:
    """Everything that can be configured. `settings` maps a check's name to its settings.

    `origins` maps each key that was written ("checks.deployment.risk") to its line; `notes` are
    sentences that belong into every report made with this file.
    """

    source: str | None = None
    model: ModelConfig = ModelConfig()
    data: DataConfig = DataConfig()
    run: RunConfig = RunConfig()
    declarations: tuple[Declaration, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    origins: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def of(self, check: Check) -> Any:
        """The settings of one check: what the file says over the check's defaults."""
        return self.settings.get(check.name) or check.settings()

    def declared(self, rule: str) -> Declaration | None:
        """What is declared about "<check>.<item>", if anything."""
        return next((each for each in self.declarations if each.item == rule), None)


def load(payload: bytes, source_name: str, checks: tuple[Check, ...]) -> Config:
    """The configuration in a file's bytes. Raises ConfigError."""
    if source_name.endswith(".json"):
        payload = _json(payload, source_name)
    try:
        documents = read(payload)
    except YamlError as error:
        raise ConfigError(f"{source_name}:{error.line}: {error}") from error
    if not documents:
        return Config(source=source_name)
    if len(documents) > 1:
        raise ConfigError(f"{source_name}:{documents[1].line}: expected one document, found more")
    return _root(documents[0], Reader(source_name), checks)


def declarable(checks: tuple[Check, ...]) -> list[str]:
    """Every "<check>.<item>" that can be declared."""
    return sorted(f"{check.name}.{item}" for check in checks for item in check.items)


def waivable(check: Check) -> tuple[str, ...]:
    """The rules of a check's findings, `*` standing for a number or name.

    What it can be asked to declare is always among them.
    """
    return tuple(f"{check.name}.{rule}" for rule in (*check.rules, *check.items))


def _json(payload: bytes, source: str) -> bytes:
    """JSON in the form that the YAML reader takes. Raises ConfigError where it is not JSON."""
    try:
        json.loads(payload)
    except json.JSONDecodeError as error:
        raise ConfigError(f"{source}:{error.lineno}: not JSON: {error.msg}") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{source}:1: not JSON that can be read") from error
    joined = _HALVES.sub(lambda m: m[1] + str(json.loads(b'"%b"' % m[2])).encode(), payload)
    return joined.replace(b"\t", b" ")  # within a text JSON allows no tab


def _root(node: Node, reader: Reader, checks: tuple[Check, ...]) -> Config:
    known = (*ROOT_KEYS, *config_flat.TABLE)
    is_flat = any(key in config_flat.TABLE for key in node.mapping or {})
    reader.known_keys(node, "", known if is_flat or node.mapping is None else ROOT_KEYS, known)
    version = node.get("version")
    if version is not None and version.scalar != VERSION:
        raise reader.error(version, "version", f"is {version.text!r}, expected {VERSION}")
    model = reader.section(ModelConfig, node.get("model"), "model")
    data = reader.section(DataConfig, node.get("data"), "data")
    run = reader.section(RunConfig, node.get("run"), "run")
    written = _written(node.get("checks"), reader, checks)
    flat = config_flat.read(node, reader, checks)
    return Config(
        source=reader.source,
        model=model,
        data=data,
        run=run,
        declarations=(
            *_declarations(node.get("declarations"), reader, checks),
            *(_from_flat(said, reader.source) for said in flat.said),
        ),
        waivers=_waivers(node.get("waivers"), reader, checks),
        settings={
            check.name: check.settings(**found)
            for check in checks
            if (found := flat.settings.get(check.name, {}) | written.get(check.name, {}))
        },
        origins=reader.origins,
        notes=config_flat.notes(flat, reader.source),
    )


def _written(
    node: Node | None, reader: Reader, checks: tuple[Check, ...]
) -> dict[str, dict[str, Any]]:
    if node is None or is_empty(node):
        return {}
    reader.known_keys(node, "checks", [check.name for check in checks])
    return {
        check.name: reader.values(check.settings, node.get(check.name), f"checks.{check.name}")
        for check in checks
    }


def _declarations(
    node: Node | None, reader: Reader, checks: tuple[Check, ...]
) -> tuple[Declaration, ...]:
    if node is None or is_empty(node):
        return ()
    rules, found = declarable(checks), []
    for key, item, line, element in _declared(node, reader):
        values = reader.values(Declaration, element, key, {"item": item} if item else {})
        if not values.get("item"):
            raise reader.error(element, f"{key}.item", "is missing")
        declaration = Declaration(**values, where=Location(reader.source, line))
        if declaration.item not in rules:
            wrong = Node(line) if item else element.get("item") or element
            named = key if item else f"{key}.item"
            raise reader.error(wrong, named, unknown(declaration.item, rules))
        if not declaration.says and not declaration.link:
            what = "says nothing: give it a link to where it can be seen, and by whom"
            raise reader.error(Node(line), key, what)
        found.append(declaration)
    return tuple(found)


def _declared(node: Node, reader: Reader) -> Iterator[tuple[str, str | None, int, Node]]:
    """Key, item, line and content of each declaration, of a mapping by item or of a list."""
    if node.sequence is None:
        if node.mapping is None:
            raise reader.error(node, "declarations", f"is {node.kind()}, expected a mapping")
        reader.known_keys(node, "declarations", node.mapping)
        for name, element in node.mapping.items():
            if element.get("item") is not None:
                raise reader.error(element, f"declarations.{name}.item", "is the key already")
            yield f"declarations.{name}", name, node.key_lines.get(name, element.line), element
        return
    for index, element in enumerate(node.sequence):
        yield f"declarations[{index}]", None, element.line, element


def _from_flat(said: config_flat.Said, source: str) -> Declaration:
    where = Location(source, said.line)
    return Declaration(said.item, f"{said.key} is set in {source}", said.link, where=where)


def _waivers(node: Node | None, reader: Reader, checks: tuple[Check, ...]) -> tuple[Waiver, ...]:
    if node is None or is_empty(node):
        return ()
    if node.sequence is None:
        raise reader.error(node, "waivers", f"is {node.kind()}, expected a list")
    found = []
    for index, element in enumerate(node.sequence):
        key = f"waivers[{index}]"
        waiver = reader.section(Waiver, element, key)
        for name in ("reason", "owner"):
            if not getattr(waiver, name).strip():
                raise reader.error(element.get(name) or element, f"{key}.{name}", "is empty")
        _require_date(waiver, element, key, reader)
        _require_rule(waiver, element, key, reader, checks)
        found.append(replace(waiver, where=Location(reader.source, element.line)))
    return tuple(found)


def _require_date(waiver: Waiver, element: Node, key: str, reader: Reader) -> None:
    try:
        sound = _DATE.fullmatch(waiver.expires) and datetime.date.fromisoformat(waiver.expires)
    except ValueError:
        sound = None
    if not sound:
        what = f"is {waiver.expires!r}, expected a date such as 2030-12-31"
        raise reader.error(element.get("expires") or element, f"{key}.expires", what)


def _require_rule(
    waiver: Waiver, element: Node, key: str, reader: Reader, checks: tuple[Check, ...]
) -> None:
    wrong, key = element.get("rule") or element, f"{key}.rule"
    name, _, item = waiver.rule.partition(".")
    check = next((each for each in checks if each.name == name), None)
    if check is None:
        everything = [rule for each in checks for rule in waivable(each)]
        raise reader.error(wrong, key, unknown(waiver.rule, everything))
    rules = waivable(check)
    if not item or "*" in item:
        what = f"is {waiver.rule!r}, expected one rule: <check>.<item>"
        raise reader.error(wrong, key, what)
    if not any(fnmatchcase(waiver.rule, rule) for rule in rules):
        raise reader.error(wrong, key, unknown(waiver.rule, rules))
