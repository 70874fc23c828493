"""Does the model treat groups of people alike?

What it looks for
    The attributes in `protected_attributes`, or, where nothing is configured, columns whose name
    has a word such as age, gender, sex, race, ethnicity, income, education, marital, religion,
    disability or nationality (`usage` has none); that is a guess and said to be one. Both the
    model's inputs and the columns kept from it (`data.ignore`) are looked at: leaving a column out
    does not remove what others say about it. Numbers become groups: ages by decade, others by
    quartile, whole numbers of few values by value.
    With two labels: the demographic parity difference (rates of the positive label), the equalized
    odds difference (the larger of those in true and false positive rates), the equal opportunity
    difference (true positive rates) and the accuracy gap. With more labels: the largest parity
    difference of any label, and the accuracy gap. For regression: the gaps in mean prediction and
    in mean error, in standard deviations of the truth. Each is the largest group's value minus the
    smallest's, with a bootstrap interval; each group's rate has its count and Wilson's interval.
    Groups that two attributes make together are shown too.

Why
    A model that is right on the whole can be wrong about a few, always the same few. It is seen
    only where somebody looks by group.

How it is scored
    1 - issues / (2 x attributes). An attribute has two places for an issue: demographic parity and
    equalized odds; with more labels parity and accuracy; for regression mean prediction and mean
    error. An issue is a difference above 0.1: the figure decides, and where its interval holds 0.1
    that is said. Groups of fewer than 30 rows (for a true positive rate: 30 positives) are too few
    to say anything: they are left out and named, and where fewer than two groups are left the place
    counts as lost, though not towards critical. What has no place is shown: equal opportunity is
    a part of equalized odds, and the accuracy gap also follows from how hard each group's cases
    are. Passed at 0.8, critical with more than 2 issues.
    Without any attribute the score is 0: nothing configured is no success. A model that is not
    about people says so by `protected_attributes: []` and a reason in `no_attributes_because`; then
    the check does not apply. A pull request cannot grade itself: the configuration that counts is
    the base branch's. The four-fifths rule (the lowest rate of the favourable label over the
    highest, at least 0.8) is US employment law and checked only where `four_fifths` asks for it.

How to fix
    Look at the groups' figures first: fewer rows, other rates of the label, or missing values?
    Then more data, other features, or a mitigation such as reweighing or thresholds by group
    (fairlearn), if the law lets you use the attribute at all.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from checks.check import Needs
from checks.config import number, setting, share
from checks.evidence.answers import RunProblemError
from checks.measure import fairness
from checks.report import Figure, Finding, Grade, Location, Severity, Verdict
from checks.scoring import unjudged, verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from checks.check import Context
    from checks.config import Config
    from checks.measure.fairness import Attribute, Difference, Fairness

NAME = "model_fairness"
MOST_CRITICAL = 2  # issues; more are critical
MOST_CROSSED = 3  # attributes whose groups are crossed with each other
FOUR_FIFTHS = 0.8
TITLES = {
    fairness.PARITY: "demographic parity difference",
    fairness.ODDS: "equalized odds difference",
    fairness.OPPORTUNITY: "equal opportunity difference",
    fairness.ACCURACY: "accuracy gap",
    fairness.PREDICTION: "gap in mean prediction",
    fairness.ERROR: "gap in mean error",
}


@dataclass(frozen=True)
class Settings:
    """Who is compared, and how far apart they may be."""

    threshold: float = share(0.1, "largest difference between groups")
    protected_attributes: tuple[str, ...] | None = setting(
        "columns whose values make the groups; [] where the model is not about people"
    )
    no_attributes_because: str = setting("why there is nobody to compare, with []", "")
    least_rows: int = number(30, 2, 100_000, "rows of a group below which nothing is said")
    four_fifths: bool = setting("whether the four-fifths rule is asked for", False)
    favourable_label: str | None = setting(
        "the label that is good for a person, for the four-fifths rule; else the positive label"
    )
    passed_at: float = share(0.8)
    critical_below: float = share(0.0)


@dataclass(frozen=True)
class Problem:
    """Why nothing could be measured."""

    sentence: str
    fix: str


class ModelFairness:
    """The check; see the module's text."""

    name = NAME
    title = "Model fairness"
    needs = Needs.MODEL
    settings: type[Any] = Settings
    items: Mapping[str, float] = {}
    rules = (
        "attributes",
        *(f"{name}.*" for name in TITLES),
        "four_fifths.*",
        "together.*",
        "measured",
    )

    def collect(self, context: Context) -> Fairness | Problem | None:
        """Compares the answers by group; None where the configuration says there is nobody."""
        settings: Settings = context.config.of(self)
        if settings.protected_attributes == () and settings.no_attributes_because.strip():
            return None
        try:
            evaluation, predictions = context.runs.evaluation(), context.runs.predictions()
        except RunProblemError as error:
            return Problem(str(error), error.fix)
        return fairness.measure(evaluation, predictions, context.runs.model.path, _choice(settings))

    def judge(self, evidence: Fairness | Problem | None, config: Config) -> Verdict:
        """Counts the issues."""
        settings: Settings = config.of(self)
        if evidence is None:
            return _not_applicable(settings)
        if isinstance(evidence, Problem):
            return unjudged(NAME, f"{NAME}.measured", evidence.sentence, evidence.fix)
        if not evidence.attributes:
            return _nobody(evidence, settings, config)
        judging = _Judging(evidence, settings)
        return judging.verdict()


