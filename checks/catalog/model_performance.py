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

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from checks.config import number, share
from checks.evidence.model_runs import RunProblemError
from checks.measure import bootstrap, classification, regression, slices
from checks.report import Figure, Finding, Grade, Location, Severity, Verdict
from checks.scoring import unjudged, verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from checks.check import Context
    from checks.config import Config
    from checks.evidence.data import Evaluation
    from checks.evidence.model_runs import Predictions
    from checks.measure.bootstrap import Estimate, Metric
    from checks.measure.slices import Slice, SliceScan

NAME = "model_performance"
SHOWN_SLICES = 5
LOWER_IS_BETTER = frozenset({"log_loss", "ece", "mae", "rmse"})
LABELS = {
    "f1": "F1",
    "roc_auc": "ROC AUC",
    "log_loss": "log loss",
    "ece": "expected calibration error",
    "r2": "R2",
    "mae": "MAE",
    "rmse": "RMSE",
}
CHANCE_AUC = 0.5


@dataclass(frozen=True)
class Settings:
    """Thresholds: least values, and largest for log loss, calibration error, MAE and RMSE."""

    accuracy: float = share(0.85)
    precision: float = share(0.80)
    recall: float = share(0.80)
    f1: float = share(0.80)
    roc_auc: float | None = number(None, 0, 1)
    log_loss: float | None = number(None)
    ece: float | None = number(None, 0, 1)
    r2: float = share(0.5)
    mae: float | None = number(None)
    rmse: float | None = number(None)
    passed_at: float = share(0.8)
    critical_below: float = share(0.6)


@dataclass(frozen=True)
class Problem:
    """Why nothing could be measured."""

    sentence: str
    fix: str


@dataclass(frozen=True)
class Evidence:
    """What was measured. Estimates by metric; gains over the trivial answer; paired changes."""

    task: str
    rows: int
    data_path: str
    model_path: str
    estimates: Mapping[str, Estimate]
    trivial: str
    gains: Mapping[str, Estimate]
    scan: SliceScan
    changes: Mapping[str, Estimate] = field(default_factory=dict)
    base_problem: str = ""
    no_probabilities: str = ""
    details: Mapping[str, object] = field(default_factory=dict)


class ModelPerformance:
    """The check; see the module's text."""

    name = NAME
    title = "Model performance"
    settings: type[Any] = Settings
    items: Mapping[str, float] = {}

    def collect(self, context: Context) -> Evidence | Problem:
        """Runs the model on the evaluation rows and computes every figure here."""
        try:
            evaluation = context.runs.evaluation()
            predictions = context.runs.predictions()
        except RunProblemError as error:
            return Problem(str(error), error.fix)
        evidence = measure(evaluation, predictions, context.runs.model.path)
        if context.runs.base is None:
            return evidence
        try:
            base = context.runs.base_predictions()
        except RunProblemError as error:
            return replace(evidence, base_problem=str(error))
        return replace(evidence, changes=changes(evaluation, predictions, base))

    def judge(self, evidence: Evidence | Problem, config: Config) -> Verdict:
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


def measure(evaluation: Evaluation, predictions: Predictions, model_path: str) -> Evidence:
    """Every figure of one model on the evaluation rows. Pure."""
    metrics = metrics_of(evaluation, predictions)
    trivial, trivial_metrics = _trivial(evaluation)
    losses = _losses(evaluation, predictions)
    gains = {
        name: bootstrap.difference(metrics[name], trivial_metrics[name])
        if name not in LOWER_IS_BETTER
        else bootstrap.difference(trivial_metrics[name], metrics[name])
        for name in trivial_metrics
        if name in metrics
    }
    scan = slices.scan(_columns(evaluation), losses)
    return Evidence(
        task=evaluation.task,
        rows=evaluation.rows,
        data_path=evaluation.path,
        model_path=model_path,
        estimates=bootstrap.estimate(metrics, evaluation.rows),
        trivial=trivial,
        gains=bootstrap.estimate(gains, evaluation.rows),
        scan=scan,
        no_probabilities=predictions.no_probabilities,
        details={**_details(evaluation, predictions), "slices": _slice_details(scan)},
    )


def changes(
    evaluation: Evaluation, predictions: Predictions, base: Predictions
) -> dict[str, Estimate]:
    """This model minus the base branch's on the same rows: paired bootstrap differences."""
    mine, theirs = metrics_of(evaluation, predictions), metrics_of(evaluation, base)
    paired = {
        name: bootstrap.difference(mine[name], theirs[name]) for name in mine if name in theirs
    }
    return bootstrap.estimate(paired, evaluation.rows)


