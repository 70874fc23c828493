"""Can somebody say which inputs the model leans on, and tell a person why it answered so?

What it looks for
    Permutation importance, measured here: by how much the model's answers on the evaluation rows
    get worse when one column is shuffled, over several shuffles, with a 95 % bootstrap interval,
    for each column that the model is given; beside it the base branch's model on the same shuffled
    rows. In the code: importance methods (`feature_importances_`, `coef_`,
    permutation_importance, partial dependence, captum, eli5, alibi, ...); SHAP or LIME where they
    are called; explanations that are stored (files, code that writes them, MLflow) or served (a
    route, an OpenAPI operation, a KServe explainer).

Why
    A model that leans on one column that will be gone, or on one that should not matter, looks as
    good as a sound one in every metric. People about whom it decides ask why.

How it is scored
    Feature importance 0.4: all of it when some column matters beyond chance, half when none does.
    Importance methods 0.2. SHAP or LIME 0.2: 0.05 when it is installed or imported, 0.15 when the
    code calls it. Stored 0.1, served 0.1. What is only declared is worth half. Passed at 0.7,
    critical below 0.5. The decline is that of ROC AUC for two classes, of accuracy for more or
    without probabilities, of R2 for numbers (Breiman 2001; Fisher, Rudin and Dominici 2019).
    Columns that say the same stand in for each other, so both look less important than they are:
    pairs with a rank correlation from 0.8 on are named. It says what the model uses, never what
    causes the outcome. What a model says of itself (its coefficients) is looked for in the code
    and not measured: it comes from the program that is judged, and kinds of models mean different
    things by it. On many rows and columns a sample is shuffled within a budget of time; what was
    left out is said.

How to fix
    `sklearn.inspection.permutation_importance` on rows that were held out, written to a file beside
    the model with the model's digest; `examples/lending` does that and answers POST /explain.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from checks.config import number, setting, share
from checks.evidence import explanation_files, explanations, importances, manifests, python_code
from checks.evidence.answers import RunProblemError
from checks.items import Item, item_finding, missing, unreadable_finding
from checks.report import Evidence, Figure, Finding, Grade, Location, Severity, Verdict
from checks.scoring import declared, verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from checks.check import Context
    from checks.config import Config
    from checks.evidence.importances import Importances
    from checks.measure.bootstrap import Estimate
    from checks.measure.importance import Importance

NAME = "model_interpretability"
TOP = 5  # columns that are named in a sentence
MOST_DETAILS = 50
LABELS = {"roc_auc": "ROC AUC", "f1": "F1", "log_loss": "log loss", "r2": "R2", "mae": "MAE"}


@dataclass(frozen=True)
class Settings:
    """How much is shuffled, and what the decline is measured in."""

    metric: Literal["accuracy", "f1", "roc_auc", "log_loss", "r2", "mae", "rmse"] | None = setting(
        "what the decline is measured in; without it ROC AUC, accuracy or R2 by task"
    )
    repeats: int = number(5, 1, 100, "how often each column is shuffled")
    rows: int = number(2000, 20, 100_000, "most rows that are shuffled")
    budget_seconds: float = number(20, 0, 3600, "after it no further column is shuffled")
    passed_at: float = share(0.7)
    critical_below: float = share(0.5)


WORTH = 0.4  # of the measured importance
ITEMS: Mapping[str, Item] = {
    "methods.code": Item(
        "code that computes importances",
        0.2,
        "train.py: compute permutation importances on held-out rows (sklearn.inspection)",
    ),
    "shap.used": Item(
        "SHAP or LIME at work",
        0.15,
        "explain single answers with shap or lime, or declare why the model needs none",
        Severity.MINOR,
    ),
    "shap.named": Item(
        "SHAP or LIME installed", 0.05, "requirements.txt: add shap or lime", Severity.MINOR
    ),
    "stored.any": Item(
        "stored explanations",
        0.1,
        "train.py: write the importances to a file beside the model (model/importance.json)",
        Severity.MINOR,
    ),
    "served.endpoint": Item(
        "explanations that callers can ask for",
        0.1,
        "serve an endpoint such as POST /explain, and describe it in openapi.yaml",
        Severity.MINOR,
    ),
}


@dataclass(frozen=True)
class Problem:
    """Why importances could not be measured."""

    sentence: str
    fix: str


@dataclass(frozen=True)
class Gathered:
    """What was measured, what was found for each item, what could not be read."""

    measured: Importances | Problem
    model_path: str
    found: Mapping[str, tuple[Evidence, ...]]
    unreadable: tuple[Evidence, ...] = ()


class ModelInterpretability:
    """The check; see the module's text."""

    name = NAME
    title = "Model interpretability"
    settings: type[Any] = Settings
    items: Mapping[str, float] = {
        "importance": WORTH,
        "methods": 0.2,
        "shap": 0.2,
        "stored": 0.1,
        "served": 0.1,
    }
    rules = (*ITEMS, "correlated", "left_out", "change", "unreadable")

    def collect(self, context: Context) -> Gathered:
        """Shuffles columns for the model, and reads code, files and manifests."""
        modules, unparsed = python_code.collect(context.repository)
        measured, columns = _measure(context)
        found: dict[str, tuple[Evidence, ...]] = {}
        for item, evidence in (
            *explanation_files.artefacts(context.repository, columns),
            *explanations.from_code(modules),
            *explanations.from_api(context.repository, modules),
            *explanations.from_manifests(manifests.collect(context.repository)),
            *explanation_files.installed(context.repository),
        ):
            found[item] = (*found.get(item, ()), evidence)
        return Gathered(measured, context.runs.model.path, found, unparsed)

    def judge(self, evidence: Gathered, config: Config) -> Verdict:
        """Gives each item's points once, by the best that was found."""
        measured = evidence.measured
        findings = [_importance_finding(evidence, config)]
        findings += [
            item_finding(f"{NAME}.{name}", item, evidence.found.get(name, ()), config)
            for name, item in ITEMS.items()
        ]
        if not isinstance(measured, Problem):
            findings += _remarks(measured)
        findings += [unreadable_finding(NAME, each) for each in evidence.unreadable]
        result = verdict(NAME, findings, config.of(self), _message(measured, findings))
        if isinstance(measured, Problem):
            return result
        return replace(result, figures=_figures(measured), details=_details(measured))


