"""Does the model keep answering well when its inputs are not quite those it was judged on?

What it looks for
    The evaluation rows, at most 2,000 of them, changed in one way at a time and put to the model
    again: Gaussian noise of 0.001, 0.01 and 0.1 of each column's own standard deviation (whole
    numbers stay whole); a tenth of each column's values missing; a tenth of its numbers ten ranges
    beyond those seen; a tenth of its categories never seen before. For these the drop in
    performance is measured, as a share of the model's own: the larger of the drops in accuracy and
    weighted F1, because accuracy alone hides a model that falls back to the most common label; for
    regression the drop in R2. Each has a 95 % bootstrap interval, paired over the rows.
    Then the same rows where the answers have to be the same: asked twice, twenty rows alone instead
    of in a batch, columns in another order, fractions as float32 (one row in a hundred may differ,
    because a value at the edge of a split may fall to the other side), whole numbers as floats,
    text as pandas categories, numbers as text. The same means the same label, and probabilities or
    numbers that differ by less than 0.0001 (of the standard deviation, for numbers).
    An input that makes the model fail, or answer NaN, is halved until the smallest one that does it
    is known: its row and column.

Why
    Requests are not an evaluation file: sensors drift, fields stay empty, clients send 3.0 for 3
    and columns in their own order. A model that silently answers something else is worse than one
    that refuses, and one that refuses is worse than one that copes.

How it is scored
    The mean over the probes that apply; one that changes no value does not apply, and says so. A
    drop below 5 % brings its whole share, a larger one 5 % / drop; the same answers bring their
    share, others nothing; the four types of values are one probe. Any accident (an exception, NaN,
    a process that dies) brings nothing. An exception that names the trouble ("contains NaN",
    "unknown category") is no accident but a refusal: the caller can mend the request, yet gets no
    answer, so it brings half; for columns in another order and numbers as text it brings all,
    since nothing better could be done. Passed at 0.8, critical below 0.5, and critical by itself
    when the model cannot be run. The limits are conventions; set what your use needs.

How to fix
    Save the model as one pipeline that imputes, clips or scales, encodes unknown categories
    (`handle_unknown="ignore"`) and picks its columns by name. A random seed at predict time is a
    mistake; so is a figure of the whole batch (a mean, a rank) in one row's answer.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from checks.check import Needs
from checks.config import number, share
from checks.evidence import probing
from checks.evidence.answers import RunProblemError
from checks.measure.perturb import SCALES
from checks.report import Figure, Finding, Grade, Location, Severity, Verdict
from checks.scoring import score_of, unjudged, verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from checks.check import Context
    from checks.config import Config
    from checks.evidence.probing import Outcome, Robustness
    from checks.evidence.smallest import Failure
    from checks.measure.bootstrap import Estimate

NAME = "model_robustness"
TYPES = ("dtype_float32", "dtype_floats", "dtype_category", "dtype_text")
PROBES = (*(f"noise_{scale:g}" for scale in SCALES), "missing", "extremes", "unseen", "order",
          *TYPES, "repeat", "one_row")  # fmt: skip
REFUSED_WORTH = 0.5
MAY_REFUSE = frozenset({"order", "dtype_text"})
MAY_DIFFER = {"dtype_float32": 0.01}  # share of the rows
LABELS = {"f1": "weighted F1", "r2": "R2"}
FIXES = {
    "noise": "smooth it: regularise, prune, or train with noise of that size",
    "missing": "fill what is missing within the model, as the training data say",
    "extremes": "clip or transform what lies far outside the training data",
    "unseen": 'encode unknown categories, such as handle_unknown="ignore"',
    "order": "pick the columns by name before predicting",
    "dtype": "turn the columns into the types of the training data before predicting",
    "repeat": "fix the seed, and switch off dropout and sampling when predicting",
    "one_row": "let a row's answer depend on nothing but the row",
}


@dataclass(frozen=True)
class Settings:
    """What may be lost, and on how many rows it is tried."""

    drop: float = share(0.05, "largest relative drop in performance")
    rows: int = number(2_000, 50, 100_000, "rows that are changed and asked about, at most")
    passed_at: float = share(0.8)
    critical_below: float = share(0.5)


@dataclass(frozen=True)
class Problem:
    """Why nothing could be measured."""

    sentence: str
    fix: str


class ModelRobustness:
    """The check; see the module's text."""

    name = NAME
    title = "Model robustness"
    needs = Needs.MODEL
    settings: type[Any] = Settings
    items: Mapping[str, float] = {}
    rules = (*PROBES, "measured")

    def collect(self, context: Context) -> Robustness | Problem:
        """Puts the changed rows to the model in its sandbox."""
        settings: Settings = context.config.of(self)
        try:
            return probing.probe(context.runs, settings.rows)
        except RunProblemError as error:
            return Problem(str(error), error.fix)

    def judge(self, evidence: Robustness | Problem, config: Config) -> Verdict:
        """Gives each probe its share."""
        if isinstance(evidence, Problem):
            return unjudged(NAME, f"{NAME}.measured", evidence.sentence, evidence.fix)
        settings: Settings = config.of(self)
        shares = _shares(evidence.outcomes)
        judging = _Judging(evidence, settings)
        findings = [judging.finding(each, shares.get(each.name, 0.0)) for each in evidence.outcomes]
        result = verdict(NAME, findings, settings, _message(evidence, findings), score_of(findings))
        figures = tuple(_figure(each, settings) for each in evidence.outcomes if each.drops)
        return replace(result, figures=figures, details=_details(evidence, settings))


