"""Reports and records survive the way to JSON and back; anything malformed is refused in words."""

from __future__ import annotations

import dataclasses
import json

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks import report_json, report_schema
from checks.report import (
    BaseCheck,
    BaseReport,
    Figure,
    Finding,
    Grade,
    Location,
    ModelIdentity,
    Record,
    Report,
    Severity,
    Verdict,
)

DIGEST = "sha256:" + "ab" * 32
COMMIT = "0123456789abcdef" * 2 + "01234567"

REPORT = Report(
    timestamp="2026-03-01T12:00:00Z",
    commit=COMMIT,
    models=(ModelIdentity("model/model.joblib", DIGEST, "joblib", 4096),),
    data_digest=DIGEST,
    verdicts=(
        Verdict(
            "deployment",
            passed=False,
            score=0.5,
            message="half",
            critical=True,
            recommendations=("add a Dockerfile",),
            findings=(
                Finding(
                    "deployment.container",
                    Grade.FOUND,
                    Severity.CRITICAL,
                    "root",
                    0.2,
                    0.1,
                    Location("Dockerfile", 3, DIGEST),
                    "set USER",
                ),
            ),
            figures=(Figure("accuracy", 0.9, "", 0.85, 0.95, 0.8, True, 600),),
            details={"matrix": [[1, 2], [3, 4]]},
        ),
        Verdict("security", passed=False, score=None, message="not applicable", applicable=False),
    ),
    overall_score=0.5,
    is_ready=False,
    critical_issues=("root",),
    recommendations=("add a Dockerfile",),
    next_steps=("rework",),
    repository="acme/lending",
    versions={"holdpoint": "0.1.0"},
    notes=("all rows",),
    base=BaseReport(
        "main", COMMIT, 0.6, False, (BaseCheck("deployment", True, 0.7),),
        (ModelIdentity("model/model.joblib", DIGEST, "joblib", 4096),), ("edits",), ("left out",),
    ),
    seconds=1.5,
)  # fmt: skip


def test_a_report_survives_the_way_to_bytes_and_back() -> None:
    assert report_json.loads(report_json.dumps(REPORT)) == REPORT


def test_whole_numbers_do_not_change_the_digest_on_the_way() -> None:
    figure = Figure("mean_ms", 10, "ms", threshold=100, met=True, samples=500)
    whole = dataclasses.replace(
        REPORT, overall_score=1, verdicts=(Verdict("x", True, 1, "", figures=(figure,)),)
    )
    payload = report_json.dumps(whole)
    assert report_json.dumps(report_json.loads(payload)) == payload


def test_the_json_has_the_promised_names() -> None:
    data = report_json.to_json(REPORT)
    assert data["schema_version"] == 1
    assert {
        "timestamp", "overall_score", "is_ready", "critical_issues", "recommendations",
        "next_steps", "checks", "commit", "repository", "models", "data_digest", "versions",
        "notes",
    } <= set(data)  # fmt: skip
    assert {
        "check_name", "passed", "score", "message", "recommendations", "critical", "findings",
    } <= set(data["checks"][0])  # fmt: skip


def test_the_published_schema_is_the_codes_and_true() -> None:
    """A failure of the first: `.venv/bin/python -m checks.report_schema` writes it anew."""
    assert report_schema.TARGET.read_text(encoding="utf-8") == report_schema.dumps()
    schema = report_schema.schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    data = json.loads(report_json.dumps(REPORT))
    validator.validate(data)
    validator.validate(json.loads(report_json.dumps(dataclasses.replace(REPORT, base=None))))
    wrongs: list[dict[str, object]] = [{"surprise": 1}, {"schema_version": 2}, {"base": []}]
    for wrong in wrongs:
        assert not validator.is_valid({**data, **wrong})
    assert not validator.is_valid({key: data[key] for key in data if key != "checks"})


