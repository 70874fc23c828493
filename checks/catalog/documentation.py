"""Can somebody who was not there use the model, run it, and mend it at night?

What it looks for
    A model card (front matter as on Hugging Face, or sections) that covers intended use, data,
    evaluation and limits, and whose metrics agree with those that were measured here; an
    OpenAPI document or another description of the interface; guides for deployment (with commands),
    troubleshooting, monitoring and onboarding. Also, without points: a page for incidents, links
    within the repository that lead nowhere, paths of the OpenAPI document that no code mentions,
    headings without text, and pages last changed by a commit before the model was.

Why
    A model outlives the memory of the people who made it. A page that is wrong is worse than none,
    so what can be held against the code and the figures is.

How it is scored
    Model 0.3 (a card that covers at least three of use, data, evaluation and limits 0.1, metadata
    0.1, metrics stated 0.05, every stated metric that was measured agrees 0.05), API 0.2 (described
    0.1, in a form that machines read 0.1), deployment guide 0.2 (half of it for the commands),
    troubleshooting, monitoring and onboarding 0.1 each. A guide is at least 25 words below its
    heading. A metric agrees when it lies in the 95 % bootstrap interval, give or take its last
    digit, or within `metric_tolerance` (relative for errors and losses); nothing agrees when
    nothing was measured. What a card covers is from Mitchell et al. 2019, "Model Cards for Model
    Reporting". What is only declared is worth half. Passed at 0.7, critical below 0.4.

How to fix
    Every finding names the page to write or mend. `examples/lending` has all of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from checks.config import share
from checks.evidence import api_docs, documents, git, guides, model_card, python_code
from checks.evidence.model_card import UNBOUNDED
from checks.evidence.release import Defect
from checks.items import (
    Item,
    defect_finding,
    item_finding,
    missing,
    remark_finding,
    unreadable_finding,
)
from checks.measure import performance
from checks.report import Evidence, Finding, Location, Severity, State, Verdict
from checks.scoring import verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from checks.check import Context
    from checks.config import Config
    from checks.evidence.model_card import Card, Stated
    from checks.measure.bootstrap import Estimate

NAME = "documentation"
CARD_FIX = "MODEL_CARD.md: "
LEAST_COVERED = 3
LEAST_METADATA = 2
MOST_DATED = 30  # pages whose last commit is asked for; each takes a process
GUIDE_FIX = "write a section with at least a few sentences"


@dataclass(frozen=True)
class Settings:
    """How far a page may be from the truth."""

    metric_tolerance: float = share(0.005, "how far a stated metric may lie from the measured one")
    passed_at: float = share(0.7)
    critical_below: float = share(0.4)


ITEMS: Mapping[str, Item] = {
    "model.card": Item(
        "a model card that covers use, data, evaluation or limits",
        0.1,
        f"{CARD_FIX}write down intended use, data, evaluation and limits",
    ),
    "model.metadata": Item(
        "metadata of the model",
        0.1,
        f"{CARD_FIX}begin it with front matter (license, tags, model-index)",
        Severity.MINOR,
    ),
    "model.metrics": Item(
        "a model card that states metrics",
        0.05,
        f"{CARD_FIX}state the metrics, in model-index or a table",
    ),
    "model.agreement": Item(
        "metrics on the card that agree with the measured ones",
        0.05,
        f"{CARD_FIX}state the metrics as they are measured here",
    ),
    "api.described": Item(
        "a description of the API", 0.1, "openapi.yaml: describe the paths, inputs and answers"
    ),
    "api.schema": Item(
        "a description of the API that machines can read",
        0.1,
        "openapi.yaml: describe the paths, inputs and answers",
        Severity.MINOR,
    ),
    "deployment.guide": Item(
        "a deployment guide", 0.1, f"docs/deployment.md: {GUIDE_FIX} on how it is deployed"
    ),
    "deployment.commands": Item(
        "commands in the deployment guide", 0.1, "docs/deployment.md: show what to type"
    ),
    "troubleshooting.guide": Item(
        "a troubleshooting guide",
        0.1,
        f"docs/troubleshooting.md: {GUIDE_FIX} on what goes wrong and what to do",
    ),
    "monitoring.guide": Item(
        "a monitoring guide", 0.1, f"docs/monitoring.md: {GUIDE_FIX} on what to watch and where"
    ),
    "onboarding.guide": Item(
        "an onboarding guide",
        0.1,
        f"docs/onboarding.md: {GUIDE_FIX} on the way to a first change",
        Severity.MINOR,
    ),
}


@dataclass(frozen=True)
class Gathered:
    """What was found for each item, what is wrong, and what the cards and the model say."""

    found: Mapping[str, tuple[Evidence, ...]]
    cards: tuple[Card, ...] = ()
    measured: Mapping[str, Estimate] = field(default_factory=dict)  # empty: nothing was measured
    defects: tuple[Defect, ...] = ()
    remarks: tuple[Evidence, ...] = ()
    unreadable: tuple[Evidence, ...] = ()
    links: int = 0  # followed within the repository


class Documentation:
    """The check; see the module's text."""

    name = NAME
    title = "Documentation"
    settings: type[Any] = Settings
    items: Mapping[str, float] = {
        "model": 0.3,
        "api": 0.2,
        "deployment": 0.2,
        "troubleshooting": 0.1,
        "monitoring": 0.1,
        "onboarding": 0.1,
    }
    rules = (*ITEMS, "defect.*", "incident", "unreadable")

    def collect(self, context: Context) -> Gathered:
        """Reads pages, cards, OpenAPI documents and code; asks git how old they are."""
        repository = context.repository
        sections = list(documents.sections(repository))
        modules, unparsed = python_code.collect(repository)
        cards, broken_cards = model_card.collect(repository)
        pages, stubs = guides.collect(sections)
        api, wrong_api, broken_api = api_docs.collect(repository, sections, modules)
        broken, followed = guides.broken_links(repository)
        found = pages | api | _from_cards(cards)
        used = {card.path for card in cards} | {
            each.where.path for evidence in found.values() for each in evidence[:3] if each.where
        }
        return Gathered(
            found={name: tuple(each) for name, each in found.items()},
            cards=cards,
            measured=_measured(context, cards),
            defects=(*wrong_api, *broken, *stubs, *_stale(context, used)),
            remarks=(_incident(pages["incident.guide"]),),
            unreadable=(*broken_cards, *broken_api, *unparsed),
            links=followed,
        )

    def judge(self, evidence: Gathered, config: Config) -> Verdict:
        """Gives each item's points once, by the best that was found."""
        settings: Settings = config.of(self)
        agreeing, disputes = _compare(evidence, settings.metric_tolerance)
        found = {**evidence.found, "model.agreement": agreeing}
        findings = [
            item_finding(
                f"{NAME}.{name}",
                item,
                found.get(name, ()),
                config,
                _reason(name, evidence, disputes),
            )
            for name, item in ITEMS.items()
        ]
        told = disputes if agreeing else disputes[1:]
        findings += [defect_finding(NAME, each) for each in (*told, *evidence.defects)]
        findings += [remark_finding(NAME, each) for each in evidence.remarks]
        findings += [unreadable_finding(NAME, each) for each in evidence.unreadable]
        result = verdict(NAME, findings, settings, _message(findings))
        return replace(result, details=_details(evidence))


