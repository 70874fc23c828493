"""What a repository seems to be: its model files, its tables, and which column they predict.

Used by `holdpoint init`, which says every guess as a guess. Only names, the first bytes of files
and the headers of CSV files are looked at, all within bounds; nothing is loaded. It deliberately
decides nothing: it ranks.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from checks import models
from checks.evidence.repository import File, FileError, Repository, read_head
from checks.sandbox.sniff import describe_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

HEAD = 64 << 10  # bytes of a table that are looked at
MOST_COLUMNS = 2_000
LONGEST_NAME = 200
MOST_TABLES = 200
MOST_CODE = 200  # files
CODE_BYTES = 256 << 10
TABLES = (".csv", ".tsv", ".parquet", ".arrow", ".feather", ".jsonl", ".npz", ".npy", ".xlsx")
# Suffixes that models have, for a word about the ones that no adapter reads.
MODEL_LIKE = (".h5", ".keras", ".bst", ".ubj", ".cbm", ".pmml", ".tflite", ".gguf")
TARGETS = (
    *("target", "label", "labels", "y", "class", "outcome", "response", "ground_truth"),
    *("churn", "churned", "fraud", "is_fraud", "default", "defaulted", "deny", "approved"),
    *("survived", "diagnosis", "species", "converted", "price", "quality"),
)
_HELD_OUT = ("evaluation", "eval", "holdout", "test", "testing", "validation", "valid", "val")
_TRAINED_ON = ("train", "training")
_HELPERS = frozenset(
    {
        *("scaler", "encoder", "encoders", "vectorizer", "vocab", "tokenizer", "preprocessor"),
        *("preprocess", "features", "feature", "imputer", "data", "dataset", "cache", "split"),
    }
)
_ASIDE = frozenset({"test", "tests", "examples", "example", "fixtures", "docs", "notebooks"})
_NAMED = re.compile(
    r"\b(?:y|target|label)[a-z_]{0,20}\s{0,4}=[^\n\"']{0,60}[\"']([^\"'\n]{1,80})[\"']",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Table:
    """A data file. `columns` is empty where they were not read, and `why` says why."""

    path: str
    size: int
    columns: tuple[str, ...] = ()
    why: str = ""


@dataclass(frozen=True)
class Target:
    """A column that may be what the model predicts; `why` is the reason to think so."""

    column: str
    why: str
    sure: bool


@dataclass(frozen=True)
class Layout:
    """What was found, likeliest first. `unread` are model files of a format without adapter."""

    models: tuple[File, ...]
    helpers: tuple[File, ...]
    unread: tuple[File, ...]
    tables: tuple[Table, ...]
    notes: tuple[str, ...] = ()


def look(repository: Repository) -> Layout:
    """The repository's model files and tables."""
    files = [file for file in repository.files if _can_be_written(file.path)]
    known = [file for file in files if file.path.lower().endswith(models.suffixes())]
    helpers = [file for file in known if set(_words(file.name)) & _HELPERS]
    if len(helpers) == len(known):
        helpers = []  # better a doubtful model than none
    found = [file for file in known if file not in helpers]
    unread = [f for f in files if f.path.lower().endswith(MODEL_LIKE) and f not in known]
    tables = [file for file in files if file.path.lower().endswith(TABLES)]
    notes = list(repository.notes)
    if len(tables) > MOST_TABLES:
        notes.append(f"only the first {MOST_TABLES} of {len(tables)} data files were looked at")
    return Layout(
        tuple(sorted(found, key=_rank)),
        tuple(helpers),
        tuple(unread),
        tuple(_table(repository, file) for file in tables[:MOST_TABLES]),
        tuple(notes),
    )


def home(model: str, other: str) -> str:
    """The folder that is `other`'s and not `model`'s; "" where they lie in the same one."""
    mine, theirs = PurePosixPath(model).parts[:-1], PurePosixPath(other).parts[:-1]
    shared = _shared(mine, theirs)
    return "/".join(theirs[: shared + 1]) if len(theirs) > shared else ""


def near(found: Layout, model: str) -> tuple[Table, ...]:
    """The tables, nearest to the model first, without those in another model's own folder."""
    folder = PurePosixPath(model).parts[:-1]
    foreign = {home(model, file.path) for file in found.models if file.path != model} - {""}

    def distance(table: Table) -> tuple[int, str]:
        return (-_shared(folder, PurePosixPath(table.path).parts[:-1]), table.path)

    own = [t for t in found.tables if not any(t.path.startswith(f"{f}/") for f in foreign)]
    return tuple(sorted(own, key=distance))


