"""Waivers: reason, owner and date are asked for; no score rises; the date ends them."""

from __future__ import annotations

import datetime
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks import catalog, config, run, waivers
from checks.config import Config, Waiver
from checks.errors import ConfigError
from checks.judge import judge
from checks.report import Finding, Grade, Severity, Verdict
from checks.scoring import unjudged, verdict
from tests.checks.conftest import verdict_of

DAY = datetime.date(2030, 6, 1)
WAIVER = Waiver("deployment.risk", "the next release mends it", "ada", "2030-06-02")
LIMITS = catalog.find("deployment").settings()


def load(text: str) -> Config:
    """The configuration with this version's checks."""
    return config.load(text.encode(), "holdpoint.yml", catalog.discover())


def judged(severity: Severity = Severity.CRITICAL, earned: float = 9.0) -> Verdict:
    """A verdict of `deployment` with one bad finding and points from another."""
    bad = Finding("deployment.risk", Grade.FOUND, severity, "bad", 1.0, 0.0, None, "mend it")
    good = Finding("deployment.x", Grade.FOUND, Severity.INFO, "good", 9.0, earned)
    return verdict("deployment", [bad, good], LIMITS, "m")


def test_a_waived_finding_is_no_longer_critical_and_its_points_stay_lost() -> None:
    before = judged()
    assert before.critical
    after = waivers.apply(before, [WAIVER], DAY, LIMITS)
    assert (after.critical, after.passed, after.score) == (False, True, before.score)
    assert not judge([after]).critical_issues
    assert after.recommendations == ()
    (shown,) = (f for f in after.findings if f.rule == "deployment.risk")
    assert shown.message == "bad [waived until 2030-06-02 by ada]"
    assert shown.severity is Severity.MINOR
    assert (shown.worth, shown.earned) == (1.0, 0.0)


@pytest.mark.parametrize("day", [datetime.date(2030, 6, 2), datetime.date(2031, 1, 1)])
def test_on_its_date_it_counts_no_longer(day: datetime.date) -> None:
    assert waivers.apply(judged(), [WAIVER], day, LIMITS) == judged()
    assert "counts no longer" in waivers.notes([WAIVER], [judged()], day)[0]


def test_a_score_that_is_too_low_stays_critical() -> None:
    low = judged(earned=3.0)
    after = waivers.apply(low, [WAIVER], DAY, LIMITS)
    assert after.critical
    assert not after.passed
    assert "the score is too low" in judge([after]).critical_issues[0]


def test_critical_by_other_means_than_a_finding_stays() -> None:
    other = replace(judged(Severity.MAJOR), critical=True, passed=False)
    after = waivers.apply(other, [WAIVER], DAY, LIMITS)
    assert (after.critical, after.passed) == (True, False)


def test_what_could_not_be_judged_cannot_be_waived() -> None:
    closed = unjudged("model_performance", "model_performance.measured", "no data", "add it")
    waiver = replace(WAIVER, rule="model_performance.measured")
    assert waivers.apply(closed, [waiver], DAY, LIMITS) is closed
    assert "cannot be waived" in waivers.notes([waiver], [closed], DAY)[0]


def test_a_waiver_that_is_about_nothing_is_said() -> None:
    waiver = replace(WAIVER, rule="deployment.rsk")
    note = waivers.notes([waiver], [judged()], DAY)[0]
    assert "No finding has this rule now (the nearest is deployment.risk)" in note


@given(st.sampled_from(list(Severity)), st.floats(0, 9), st.dates())
def test_no_waiver_raises_a_score(severity: Severity, earned: float, day: datetime.date) -> None:
    before = judged(severity, earned)
    after = waivers.apply(before, [WAIVER], day, LIMITS)
    assert after.score == before.score
    assert judge([after]).score == judge([before]).score


def test_a_report_shows_its_waivers(lending: Path) -> None:
    (lending / "Dockerfile").write_text(
        (lending / "Dockerfile").read_text().replace("USER", "# USER")
    )
    text = (lending / "holdpoint.yml").read_text() + (
        "waivers:\n- {rule: deployment.container.user, reason: base image, owner: ada,"
        " expires: 2030-01-01}\n"
    )

    def at(year: int) -> tuple[str, ...]:
        report = run.run(
            lending,
            config=load(text),
            options=run.Options(only=("deployment",)),
            clock=lambda: datetime.datetime(year, 1, 1, tzinfo=datetime.UTC),
        )
        verdict = verdict_of(report, "deployment")
        (found,) = (f for f in verdict.findings if f.rule == "deployment.container.user")
        return (found.message, found.severity.value, str(verdict.score), *report.notes[-1:])

    waived, expired = at(2029), at(2030)
    assert waived[0].endswith("[waived until 2030-01-01 by ada]")
    assert waived[1] == "minor"
    assert "by ada: base image. Points stay lost." in waived[3]
    assert "waived" not in expired[0]
    assert expired[1] == "major"
    assert waived[2] == expired[2]
    assert "counts no longer" in expired[3]


SOUND = "rule: deployment.risk, reason: r, owner: o, expires: 2030-01-01"


def test_a_sound_waiver_loads() -> None:
    (found,) = load(f"\nwaivers: [{{{SOUND}}}]").waivers
    assert found.where is not None
    assert found.where.line == 2
    for rule in ("deployment.defect.root", "model_performance.slice.1", "deployment.health"):
        assert load(f"waivers: [{{{SOUND.replace('deployment.risk', rule)}}}]").waivers


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("reason: r, ", "", "waivers[0].reason is missing"),
        ("owner: o, ", "", "waivers[0].owner is missing"),
        (", expires: 2030-01-01", "", "waivers[0].expires is missing"),
        ("reason: r", "reason: ' '", "waivers[0].reason is empty"),
        ("2030-01-01", "01.01.2030", "expires is '01.01.2030', expected a date such as"),
        ("2030-01-01", "2030-13-01", "expires is '2030-13-01', expected a date"),
        ("2030-01-01", "never", "expires is 'never', expected a date"),
        ("deployment.risk", "deployment.rsik", "did you mean 'deployment.risk'?"),
        ("deployment.risk", "deploiment.risk", "did you mean 'deployment.risk'?"),
        ("deployment.risk", "deployment", "expected one rule: <check>.<item>"),
        ("deployment.risk", "'deployment.*'", "expected one rule: <check>.<item>"),
        ("owner", "ovner", "waivers[0].ovner is no key; did you mean 'owner'?"),
    ],
)
def test_an_unsound_waiver_is_an_error(old: str, new: str, expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(f"waivers: [{{{SOUND.replace(old, new)}}}]")
    assert str(caught.value).startswith("holdpoint.yml:1: ")
    assert expected in str(caught.value)
