"""Model cards: their front matter, what their sections cover, and the metrics that they state.

Used by the documentation check. Front matter is that of Hugging Face model cards (`model-index`);
what a card should cover is from Mitchell et al. 2019, "Model Cards for Model Reporting". Metrics
that say they are of the training data, or of one class, are not read: nothing here measures those.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from checks.evidence import documents, guides
from checks.evidence.repository import FileError
from checks.report import Evidence, Location, State
from checks.yaml_nodes import Node, YamlError, read

if TYPE_CHECKING:
    from collections.abc import Iterator

    from checks.evidence.documents import Section
    from checks.evidence.repository import File, Repository

MAX_CARDS = 20
LEAST_WORDS = 8  # of a section that covers something
COVERS = {
    "intended use": r"\buse[sd]?\b|\buse cases?\b|\bscope\b",
    "data": r"\bdata(?:sets?)?\b|\btraining\b",
    "evaluation": r"\bevaluat|\bmetrics?\b|\bperformance\b|\bresults?\b",
    "limits": r"\blimit|\bbias|\brisks?\b|\bethic|\bfairness\b|\bcaveats?\b",
}
_COVERS = {name: re.compile(pattern, re.IGNORECASE) for name, pattern in COVERS.items()}
_DETAILS = re.compile(r"\bdetails?\b|\bmetadata\b|\bmodel description\b|\boverview\b", re.I)
_KEYS = frozenset(
    {
        *("license", "license_name", "language", "tags", "datasets", "metrics", "model-index"),
        *("library_name", "pipeline_tag", "base_model", "model_name", "version", "owner"),
    }
)
_FIELD = re.compile(r"^\s*[-*|]?\s*\**([A-Za-z][\w ()-]{0,40}?)\**\s*[:|=]\s*\**\s*(\S.{0,300})")
_TRAINING = re.compile(r"\btrain", re.IGNORECASE)
_NUMBER = re.compile(r"^[`*~≈ ]*(-?\d{1,9}(?:\.(\d{1,12}))?)\s*(%?)")
NAMES = {
    "accuracy": ("accuracy", "acc"),
    "precision": ("precision", "weightedprecision", "precisionweighted"),
    "recall": ("recall", "weightedrecall", "recallweighted"),
    "f1": ("f1", "f1score", "weightedf1", "f1weighted", "weightedf1score"),
    "roc_auc": ("rocauc", "auc", "auroc", "rocaucscore"),
    "log_loss": ("logloss", "crossentropy"),
    "ece": ("ece", "expectedcalibrationerror"),
    "r2": ("r2", "r2score", "rsquared"),
    "mae": ("mae", "meanabsoluteerror"),
    "rmse": ("rmse", "rootmeansquarederror"),
}
_BY_NAME = {said: name for name, all_said in NAMES.items() for said in all_said}
UNBOUNDED = frozenset({"log_loss", "mae", "rmse", "r2"})


@dataclass(frozen=True)
class Stated:
    """A metric as a card states it; `rounding` is half a unit of its last digit."""

    name: str
    value: float
    rounding: float
    where: Location


@dataclass(frozen=True)
class Card:
    """One model card."""

    path: str
    covers: tuple[tuple[str, int], ...]  # what its sections cover, with lines
    metadata: tuple[tuple[str, int], ...]  # keys with lines
    stated: tuple[Stated, ...]


def collect(repository: Repository) -> tuple[tuple[Card, ...], tuple[Evidence, ...]]:
    """The repository's cards, files called so first, and front matter that cannot be read."""
    cards, unreadable = list[Card](), list[Evidence]()
    pages = sorted(repository.matching("*.md"), key=lambda file: not _is_named_card(file))
    for file in pages[: documents.MAX_PAGES]:
        try:
            text = repository.read_text(file.path)
        except FileError:
            continue
        card = parse(text, file.path, unreadable, named=_is_named_card(file))
        if card is not None and len(cards) < MAX_CARDS:
            cards.append(card)
    return tuple(cards), tuple(unreadable)