def test_the_bytes_are_canonical() -> None:
    again = dataclasses.replace(REPORT, versions=dict(REPORT.versions))
    assert report_json.dumps(again) == report_json.dumps(REPORT)
    assert report_json.digest_of(REPORT).startswith("sha256:")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"schema_version": 2}, "schema_version is 2"),
        ({"schema_version": True}, "schema_version is True"),
        ({"surprise": 1}, "unknown key 'surprise'"),
        ({"timestamp": None}, "timestamp is null"),
        ({"is_ready": 1}, "is_ready is a number, expected bool"),
        ({"overall_score": "0.9"}, "overall_score is a string"),
        ({"checks": {}}, "checks is an object"),
        ({"notes": [1]}, "notes[0] is a number"),
    ],
)
def test_a_malformed_report_is_refused_in_words(change: dict[str, object], sentence: str) -> None:
    with pytest.raises(report_json.ReportError, match=sentence.replace("[", r"\[")):
        report_json.from_json({**report_json.to_json(REPORT), **change})


def test_an_unknown_severity_lists_the_known_ones() -> None:
    data = report_json.to_json(REPORT)
    data["checks"][0]["findings"][0]["severity"] = "fatal"
    with pytest.raises(report_json.ReportError, match="known are critical, major, minor, info"):
        report_json.from_json(data)


def test_a_figure_that_is_not_finite_is_refused_on_both_ways() -> None:
    broken = dataclasses.replace(
        REPORT,
        verdicts=(Verdict("x", False, None, "", figures=(Figure("auc", float("nan")),)),),
    )
    with pytest.raises(report_json.ReportError, match="nan"):
        report_json.dumps(broken)
    payload = report_json.dumps(REPORT).replace(b'"overall_score": 0.5', b'"overall_score": NaN')
    with pytest.raises(report_json.ReportError, match="NaN is not a JSON number"):
        report_json.loads(payload)


def test_the_record_ends_a_text_and_is_read_from_its_end() -> None:
    record = report_json.record_of(REPORT)
    forged = report_json.record_to_text(dataclasses.replace(record, is_ready=True))
    text = f"# For people\n\n{forged}\n\nmore\n{report_json.record_to_text(record)}\n"
    assert report_json.record_from_text(text) == record
    assert record.model_digests == (DIGEST,)
    assert record.critical_count == 1
    assert record.report_digest == report_json.digest_of(REPORT)


def test_a_record_followed_by_anything_does_not_count() -> None:
    text = report_json.record_to_text(report_json.record_of(REPORT))
    for broken in (text + "\nx", text[:-1], "", "no record"):
        with pytest.raises(report_json.ReportError, match="does not end with"):
            report_json.record_from_text(broken)


RECORD = report_json.record_of(REPORT)


@pytest.mark.parametrize(
    "change",
    [
        {"commit": "main"},
        {"report_digest": "md5:1"},
        {"model_digests": ("x",)},
        {"overall_score": 1.5},
        {"critical_count": -1},
        {"repository": "acme"},
        {"repository": "acme/len\nding"},
        {"timestamp": "yesterday"},
    ],
)
def test_a_malformed_record_is_neither_written_nor_read(change: dict[str, object]) -> None:
    broken = dataclasses.replace(RECORD, **change)  # type: ignore[arg-type] # malformed on purpose
    with pytest.raises(report_json.ReportError):
        report_json.record_to_text(broken)
    line = json.dumps(dataclasses.asdict(broken))
    with pytest.raises(report_json.ReportError):
        report_json.record_from_text(f"```holdpoint-record\n{line}\n```")


def test_a_report_without_a_commit_makes_no_record() -> None:
    with pytest.raises(report_json.ReportError, match="names no commit"):
        report_json.record_of(dataclasses.replace(REPORT, commit=None))


@given(st.text(max_size=300))
def test_no_text_makes_the_record_reader_raise_anything_else(text: str) -> None:
    for candidate in (text, f"```holdpoint-record\n{text}\n```"):
        try:
            result = report_json.record_from_text(candidate)
        except report_json.ReportError:
            continue
        assert isinstance(result, Record)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=10,
    )
)
def test_no_json_makes_the_report_reader_raise_anything_else(value: object) -> None:
    for key in report_json.to_json(REPORT):
        data = {**report_json.to_json(REPORT), key: value}
        try:
            assert isinstance(report_json.from_json(data), Report)
        except report_json.ReportError:
            continue
