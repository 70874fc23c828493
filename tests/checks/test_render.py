"""The comment and the terminal text: what they show, and that quoted text does nothing."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.render import against, markdown, text, words
from checks.render.inert import TEXT_LIMIT, inert, plain
from checks.report import (
    BaseCheck,
    BaseReport,
    Figure,
    Finding,
    Grade,
    Location,
    ModelIdentity,
    Report,
    Severity,
    Verdict,
)

DIGEST = "sha256:" + "ab" * 32


def finding(message: str, **changes: object) -> Finding:
    """A major finding about a file."""
    base = Finding(
        "x.y", Grade.FOUND, Severity.MAJOR, message, 0.2, 0.1, Location("k8s/a.yaml", 7), "mend it"
    )
    return replace(base, **changes)  # type: ignore[arg-type] # fields of a Finding


def report(*findings: Finding, score: float = 0.7, ready: bool = False) -> Report:
    """A report of one check with these findings."""
    verdict = Verdict(
        "deployment", ready, score, "half of it", False, findings=findings,
        figures=(Figure("accuracy", 0.9, "", 0.85, 0.95, 0.8, True, 714),),
    )  # fmt: skip
    return Report(
        timestamp="2026-03-01T12:00:00Z",
        commit="c" * 40,
        models=(ModelIdentity("model/model.joblib", DIGEST, "joblib", 35308),),
        data_digest=DIGEST,
        verdicts=(verdict,),
        overall_score=score,
        is_ready=ready,
        critical_issues=(),
        recommendations=tuple(dict.fromkeys(f.recommendation or "" for f in findings)),
        next_steps=("Keep watching.",),
        notes=("3 of 12 checks",),
    )


BASE = BaseReport("main", "b" * 40, 0.9, True, (), changes=("holdpoint.yml is edited",))


def compared(before: float) -> Report:
    """A report whose base scored `before`."""
    checks = (BaseCheck("deployment", True, before),)
    return replace(report(), base=replace(BASE, overall_score=before, checks=checks))


def test_the_comment_says_what_matters_in_this_order() -> None:
    shown = markdown.comment(report(finding("runs as root")))
    order = ["## ❌ Not ready", "**0.70** overall", "What to fix first", "1. mend it", "| check |"]
    order += ["<details>", "runs as root", "k8s/a.yaml:7", "0.10 of 0.20", "0.85 to 0.95", "Notes"]
    positions = [shown.find(each) for each in order]
    assert positions == sorted(positions)
    assert -1 not in positions
    assert "✅ Ready" in markdown.comment(report(score=0.9, ready=True))
    assert "Partly judged" in markdown.comment(report(score=0.9))


def test_the_change_against_the_base_is_shown() -> None:
    shown = markdown.comment(compared(0.9))
    assert "▼ -0.20 against main" in shown
    assert "| check | score | change | result |" in shown
    assert "| ▼ -0.20 |" in shown
    assert "**Against the base**" in shown
    assert "· same as main ·" in markdown.comment(compared(0.7))
    assert "▲ +0.30 against main" in text.text(compared(0.4))


def test_what_got_worse_comes_first() -> None:
    now = [Verdict(name, True, score, "m") for name, score in (("a", 0.9), ("b", 0.5), ("c", 0.1))]
    then = [BaseCheck(name, True, score) for name, score in (("a", 0.9), ("b", 0.6), ("c", 0.9))]
    base = replace(compared(0.9).base or BASE, checks=tuple(then))
    shown = replace(report(), verdicts=tuple(now), base=base)
    assert [verdict.check_name for verdict in against.ordered(shown)] == ["c", "b", "a"]
    assert [against.change(shown, verdict) for verdict in now] == ["=", "▼ -0.10", "▼ -0.80"]
    critical = replace(now[0], critical=True)
    assert against.got_worse(shown, critical)
    assert against.change(shown, critical) == "▼ +0.00, now critical"
    unknown = Verdict("d", True, 1.0, "m")
    assert against.change(shown, unknown) == "new", "the base has no model"
    assert not against.got_worse(shown, unknown)


def test_tables_stay_tables() -> None:
    shown = markdown.comment(report(*[finding(f"number {n} a|b\n| c |") for n in range(3)]))
    rows = [line for line in shown.splitlines() if line.startswith("| 🟠")]
    assert len(rows) == 3
    assert all(row.count("|") == 5 for row in rows)


HOSTILE = [
    "@octocat and @acme/team",
    "<script>alert(1)</script><img src=x onerror=y>",
    "</details></summary><!-- holdpoint -->",
    "```holdpoint-record\n{}\n```",
    "[click](https://evil.example.com) ![x](https://evil.example.com/x.png)",
    "https://evil.example.com www.evil.example.com",
    "closes #1, GH-2, acme/x#3, deadbeefdeadbeefdeadbeefdeadbeefdeadbeef",
    "# heading\n- list\n1. one\n> quote\n---\n***",
    "a | b `code` *b* _i_ ~~s~~ $x$ :tada: \\",
    "\u202eevil\u2066\u200e\x1b[31m\x00\x9b31m\ud800",
    "&lt;b&gt; &#60;b&#62;",
]


@pytest.mark.parametrize("text_", HOSTILE)
def test_quoted_text_does_nothing(text_: str) -> None:
    shown = inert(text_)
    assert "\n" not in shown
    without_entities = re.sub(r"&#?\w+;", "", shown)
    assert not set(without_entities) & set("<>|`*_~[]\\!$^&")
    assert not re.search(r"@[A-Za-z0-9]", shown)
    assert not re.search(r"(?<!&)#\d|GH-\d", without_entities)
    assert not re.search(r"://|\bwww\.", shown)
    assert not re.search(r"\b[0-9a-f]{7,64}\b", shown)
    assert not re.search(r":\w+:", shown)
    assert not re.match(r"\s*(?:[#+=-]|\d+[.)])", shown)
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]", shown)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_text_is_inert_wherever_a_report_can_carry_it(hostile: str) -> None:
    honest = report(finding("x", where=Location("y"), recommendation="z"))
    evil = report(finding(hostile, where=Location(hostile), recommendation=hostile))
    model = ModelIdentity(hostile, hostile, hostile, 1)
    evil = replace(
        evil,
        timestamp=hostile,
        commit=hostile,
        models=(model,),
        data_digest=hostile,
        critical_issues=(hostile,),
        next_steps=(hostile,),
        notes=(hostile,),
        base=BaseReport(hostile, hostile, 0.5, False, (), (), (hostile,), (hostile,)),
        verdicts=(
            replace(
                evil.verdicts[0],
                check_name=hostile,
                message=hostile,
                figures=(Figure(hostile, 1.0, hostile),),
            ),
        ),
    )
    shown = markdown.comment(evil)
    tags = re.findall(r"</?\w+", markdown.comment(honest))
    assert set(re.findall(r"</?\w+", shown)) <= set(tags)
    assert shown.count("<details>") == shown.count("</details>")
    assert "<!--" not in shown
    assert "```" not in shown
    assert "](" not in shown
    assert not re.search(r"@[A-Za-z]", shown)
    printed = text.text(evil)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\u2066]", printed)


@given(st.text(max_size=1000))
def test_any_text_ends_on_one_bounded_line(hostile: str) -> None:
    assert len(plain(hostile)) <= TEXT_LIMIT
    assert len(inert(hostile).splitlines()) <= 1


def test_a_long_report_loses_details_never_the_verdict() -> None:
    long = report(*[finding(f"{n} " + "x" * 390, recommendation=f"fix {n}") for n in range(190)])
    verdicts = tuple(replace(long.verdicts[0], check_name=f"check_{n}") for n in range(12))
    shown = markdown.comment(replace(long, verdicts=verdicts))
    assert len(shown) < 65_536
    assert shown.startswith("## ❌ Not ready")
    assert "Cut to fit a comment: the details of" in shown
    assert all(f"Check\u00a0{n}" in shown for n in range(12))
    assert "…and 185 more" in shown
    assert shown.count("<details>") == shown.count("</details>")


def test_critical_issues_that_are_left_out_are_counted() -> None:
    many = replace(report(), critical_issues=tuple(f"thing {n}" for n in range(13)))
    shown = markdown.comment(many)
    assert "- thing 9" in shown
    assert "thing 10" not in shown
    assert "…and 3 more in the table below." in shown


def test_a_threshold_says_on_which_side_it_lies() -> None:
    asked = [
        words.asked(Figure("x", value, threshold=0.8, met=met))
        for value, met in ((0.9, True), (0.7, False), (0.7, True), (0.9, False), (0.8, True))
    ]
    assert asked == ["≥ 0.8 ✓", "≥ 0.8 ✗", "≤ 0.8 ✓", "≤ 0.8 ✗", "0.8 ✓"]


def test_even_the_longest_strings_everywhere_fit() -> None:
    long = "<" * 100_000
    base = report(*[finding(long, recommendation=f"{n}{long}") for n in range(300)])
    verdicts = tuple(replace(base.verdicts[0], check_name=long, message=long) for _ in range(12))
    full = replace(
        base,
        verdicts=verdicts,
        critical_issues=(long,) * 50,
        notes=(long,) * 500,
        next_steps=(long,) * 50,
        models=(ModelIdentity(long, long, long, 1),) * 50,
        timestamp=long,
        commit=long,
    )
    shown = markdown.comment(full)
    assert len(shown) < 65_536
    assert shown.startswith("## ❌ Not ready")


def test_the_terminal_text_is_short_and_complete() -> None:
    shown = text.text(report(finding("runs as root", severity=Severity.MAJOR)))
    assert shown.startswith("NOT READY  0.70  model/model.joblib  (1 of 12 checks)")
    assert "k8s/a.yaml:7: runs as root" in shown
    assert "1. mend it" in shown
    assert all(len(line) <= 110 for line in shown.splitlines())
