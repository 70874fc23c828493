"""Does the model answer well enough, and better than no model at all?

What it looks for
    The model's answers on the labelled evaluation rows. For classification: accuracy, and
    precision, recall and F1 weighted by class, ROC AUC, log loss, expected calibration error over
    15 bins and the confusion matrix. For regression: R2, MAE and RMSE. Each with a 95 % bootstrap
    interval; against the base branch's model as a paired difference on the same rows; the groups
    of rows where it is weakest; and the gain over the trivial answer (the most common label, the
    mean).

Why
    A figure without an interval invites arguing about noise, and a figure without a baseline
    flatters: where one case in ten is positive, a model that never says so is right in nine.

How it is scored
    Every metric with a threshold counts the same. A threshold that is met brings its whole share;
    one that is missed brings 1 - 2 x the relative shortfall, so nothing from a shortfall of half
    the threshold on. Defaults: accuracy 0.85; weighted precision, recall and F1 0.80; R2 0.5 (half
    of the variance explained); the others only where a threshold is set. They are conventions, not
    laws: set what your use needs. Passed at 0.8, critical below 0.6, and critical by itself when
    the model cannot be run or is no better than the trivial answer.

How to fix
    Start with the weakest groups, which are named with their counts: more or better data there
    moves the figures most. Then look at the features and the decision threshold.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from checks.check import Needs
from checks.config import number, share
from checks.evidence.answers import RunProblemError
from checks.measure import performance
from checks.measure.performance import LOWER_IS_BETTER, SHOWN_SLICES, Performance
from checks.report import Figure, Finding, Grade, Location, Severity, Verdict
from checks.scoring import unjudged, verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from checks.check import Context
    from checks.config import Config
    from checks.measure.bootstrap import Estimate
    from checks.measure.slices import Slice

NAME = "model_performance"
LABELS = {
    "f1": "F1",
    "roc_auc": "ROC AUC",
    "log_loss": "log loss",
    "ece": "expected calibration error",
    "r2": "R2",
    "mae": "MAE",
    "rmse": "RMSE",
}

METRICS = (
    "accuracy",
    "precision",
    "recall",
    "f1",
    "roc_auc",
    "log_loss",
    "ece",
    "r2",
    "mae",
    "rmse",
)


@dataclass(frozen=True)
class Settings:
    """Thresholds: least values, and largest for log loss, calibration error, MAE and RMSE."""

    accuracy: float = share(0.85, "least share of right answers")
    precision: float = share(0.80, "least precision, weighted by class")
    recall: float = share(0.80, "least recall, weighted by class")
    f1: float = share(0.80, "least F1, weighted by class")
    roc_auc: float | None = number(None, 0, 1, "least area under the ROC curve")
    log_loss: float | None = number(None, about="largest log loss")
    ece: float | None = number(None, 0, 1, "largest expected calibration error")
    r2: float = share(0.5, "least share of the variance explained")
    mae: float | None = number(None, about="largest mean absolute error")
    rmse: float | None = number(None, about="largest root mean squared error")
    passed_at: float = share(0.8)
    critical_below: float = share(0.6)


@dataclass(frozen=True)
class Problem:
    """Why nothing could be measured."""

    sentence: str
    fix: str


class ModelPerformance:
    """The check; see the module's text."""

    name = NAME
    title = "Model performance"
    settings: type[Any] = Settings
    needs = Needs.MODEL
    items: Mapping[str, float] = {}
    rules = (*METRICS, "gain", "change", "change.*", "slice.*", "probabilities", "measured")

    def collect(self, context: Context) -> Performance | Problem:
        """Runs the model on the evaluation rows and computes every figure here."""
        try:
            evaluation = context.runs.evaluation()
            predictions = context.runs.predictions()
        except RunProblemError as error:
            return Problem(str(error), error.fix)
        evidence = performance.measure(evaluation, predictions, context.runs.model.path)
        if context.runs.base is None:
            return evidence
        try:
            base = context.runs.base_predictions()
        except RunProblemError as error:
            return replace(evidence, base_problem=str(error))
        return replace(evidence, changes=performance.changes(evaluation, predictions, base))

    def judge(self, evidence: Performance | Problem, config: Config) -> Verdict:
        """Compares the figures with the thresholds."""
        if isinstance(evidence, Problem):
            return unjudged(NAME, f"{NAME}.measured", evidence.sentence, evidence.fix)
        settings: Settings = config.of(self)
        findings = [
            *_threshold_findings(evidence, settings),
            *_gain_findings(evidence),
            *_change_findings(evidence),
            *_slice_findings(evidence),
        ]
        if evidence.no_probabilities:
            findings.append(_finding("probabilities", Severity.INFO, evidence.no_probabilities))
        result = verdict(NAME, findings, settings, _message(evidence))
        return replace(result, figures=_figures(evidence, settings), details=evidence.details)