CHECK = ModelInterpretability()


def _measure(context: Context) -> tuple[Importances | Problem, tuple[str, ...]]:
    """The importances, and the names of the model's columns as far as they are known."""
    settings: Settings = context.config.of(CHECK)
    plan = importances.Plan(
        settings.rows, settings.repeats, settings.budget_seconds, settings.metric
    )
    try:
        columns = context.runs.model_inputs().names
    except RunProblemError as error:
        return Problem(str(error), error.fix), ()
    try:
        return importances.measure(context.runs, plan), columns
    except RunProblemError as error:
        return Problem(str(error), error.fix), columns


def _importance_finding(evidence: Gathered, config: Config) -> Finding:
    rule, where, measured = f"{NAME}.importance", Location(evidence.model_path), evidence.measured
    if isinstance(measured, Problem):
        declaration = config.declared(rule)
        if declaration is not None:
            return declared(rule, WORTH, declaration)
        said = f"importances could not be measured: {measured.sentence}"
        return Finding(
            rule, Grade.MISSING, Severity.MAJOR, said, WORTH, 0.0, where, measured.fix or None
        )
    how = f"{_basis(measured)}; it is shared between columns that say the same"
    top = [each for each in measured.ranking if each.is_beyond_chance][:TOP]
    if top:
        said = f"the model leans on {', '.join(map(_shown, top))} ({how})"
        return Finding(rule, Grade.MEASURED, Severity.INFO, said, WORTH, WORTH, where)
    said = f"no column matters to the answers beyond chance ({how})"
    fix = f"{evidence.model_path}: find out what it answers by; judge it on more rows"
    return Finding(rule, Grade.MEASURED, Severity.MAJOR, said, WORTH, WORTH / 2, where, fix)