CHECK = ModelRobustness()


def _shares(outcomes: tuple[Outcome, ...]) -> dict[str, float]:
    """What each probe that applies is worth; the types share one place. They sum to 1."""
    applying = [each.name for each in outcomes if not each.why_not]
    places = Counter(_place(name) for name in applying)
    return {name: 1 / len(places) / places[_place(name)] for name in applying}


def _place(name: str) -> str:
    return "dtype" if name in TYPES else name


def worst(drops: Mapping[str, Estimate]) -> tuple[str, Estimate]:
    """The metric that loses most, and its drop."""
    name = max(drops, key=lambda each: drops[each].value)
    return name, drops[name]


@dataclass(frozen=True)
class _Judging:
    """Turns outcomes into findings."""

    evidence: Robustness
    settings: Settings

    def finding(self, outcome: Outcome, worth: float) -> Finding:
        """One probe's finding."""
        if outcome.why_not:
            message = f"{outcome.title}: does not apply, {outcome.why_not}"
            return self._of(outcome, Severity.INFO, message, (0.0, 0.0))
        if outcome.untold:
            message = f"{outcome.title}: cannot be told, {outcome.untold}"
            finding = self._of(outcome, Severity.MINOR, message, (worth, 0.0))
            return replace(finding, grade=Grade.MISSING)
        if outcome.failure is not None:
            return self._failed(outcome, outcome.failure, worth)
        if outcome.drops:
            return self._dropped(outcome, worth)
        return self._compared(outcome, worth)

    def _dropped(self, outcome: Outcome, worth: float) -> Finding:
        limit = self.settings.drop
        name, drop = worst(outcome.drops)
        message = f"{outcome.title}: {LABELS.get(name, name)} {self._lost(name, drop)}"
        if drop.value < limit:
            if drop.high is not None and drop.high >= limit:
                message += f"; the limit of {limit:.1%} lies inside: {drop.rows} rows cannot tell"
            return self._of(outcome, Severity.INFO, message, (worth, worth))
        message += f"; less than {limit:.1%} is asked for"
        earned = worth * limit / drop.value if drop.value > 0 else 0.0
        return self._of(outcome, Severity.MAJOR, message, (worth, earned), self._fix(outcome))

    def _lost(self, name: str, drop: Estimate) -> str:
        """A share of the performance; where more than all of it is lost, the value that is left."""
        start = self.evidence.baseline.get(name)
        if drop.value <= 1 or start is None:
            return _moved(drop)
        return f"drops from {start:.2f} to {start * (1 - drop.value):.4g}"

    def _compared(self, outcome: Outcome, worth: float) -> Finding:
        different = outcome.different or 0
        shown = f"{different} of {outcome.rows} rows"
        if different <= MAY_DIFFER.get(outcome.name, 0.0) * outcome.rows:
            end = f"the same answers, but for {shown}" if different else "the same answers"
            return self._of(outcome, Severity.INFO, f"{outcome.title}: {end}", (worth, worth))
        message = f"{outcome.title}: other answers to {shown}, silently"
        return self._of(outcome, Severity.MAJOR, message, (worth, 0.0), self._fix(outcome))

    def _failed(self, outcome: Outcome, failure: Failure, worth: float) -> Finding:
        said = f"{_where(failure)}: {failure.sentence}"
        if not failure.refused:
            message = f"{outcome.title}: fails {said}"
            return self._of(outcome, Severity.MAJOR, message, (worth, 0.0), self._fix(outcome))
        if outcome.name in MAY_REFUSE:
            message = f"{outcome.title}: refused, and said so, {said}"
            return self._of(outcome, Severity.INFO, message, (worth, worth))
        message = f"{outcome.title}: refused instead of answered, {said}"
        earned = worth * REFUSED_WORTH
        return self._of(outcome, Severity.MINOR, message, (worth, earned), self._fix(outcome))

    def _fix(self, outcome: Outcome) -> str:
        return f"{self.evidence.model_path}: {FIXES[_place(outcome.name).partition('_0')[0]]}"

    def _of(
        self,
        outcome: Outcome,
        severity: Severity,
        message: str,
        points: tuple[float, float],
        fix: str | None = None,
    ) -> Finding:
        rule, where = f"{NAME}.{outcome.name}", Location(self.evidence.data_path)
        return Finding(rule, Grade.MEASURED, severity, message, *points, where, fix)