CHECK = ModelPerformance()


def _thresholds(evidence: Performance, settings: Settings) -> dict[str, float]:
    names = ("r2", "mae", "rmse")
    if evidence.task == "classification":
        names = ("accuracy", "precision", "recall", "f1", "roc_auc", "log_loss", "ece")  # type: ignore[assignment] # longer
    values = {name: getattr(settings, name) for name in names}
    return {name: value for name, value in values.items() if value is not None}


def share_earned(name: str, value: float, threshold: float) -> float:
    """1 when the threshold is met, else 1 - 2 x the relative shortfall, at least 0."""
    short = value - threshold if name in LOWER_IS_BETTER else threshold - value
    if short <= 0:
        return 1.0
    return max(0.0, 1 - 2 * short / threshold) if threshold > 0 else 0.0


def _threshold_findings(evidence: Performance, settings: Settings) -> list[Finding]:
    thresholds = _thresholds(evidence, settings)
    worth = 1 / len(thresholds)
    fix = _fix(evidence, thresholds)
    findings = []
    for name, threshold in thresholds.items():
        finding = _threshold_finding(evidence, name, threshold, worth)
        missed = finding.grade is Grade.MEASURED and finding.severity is Severity.MAJOR
        findings.append(replace(finding, recommendation=fix) if missed else finding)
    return findings


def _fix(evidence: Performance, thresholds: Mapping[str, float]) -> str:
    """One piece of advice for all missed thresholds, because they are mended together."""
    missed = [
        f"{LABELS.get(name, name)} {evidence.estimates[name].value:.3f} to {threshold:g}"
        for name, threshold in thresholds.items()
        if name in evidence.estimates
        and share_earned(name, evidence.estimates[name].value, threshold) < 1
    ]
    weak = next((each for each in evidence.scan.slices if each.weak), None)
    where = ""
    if weak is not None:
        where = f"; start with the {weak.rows} rows where {weak.column} is {weak.value}"
    return f"{evidence.model_path}: bring {', '.join(missed)}{where}"


def _threshold_finding(evidence: Performance, name: str, threshold: float, worth: float) -> Finding:
    label, where = LABELS.get(name, name), Location(evidence.data_path)
    rule, found = f"{NAME}.{name}", evidence.estimates.get(name)
    wanted = f"{'at most' if name in LOWER_IS_BETTER else 'at least'} {threshold:g}"
    if found is None:
        why = evidence.no_probabilities or "it is not defined on these rows"
        fix = f"{evidence.model_path}: make {label} measurable ({why})"
        message = f"{label} could not be measured: {why}"
        return Finding(rule, Grade.MISSING, Severity.MAJOR, message, worth, 0.0, where, fix)
    earned = share_earned(name, found.value, threshold)
    message = f"{label} is {_shown(found)}; {wanted} is asked for"
    if earned == 1.0:
        if _straddles(found, threshold):
            message += f", which lies inside the interval: {found.rows} rows cannot tell"
        return Finding(rule, Grade.MEASURED, Severity.INFO, message, worth, worth, where)
    return Finding(rule, Grade.MEASURED, Severity.MAJOR, message, worth, worth * earned, where)