CHECK = ModelFairness()


def _choice(settings: Settings) -> fairness.Choice:
    return fairness.Choice(
        settings.protected_attributes, settings.least_rows, settings.favourable_label, MOST_CROSSED
    )


def _not_applicable(settings: Settings) -> Verdict:
    message = f"nobody to compare, says the configuration: {settings.no_attributes_because}"
    finding = Finding(f"{NAME}.attributes", Grade.DECLARED, Severity.INFO, message)
    return Verdict(NAME, True, None, message, applicable=False, findings=(finding,))


def _nobody(evidence: Fairness, settings: Settings, config: Config) -> Verdict:
    source = config.source or "holdpoint.yml"
    message = f"no protected attribute is configured or found in {evidence.data_path}"
    if settings.protected_attributes == ():
        message = "protected_attributes is empty, and no_attributes_because does not say why"
    fix = (
        f"{source}: name columns in checks.{NAME}.protected_attributes (data.ignore keeps them "
        "from the model), or set it to [] and no_attributes_because to the reason"
    )
    where = Location(source) if config.source else None
    rule = f"{NAME}.attributes"
    finding = Finding(rule, Grade.MISSING, Severity.MAJOR, message, 1.0, 0.0, where, fix)
    return verdict(NAME, [finding], settings, message, 0.0)