def _where(failure: Failure) -> str:
    if failure.row is None:
        return f"on {failure.among} rows together" if failure.among > 1 else "on the rows"
    if failure.column is None:
        return f"on row {failure.row}"
    return f"on row {failure.row}, {failure.column} = {failure.value}"


def _moved(drop: Estimate) -> str:
    if drop.value >= 0:
        return f"drops by {_percent(drop.value, drop.low, drop.high)}"
    low, high = (None if each is None else -each for each in (drop.high, drop.low))
    return f"rises by {_percent(-drop.value, low, high)}"


def _percent(value: float, low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return _share(value)
    return f"{_share(value)} ({_share(low)} to {_share(high)})"


def _share(value: float) -> str:
    """With one digit, and no minus before a zero."""
    text = f"{value:.1%}"
    return "0.0%" if text == "-0.0%" else text


def _message(evidence: Robustness, findings: list[Finding]) -> str:
    applying = [each for each in findings if each.worth > 0]
    held = sum(each.earned == each.worth for each in applying)
    return f"{held} of {len(applying)} probes held on {_counted(evidence)} rows"


def _counted(evidence: Robustness) -> str:
    if evidence.rows == evidence.all_rows:
        return f"{evidence.rows:,}"
    return f"{evidence.rows:,} of {evidence.all_rows:,}"


def _figure(outcome: Outcome, settings: Settings) -> Figure:
    _, drop = worst(outcome.drops)
    met = drop.value < settings.drop
    return Figure(
        f"drop_{outcome.name}", drop.value, "", drop.low, drop.high, settings.drop, met,
        samples=drop.rows,
    )  # fmt: skip


def _details(evidence: Robustness, settings: Settings) -> dict[str, object]:
    """For the plot: the first metric's value under each probe, bounded by its paired change."""
    if not evidence.baseline:
        return {}
    metric, start = next(iter(evidence.baseline.items()))
    values = {
        each.name: _level(start, each.drops[metric])
        for each in evidence.outcomes
        if metric in each.drops
    }
    noise = [
        {"scale": scale, **values[f"noise_{scale:g}"]}
        for scale in SCALES
        if f"noise_{scale:g}" in values
    ]
    others = [
        {"probe": name, **value} for name, value in values.items() if not name.startswith("noise")
    ]
    found = {
        "metric": metric,
        "baseline": round(start, 6),
        "limit": round(start * (1 - settings.drop), 6),
        "rows": evidence.rows,
        "noise": noise,
        "probes": others,
    }
    return {"robustness": found}


def _level(start: float, drop: Estimate) -> dict[str, float | None]:
    return {
        "value": round(start * (1 - drop.value), 6),
        "low": None if drop.high is None else round(start * (1 - drop.high), 6),
        "high": None if drop.low is None else round(start * (1 - drop.low), 6),
    }