def metrics_of(evaluation: Evaluation, predictions: Predictions) -> dict[str, Metric]:
    """The metrics that these predictions allow."""
    truth = evaluation.truth
    if evaluation.task == "regression":
        return regression.metrics(truth, predictions.predicted)
    metrics = classification.metrics(truth, predictions.predicted, len(predictions.classes))
    if predictions.probabilities is None:
        return metrics
    probabilities = predictions.probabilities
    return metrics | classification.probability_metrics(truth, probabilities, evaluation.positive)


def _trivial(evaluation: Evaluation) -> tuple[str, dict[str, Metric]]:
    """The best answer that looks at nothing, chosen on the evaluation rows, and its metrics."""
    truth = evaluation.truth
    if evaluation.task == "regression":
        mean = np.full(evaluation.rows, truth.mean())
        median = np.full(evaluation.rows, np.median(truth))
        metrics = {
            "mae": regression.metrics(truth, median)["mae"],
            "rmse": regression.metrics(truth, mean)["rmse"],
        }
        return "always answering the mean or median", metrics
    count = len(evaluation.classes)
    common = int(np.bincount(truth, minlength=count).argmax())
    metrics = classification.metrics(truth, np.full_like(truth, common), count)
    wanted = {name: metrics[name] for name in ("accuracy", "f1")}
    wanted["roc_auc"] = lambda weights: np.full(len(weights), CHANCE_AUC)
    return f"always answering {evaluation.classes[common]!r}", wanted


def _losses(evaluation: Evaluation, predictions: Predictions) -> Any:
    if evaluation.task == "regression":
        return np.abs(evaluation.truth - predictions.predicted)
    return (evaluation.truth != predictions.predicted).astype(np.float64)


def _columns(evaluation: Evaluation) -> Any:
    return replace(evaluation.inputs, columns=evaluation.inputs.columns + evaluation.extras.columns)


def _details(evaluation: Evaluation, predictions: Predictions) -> dict[str, object]:
    if evaluation.task == "regression":
        return {"task": "regression"}
    details: dict[str, object] = {
        "task": "classification",
        "classes": list(predictions.classes),
        "confusion": classification.confusion(
            evaluation.truth, predictions.predicted, len(predictions.classes)
        ),
    }
    if predictions.probabilities is not None:
        details["calibration"] = classification.calibration_curve(
            evaluation.truth, predictions.probabilities
        )
    return details


def _slice_details(scan: SliceScan) -> dict[str, object]:
    rows = [
        {
            "column": each.column,
            "value": each.value,
            "rows": each.rows,
            "loss": round(each.loss, 6),
            "loss_elsewhere": round(each.loss_elsewhere, 6),
            "p_value": round(each.p_value, 6),
        }
        for each in scan.slices[:SHOWN_SLICES]
    ]
    return {"tested": len(scan.slices), "too_few": scan.too_few, "weakest": rows}


def _thresholds(evidence: Evidence, settings: Settings) -> dict[str, float]:
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


def _threshold_findings(evidence: Evidence, settings: Settings) -> list[Finding]:
    thresholds = _thresholds(evidence, settings)
    worth = 1 / len(thresholds)
    return [
        _threshold_finding(evidence, name, threshold, worth)
        for name, threshold in thresholds.items()
    ]


def _threshold_finding(evidence: Evidence, name: str, threshold: float, worth: float) -> Finding:
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
    fix = f"{evidence.model_path}: bring {label} from {found.value:.3f} to {wanted}"
    weak = next((each for each in evidence.scan.slices if each.weak), None)
    if weak is not None:
        fix += f"; start with the {weak.rows} rows where {weak.column} is {weak.value}"
    return Finding(rule, Grade.MEASURED, Severity.MAJOR, message, worth, worth * earned, where, fix)


def _gain_findings(evidence: Evidence) -> list[Finding]:
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
    return [_finding("gain", Severity.INFO, sentence)]


def _change_findings(evidence: Evidence) -> list[Finding]:
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


def _slice_findings(evidence: Evidence) -> list[Finding]:
    weak = [each for each in evidence.scan.slices if each.weak][:SHOWN_SLICES]
    return [
        _finding(f"slice.{index}", Severity.MINOR, _slice_sentence(evidence, each))
        for index, each in enumerate(weak, start=1)
    ]


def _slice_sentence(evidence: Evidence, each: Slice) -> str:
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


def _message(evidence: Evidence) -> str:
    names = ("accuracy", "f1") if evidence.task == "classification" else ("r2", "mae")
    shown = [
        f"{LABELS.get(name, name)} {evidence.estimates[name].value:.3f}"
        for name in names
        if name in evidence.estimates
    ]
    return f"{', '.join(shown)} on {evidence.rows} rows"


def _figures(evidence: Evidence, settings: Settings) -> tuple[Figure, ...]:
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