def _remarks(measured: Importances) -> list[Finding]:
    found = []
    if measured.correlated:
        pairs = [f"{p.one} and {p.other} ({p.correlation:.2f})" for p in measured.correlated]
        said = "say nearly the same, so each looks less important than both"
        found.append(_remark("correlated", f"{_some(pairs)} {said}"))
    if measured.left_out:
        names = _some([name[:60] for name in measured.left_out])
        found.append(_remark("left_out", f"not shuffled within the budget of time: {names}"))
    if measured.base_problem:
        said = f"no comparison with the base branch's model: {measured.base_problem}"
        found.append(_remark("change", said))
    elif measured.before:
        found.append(_change(measured))
    return found


def _change(measured: Importances) -> Finding:
    """The columns that were or are on top and moved, with the paired difference."""
    now = [each.column for each in measured.ranking]
    differences = measured.differences or {}
    top = dict.fromkeys((*now[:TOP], *measured.before[:TOP]))
    moved = [
        f"{name[:60]} {place[0]} -> {place[1]}{_by(differences, name)}"
        for name in top
        if (place := (_place(name, measured.before), _place(name, now)))[0] != place[1]
    ]
    if not moved:
        return _remark("change", f"the {min(TOP, len(now))} columns on top are those of before")
    certain = any(_is_certain(differences.get(name)) for name in top)
    said = f"against the base branch's model: {'; '.join(moved)}"
    return _remark("change", said, Severity.MINOR if certain else Severity.INFO)


def _is_certain(difference: Estimate | None) -> bool:
    if difference is None or difference.low is None or difference.high is None:
        return False
    return difference.low > 0 or difference.high < 0


def _by(differences: Mapping[str, Estimate], name: str) -> str:
    each = differences.get(name)
    if each is None or each.low is None or each.high is None:
        return ""
    return f" ({each.value:+.3f}, {each.low:+.3f} to {each.high:+.3f})"


def _place(name: str, ranking: tuple[str, ...] | list[str]) -> str:
    return f"#{ranking.index(name) + 1}" if name in ranking else "none"


def _remark(item: str, said: str, severity: Severity = Severity.INFO) -> Finding:
    return Finding(f"{NAME}.{item}", Grade.MEASURED, severity, said)


def _some(texts: list[str]) -> str:
    more = len(texts) - TOP
    return ", ".join(texts[:TOP]) + (f" and {more} more" if more > 0 else "")


def _shown(each: Importance) -> str:
    found = each.estimate
    return f"{each.column[:60]} {found.value:.3f} ({found.low:.3f} to {found.high:.3f})"


def _basis(measured: Importances) -> str:
    shuffles = max((each.shuffles for each in measured.ranking), default=0)
    rows = f"{measured.rows:,}"
    if measured.rows < measured.all_rows:
        rows += f" of {measured.all_rows:,}"
    times = f"{shuffles} shuffle{'s' * (shuffles != 1)}"
    return f"{_sign(measured)} of {_label(measured)}, {times} of {rows} rows"


def _label(measured: Importances) -> str:
    return LABELS.get(measured.metric, measured.metric)


def _sign(measured: Importances) -> str:
    return "rise" if measured.metric in {"log_loss", "mae", "rmse"} else "decline"


def _message(measured: Importances | Problem, findings: list[Finding]) -> str:
    said = missing(findings, len(ITEMS) + 1)
    if isinstance(measured, Problem):
        return f"importances could not be measured; {said}"
    top = [each.column[:40] for each in measured.ranking if each.is_beyond_chance][:TOP]
    return f"leans on {', '.join(top)}; {said}" if top else f"no column stands out; {said}"


def _figures(measured: Importances) -> tuple[Figure, ...]:
    return tuple(
        Figure(
            f"importance of {each.column[:60]}",
            each.estimate.value,
            "",
            each.estimate.low,
            each.estimate.high,
            samples=measured.rows,
        )
        for each in measured.ranking[:TOP]
    )


def _details(measured: Importances) -> dict[str, object]:
    return {
        "importance": [
            {
                "column": each.column[:200],
                "value": round(each.estimate.value, 6),
                "low": None if each.estimate.low is None else round(each.estimate.low, 6),
                "high": None if each.estimate.high is None else round(each.estimate.high, 6),
            }
            for each in measured.ranking[:MOST_DETAILS]
        ],
        "importance_basis": {
            "metric": _label(measured),
            "basis": _basis(measured),
            "rows": measured.rows,
            "columns": len(measured.ranking) + len(measured.left_out),
        },
    }