CHECK = Documentation()


def agrees(stated: Stated, measured: Estimate, tolerance: float) -> bool:
    """Whether a stated metric is one that the measurement allows."""
    if measured.low is not None and measured.high is not None:
        low, high = measured.low - stated.rounding, measured.high + stated.rounding
        if low <= stated.value <= high:
            return True
    unit = max(abs(measured.value), 1e-12) if stated.name in UNBOUNDED else 1.0
    # A sum of binary fractions may miss the bound by its last bit.
    return abs(stated.value - measured.value) <= tolerance * unit + stated.rounding + 1e-12


def _from_cards(cards: tuple[Card, ...]) -> dict[str, list[Evidence]]:
    """By card, so that half of one and half of another make no card."""
    found: dict[str, list[Evidence]] = {"model.card": [], "model.metadata": [], "model.metrics": []}
    for card in cards:
        if len(card.covers) >= LEAST_COVERED:
            said = ", ".join(name for name, _ in card.covers)
            found["model.card"].append(_found(said, Location(card.path, card.covers[0][1])))
        if len(card.metadata) >= LEAST_METADATA:
            said = ", ".join(name for name, _ in card.metadata[:5])
            found["model.metadata"].append(_found(said, Location(card.path, card.metadata[0][1])))
        if card.stated:
            said = ", ".join(dict.fromkeys(each.name for each in card.stated))
            found["model.metrics"].append(_found(said, card.stated[0].where))
    return found