def _gain_findings(evidence: Performance) -> list[Finding]:
    gains = evidence.gains
    shown = ", ".join(
        f"{LABELS.get(name, name)} {_shown(gain, signed=True)}" for name, gain in gains.items()
    )
    sentence = f"gain over {evidence.trivial}: {shown}"
    if all(gain.value <= 0 for gain in gains.values()):
        fix = f"{evidence.model_path}: the model has learned nothing that shows; check its inputs"
        sentence = f"no better than {evidence.trivial}: {shown}"
        return [_finding("gain", Severity.CRITICAL, sentence, fix)]
    if not any(gain.low is not None and gain.low > 0 for gain in gains.values()):
        fix = f"{evidence.data_path}: add rows until the gain can be told from chance"
        return [_finding("gain", Severity.MAJOR, f"{sentence}; none of it beyond chance", fix)]
    worse = [
        LABELS.get(n, n) for n, gain in gains.items() if gain.high is not None and gain.high < 0
    ]
    if worse:
        fix = (
            f"{evidence.model_path}: choose the decision threshold so that the labels gain as well"
        )
        sentence = f"worse than {evidence.trivial} in {' and '.join(worse)}: {shown}"
        return [_finding("gain", Severity.MAJOR, sentence, fix)]
    return [_finding("gain", Severity.INFO, sentence)]


def _change_findings(evidence: Performance) -> list[Finding]:
    if evidence.base_problem:
        sentence = f"no comparison with the base branch's model: {evidence.base_problem}"
        return [_finding("change", Severity.INFO, sentence)]
    findings = []
    for name, change in evidence.changes.items():
        worse = change.low is not None and change.high is not None
        worse = worse and _is_worse(name, change)
        sentence = (
            f"{LABELS.get(name, name)} against the base branch: {_shown(change, signed=True)}"
        )
        fix = f"{evidence.model_path}: {LABELS.get(name, name)} got worse; look at what changed"
        severity = Severity.MAJOR if worse else Severity.INFO
        findings.append(_finding(f"change.{name}", severity, sentence, fix if worse else None))
    return findings


def _is_worse(name: str, change: Estimate) -> bool:
    if change.low is None or change.high is None:
        return False
    return change.low > 0 if name in LOWER_IS_BETTER else change.high < 0


def _slice_findings(evidence: Performance) -> list[Finding]:
    weak = [each for each in evidence.scan.slices if each.weak][:SHOWN_SLICES]
    return [
        _finding(f"slice.{index}", Severity.MINOR, _slice_sentence(evidence, each))
        for index, each in enumerate(weak, start=1)
    ]


def _slice_sentence(evidence: Performance, each: Slice) -> str:
    if evidence.task == "regression":
        figures = f"mean error {each.loss:.3g}", f"{each.loss_elsewhere:.3g}"
    else:
        figures = f"accuracy {1 - each.loss:.2f}", f"{1 - each.loss_elsewhere:.2f}"
    chance = "p < 0.001" if each.p_value < 0.001 else f"p = {each.p_value:.2g}"
    here, elsewhere = figures
    return (
        f"weak where {each.column} is {each.value}: "
        f"{here} on {each.rows} rows, {elsewhere} elsewhere ({chance})"
    )


def _finding(item: str, severity: Severity, message: str, fix: str | None = None) -> Finding:
    return Finding(f"{NAME}.{item}", Grade.MEASURED, severity, message, recommendation=fix)


def _straddles(found: Estimate, threshold: float) -> bool:
    return found.low is not None and found.high is not None and found.low < threshold < found.high


def _shown(found: Estimate, *, signed: bool = False) -> str:
    form = "+.3f" if signed else ".3f"
    if found.low is None or found.high is None:
        return f"{found.value:{form}}"
    return f"{found.value:{form}} ({found.low:{form}} to {found.high:{form}})"


def _message(evidence: Performance) -> str:
    names = ("accuracy", "f1") if evidence.task == "classification" else ("r2", "mae")
    shown = [
        f"{LABELS.get(name, name)} {evidence.estimates[name].value:.3f}"
        for name in names
        if name in evidence.estimates
    ]
    return f"{', '.join(shown)} on {evidence.of_total}"


def _figures(evidence: Performance, settings: Settings) -> tuple[Figure, ...]:
    thresholds = _thresholds(evidence, settings)
    figures = [
        _figure(name, found, thresholds.get(name)) for name, found in evidence.estimates.items()
    ]
    figures += [_figure(f"{name}_gain", found, None) for name, found in evidence.gains.items()]
    figures += [_figure(f"{name}_change", found, None) for name, found in evidence.changes.items()]
    return tuple(figures)


def _figure(name: str, found: Estimate, threshold: float | None) -> Figure:
    met = None if threshold is None else share_earned(name, found.value, threshold) == 1.0
    return Figure(name, found.value, "", found.low, found.high, threshold, met, samples=found.rows)