@dataclass(frozen=True)
class _Judging:
    """Turns differences into findings, figures and a verdict."""

    evidence: Fairness
    settings: Settings

    def verdict(self) -> Verdict:
        """The whole verdict."""
        findings = [f for each in self.evidence.attributes for f in self._attribute(each)]
        places = 2 * len(self.evidence.attributes)
        issues = sum(f.severity is Severity.MAJOR and f.grade is Grade.MEASURED and f.worth > 0
                     for f in findings)  # fmt: skip
        lost = sum(f.worth > 0 and f.earned == 0 for f in findings)
        findings += [self._crossed(each) for each in self.evidence.crossed]
        findings += self._guesses()
        names = ", ".join(each.name for each in self.evidence.attributes)
        shown = f"{issues or 'no'} {'issue' if issues == 1 else 'issues'} by {names}"
        untold = f"; {lost - issues} of {places} cannot be told" if lost > issues else ""
        message = f"{shown} on {self.evidence.rows:,} rows{untold}"
        result = verdict(NAME, findings, self.settings, message, 1 - lost / places)
        if issues > MOST_CRITICAL:
            result = replace(result, critical=True, passed=False)
        figures = tuple(f for each in self.evidence.attributes for f in self._figures(each))
        return replace(result, figures=figures, details=fairness.details(self.evidence))

    def _attribute(self, attribute: Attribute) -> list[Finding]:
        worth = 1 / (2 * len(self.evidence.attributes))
        if attribute.problem:
            fix = f"{self.evidence.data_path}: {attribute.name}: {attribute.problem}"
            return [
                replace(
                    self._of(f"{name}.{attribute.name}", Severity.MAJOR,
                             f"{attribute.name}: {TITLES[name]} cannot be told, "
                             f"{attribute.problem}", (worth, 0.0), fix),
                    grade=Grade.MISSING,
                )
                for name in fairness.places(self.evidence.kind)
            ]  # fmt: skip
        findings = [self._difference(attribute, each, worth) for each in attribute.differences]
        if self.settings.four_fifths and attribute.ratio is not None:
            findings.append(self._ratio(attribute, attribute.ratio))
        return findings

    def _difference(self, attribute: Attribute, found: Difference, worth: float) -> Finding:
        limit, rule = self.settings.threshold, f"{found.name}.{attribute.name}"
        lead = f"{attribute.name}: {TITLES[found.name]}"
        worth = worth if found.name in fairness.places(self.evidence.kind) else 0.0
        few = f"; too few to say: {', '.join(found.too_few[:5])}" if found.too_few else ""
        if found.value is None:
            least = self.settings.least_rows
            message = f"{lead} cannot be told: fewer than two groups have {least} rows for it{few}"
            fix = (
                f"{self.evidence.data_path}: add rows of the small groups of {attribute.name}"
                if worth
                else None
            )
            finding = self._of(rule, Severity.MINOR, message, (worth, 0.0), fix)
            return replace(finding, grade=Grade.MISSING)
        message = (
            f"{lead} is {_shown(found)}{_unit(found)} between {found.highest} and {found.lowest} "
            f"({found.rows:,} rows){few}"
        )
        if found.value <= limit:
            if found.high is not None and found.high > limit:
                message += f"; {limit:g} lies inside the interval: these rows cannot tell"
            return self._of(rule, Severity.INFO, message, (worth, worth))
        message += f"; at most {limit:g} is asked for"
        if found.low is not None and found.low < limit:
            message += ", which lies inside the interval: more rows would tell"
        severity = Severity.MAJOR if worth else Severity.MINOR
        fix = (
            f"{self.evidence.model_path}: bring the {TITLES[found.name]} by {attribute.name} "
            f"from {found.value:.3f} to {limit:g}"
        )
        return self._of(rule, severity, message, (worth, 0.0), fix if worth else None)

    def _ratio(self, attribute: Attribute, ratio: float) -> Finding:
        message = (
            f"{attribute.name}: the lowest rate of {self.evidence.favourable!r} is {ratio:.2f} of "
            f"the highest; the four-fifths rule asks for {FOUR_FIFTHS:g}"
        )
        low = ratio < FOUR_FIFTHS
        fix = f"{self.evidence.model_path}: bring that ratio by {attribute.name} to four fifths"
        severity = Severity.MAJOR if low else Severity.INFO
        return self._of(
            f"four_fifths.{attribute.name}", severity, message, fix=fix if low else None
        )

    def _crossed(self, each: fairness.Crossed) -> Finding:
        found, rule = each.difference, f"together.{each.name}"
        if found.value is None:
            message = f"{each.name} together: too few rows in most groups to say"
            return self._of(rule, Severity.INFO, message)
        few = f"; {len(found.too_few)} groups are too few to say" if found.too_few else ""
        message = (
            f"{each.name} together: {TITLES[found.name]} is {_shown(found)}{_unit(found)}, "
            f"highest for {found.highest}, lowest for {found.lowest}{few}"
        )
        above = found.value > self.settings.threshold
        return self._of(rule, Severity.MINOR if above else Severity.INFO, message)

    def _guesses(self) -> list[Finding]:
        guessed = [each.name for each in self.evidence.attributes if each.guessed]
        if not guessed:
            return []
        message = (
            f"{', '.join(guessed)}: taken for protected attributes by the name, which is a guess; "
            f"set checks.{NAME}.protected_attributes to say which are"
        )
        return [self._of("attributes", Severity.MINOR, message)]

    def _of(
        self,
        rule: str,
        severity: Severity,
        message: str,
        points: tuple[float, float] = (0.0, 0.0),
        fix: str | None = None,
    ) -> Finding:
        where = Location(self.evidence.data_path)
        return Finding(f"{NAME}.{rule}", Grade.MEASURED, severity, message, *points, where, fix)

    def _figures(self, attribute: Attribute) -> list[Figure]:
        places = fairness.places(self.evidence.kind)
        figures = []
        for each in attribute.differences:
            if each.value is None:
                continue
            asked = self.settings.threshold if each.name in places else None
            met = None if asked is None else each.value <= asked
            name = f"{each.name}_{attribute.name}"
            figures.append(
                Figure(name, each.value, "", each.low, each.high, asked, met, samples=each.rows)
            )
        return figures


def _unit(found: Difference) -> str:
    regression = found.name in {fairness.PREDICTION, fairness.ERROR}
    return " standard deviations of the truth" if regression else ""


def _shown(found: Difference) -> str:
    if found.value is None or found.low is None or found.high is None:
        return f"{found.value or 0:.3f}"
    return f"{found.value:.3f} ({found.low:.3f} to {found.high:.3f})"