def _found(why: str, where: Location) -> Evidence:
    return Evidence("found", State.FOUND, why, where)


def _measured(context: Context, cards: tuple[Card, ...]) -> Mapping[str, Estimate]:
    """The metrics that cards state, as model_performance measured them; none when it did not."""
    answered = context.runs.answered()
    if answered is None:
        return {}
    stated = {each.name for card in cards for each in card.stated}
    return performance.estimates(*answered, stated)


def _stale(context: Context, paths: set[str]) -> list[Defect]:
    """Pages whose last commit is older than the model's."""
    root, model = context.repository.root, context.runs.model.path
    changed = git.committed_at(root, model)
    if changed is None:
        return []
    defects = []
    for path in sorted(path for path in paths if not path.endswith(".py"))[:MOST_DATED]:
        written = git.committed_at(root, path)
        if written is not None and written < changed:
            message = f"{path} was last changed before {model} was ({_days(changed - written)})"
            fix = f"{path}: see whether it still holds for the model, and commit what changed"
            defects.append(Defect("stale", Severity.MINOR, message, Location(path), fix))
    return defects


def _days(seconds: int) -> str:
    days = seconds // 86_400
    return "less than a day" if days < 1 else f"{days} day{'s' if days > 1 else ''}"


def _incident(found: list[Evidence]) -> Evidence:
    if found:
        return Evidence("incident", State.FOUND, f"incidents: {found[0].why}", found[0].where)
    return Evidence("incident", State.ABSENT, "no page says what to do in an incident")


def _compare(evidence: Gathered, tolerance: float) -> tuple[tuple[Evidence, ...], list[Defect]]:
    """Cards all of whose measured metrics agree, best first; and each that does not."""
    agreeing, disputes = [], []
    for card in evidence.cards:
        measured = [each for each in card.stated if each.name in evidence.measured]
        wrong = [x for x in measured if not agrees(x, evidence.measured[x.name], tolerance)]
        disputes += [_dispute(each, evidence.measured[each.name]) for each in wrong]
        if measured and not wrong:
            said = ", ".join(dict.fromkeys(each.name for each in measured))
            agreeing.append(_found(said, measured[0].where))
    return tuple(agreeing), disputes


def _dispute(stated: Stated, measured: Estimate) -> Defect:
    said = f"{stated.name} {stated.value:g}"
    interval = ""
    if measured.low is not None and measured.high is not None:
        interval = f" ({measured.low:.3f} to {measured.high:.3f})"
    average = ", averaged by class" if stated.name in {"precision", "recall", "f1"} else ""
    return Defect(
        "metric",
        Severity.MAJOR,
        f"{stated.where.path} states {said}; measured is {measured.value:.3f}{interval}{average}",
        stated.where,
        f"{stated.where.path}: state the metrics as they are measured here, or say of which rows "
        "and which average they are",
    )


def _reason(name: str, evidence: Gathered, disputes: list[Defect]) -> Defect | None:
    """Why an item is lost although something is there."""
    if name == "model.agreement" and disputes:
        return disputes[0]
    stated = [each for card in evidence.cards for each in card.stated]
    if name == "model.agreement" and stated and not evidence.measured:
        message = "the metrics of the card were not compared: the model was not measured"
        fix = "holdpoint.yml: let model_performance measure the model, so that they can be compared"
        return Defect("metric", Severity.MINOR, message, stated[0].where, fix)
    if name == "model.card" and evidence.cards:
        card = evidence.cards[0]
        lacking = [each for each in model_card.COVERS if each not in dict(card.covers)]
        message = f"{card.path} says nothing about {', '.join(lacking)}"
        fix = f"{card.path}: add sections about {', '.join(lacking)}"
        return Defect("card", Severity.MAJOR, message, Location(card.path, 1), fix)
    return None


def _details(evidence: Gathered) -> dict[str, object]:
    rows = [
        {
            "metric": each.name,
            "stated": each.value,
            "measured": evidence.measured[each.name].value,
            "path": each.where.path,
            "line": each.where.line,
        }
        for card in evidence.cards
        for each in card.stated
        if each.name in evidence.measured
    ]
    return {"metrics": rows, "links": evidence.links}


def _message(findings: list[Finding]) -> str:
    return missing(findings, len(ITEMS))