def held_out(tables: tuple[Table, ...]) -> Table | None:
    """The first table that is named like data kept from training."""
    return _named(tables, _HELD_OUT)


def trained_on(tables: tuple[Table, ...]) -> Table | None:
    """The first table that is named like training data."""
    return _named(tables, _TRAINED_ON)


def targets(table: Table, repository: Repository) -> tuple[Target, ...]:
    """Columns that may be the target: as the code names them, by their names, the last one."""
    found = dict(_from_code(table, repository))
    lower = {column.lower(): column for column in table.columns}
    for name in TARGETS:
        if name in lower:
            found.setdefault(lower[name], Target(lower[name], "by its name", sure=True))
    for low, column in lower.items():
        if low.endswith(("_label", "_target", "_class")):
            found.setdefault(column, Target(column, "by its name", sure=True))
    if table.columns:
        last = table.columns[-1]
        found.setdefault(last, Target(last, "the last column, a habit of many", sure=False))
    return tuple(found.values())


def pointer(repository: Repository, file: File) -> str | None:
    """What is wrong with a model file at first sight: empty, or only a pointer to it."""
    try:
        return describe_bytes(read_head(repository.root, file.path, 512), "")
    except FileError as error:
        return str(error)


def _from_code(table: Table, repository: Repository) -> Iterator[tuple[str, Target]]:
    names = set(table.columns)
    for file in list(repository.matching("*.py", "*.ipynb"))[:MOST_CODE]:
        if not _can_be_written(file.path):
            continue
        try:
            text = read_head(repository.root, file.path, CODE_BYTES).decode("utf-8", "replace")
        except FileError:
            continue
        for match in _NAMED.finditer(text.replace('\\"', '"')):
            if match[1] in names:
                line = text.count("\n", 0, match.start()) + 1
                place = file.path if file.name.endswith(".ipynb") else f"{file.path}:{line}"
                yield match[1], Target(match[1], f"{place} uses it as the target", sure=True)


def _table(repository: Repository, file: File) -> Table:
    if not file.name.lower().endswith(".csv"):
        return Table(file.path, file.size, why="only the headers of CSV files are read here")
    try:
        head = read_head(repository.root, file.path, HEAD)
    except FileError as error:
        return Table(file.path, file.size, why=str(error))
    wrong = describe_bytes(head, ".csv")
    columns, why = ((), wrong) if wrong else _header(head)
    return Table(file.path, file.size, columns, why)


def _header(head: bytes) -> tuple[tuple[str, ...], str]:
    """The column names at the start of a CSV file, or none and why."""
    line, _, rest = head.decode("utf-8-sig", "replace").partition("\n")
    if not rest and len(head) == HEAD:
        return (), f"its first line is longer than {HEAD >> 10} KiB"
    try:
        columns = next(csv.reader([line.rstrip("\r")]), [])
    except csv.Error as error:
        return (), f"its header cannot be read: {error}"
    if len(columns) > MOST_COLUMNS or any(len(name) > LONGEST_NAME for name in columns):
        return (), "its header is too large to be one"
    if len(columns) == 1 and any(mark in line for mark in ";\t|"):
        return (), "it is not separated by commas; save it with commas"
    return tuple(columns), ""


def _named(tables: tuple[Table, ...], names: tuple[str, ...]) -> Table | None:
    """By the file's own name first, then by its folder's; the code's tests are no data."""
    readable = [table for table in tables if table.columns]
    for name in names:
        for table in readable:
            if name in _words(PurePosixPath(table.path).name):
                return table
    for table in readable:
        folder = PurePosixPath(table.path).parent
        if folder.parts[:1] != ("tests",) and set(_words(folder.name)) & set(names):
            return table
    return None


def _shared(one: tuple[str, ...], other: tuple[str, ...]) -> int:
    pairs = enumerate(zip(one, other, strict=False))
    return next((i for i, (a, b) in pairs if a != b), min(len(one), len(other)))


def _words(name: str) -> list[str]:
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return [word.lower() for word in re.split(r"[^A-Za-z]+", spaced) if word]


def _rank(file: File) -> tuple[bool, int, str]:
    folders = PurePosixPath(file.path).parts[:-1]
    return (bool(set(folders) & _ASIDE), len(folders), file.path)


def _can_be_written(path: str) -> bool:
    """Whether a path can stand in a text file: no line breaks, no bytes that are not UTF-8."""
    return path.isprintable()