def parse(text: str, path: str, unreadable: list[Evidence], *, named: bool = False) -> Card | None:
    """The card on a page, or None when the page is none."""
    try:
        front = front_matter(text)
    except YamlError as error:
        why = f"the front matter of {path}: {error}"
        unreadable.append(Evidence("card", State.UNREADABLE, why, Location(path, error.line)))
        front = None
    sections = list(documents.parse(text, path))
    is_card = named or (front is not None and front.get("model-index") is not None)
    if not is_card and not any("model card" in each.title.lower() for each in sections[:1]):
        return None
    front = front or Node(1, mapping={})
    return Card(
        path,
        tuple(_covered(sections)),
        (*_front_keys(front), *_fields(sections)),
        (*_from_front(front, path), *_from_sections(sections)),
    )


def front_matter(text: str) -> Node | None:
    """The YAML between two lines of --- at the top; its lines are those of the page."""
    if not text.startswith(("---\n", "---\r\n")):
        return None
    end = re.search(r"^---\s*$", text[4:], re.MULTILINE)
    if end is None:
        return None
    # The first --- is kept as YAML's own marker, which keeps the lines those of the page.
    found = read(text[: 4 + end.start()].encode())
    return found[0] if found else None


def metric_name(said: str) -> str | None:
    """Ours for a metric's name, or None when it is another one (or of one class)."""
    return _BY_NAME.get(re.sub(r"[^a-z0-9]", "", said.lower().replace("²", "2")))


def number(name: str, text: str, where: Location) -> Stated | None:
    """The metric in a text such as 0.93, 93.1 % or **0.931**; None when no number begins it."""
    match = _NUMBER.match(text.strip())
    if match is None:
        return None
    value, rounding = float(match[1]), 0.5 * 10.0 ** -len(match[2] or "")
    if match[3] or (name not in UNBOUNDED and 1 < value <= 100):
        value, rounding = value / 100, rounding / 100
    elif match[2] is None:
        rounding = 0.0  # an accuracy of "1" claims to be perfect, not to be above one half
    return Stated(name, value, rounding, where)


def _is_named_card(file: File) -> bool:
    stem = file.name.lower().rpartition(".")[0]
    return re.sub(r"[^a-z]", "", stem) == "modelcard"


def _covered(sections: list[Section]) -> Iterator[tuple[str, int]]:
    seen = set()
    for index, section in enumerate(sections):
        if section.level == 1 and index == 0:
            continue
        for name, pattern in _COVERS.items():
            if name not in seen and pattern.search(section.title[:200]):
                if guides.words(guides.body_of(sections, index)) >= LEAST_WORDS:
                    seen.add(name)
                    yield name, section.line
                break


def _front_keys(front: Node) -> Iterator[tuple[str, int]]:
    for key, value in front.items():
        if key in _KEYS and (value.scalar is not None or value.mapping or value.sequence):
            yield key, front.line_of(key)


def _fields(sections: list[Section]) -> Iterator[tuple[str, int]]:
    for section in sections:
        if _DETAILS.search(section.title[:200]):
            for offset, line in enumerate(section.lines, start=1):
                if match := _FIELD.match(line[:500]):
                    yield match[1].strip().lower(), section.line + offset


def _from_front(front: Node, path: str) -> Iterator[Stated]:
    for index in (front.get("model-index") or Node(1)).elements():
        for result in (index.get("results") or Node(1)).elements():
            if _TRAINING.match(result.string("dataset", "split") or ""):
                continue
            for metric in (result.get("metrics") or Node(1)).elements():
                said = metric.string("type") or metric.string("name") or ""
                label = metric.string("name") or said
                name = metric_name(said) if metric_name(label) or label == said else None
                text = metric.string("value")
                if name and text:
                    stated = number(name, text, Location(path, metric.line_of("value")))
                    if stated:
                        yield stated


def _from_sections(sections: list[Section]) -> Iterator[Stated]:
    training_level = 99  # the level of the heading about training that we are below
    for section in sections:
        if section.level <= training_level:
            training_level = section.level if _TRAINING.search(section.title[:200]) else 99
        if training_level == 99:
            for offset, line in enumerate(section.lines, start=1):
                yield from _from_line(line[:500], Location(section.path, section.line + offset))


def _from_line(line: str, where: Location) -> Iterator[Stated]:
    match = _FIELD.match(line)
    name = metric_name(match[1]) if match else None
    if match and name:
        stated = number(name, match[2], where)
        if stated:
            yield stated
