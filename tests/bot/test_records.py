"""The audit record and the incident report: what the objects say, and nothing that could run."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

from bot import incident
from bot.records import comma_separated, json_lines, records
from tests.bot.test_approvals import request, said

Json = dict[str, Any]
NAME = "slack-" + "a" * 20


def asked() -> Json:
    made = request()
    made["metadata"]["creationTimestamp"] = "2026-03-01T12:00:00Z"
    made["spec"]["evidence"] = {
        "repository": "acme/lending", "commit": "1a2b", "score": "0.9300",
        "url": "https://github.example/runs/1",
    }  # fmt: skip
    made["status"] = {
        "phase": "Done", "outcome": "RolledBack", "reason": "CandidateWorse",
        "message": "31 of 212 requests failed <script>", "observedAt": "2026-03-01T12:05:00Z",
    }  # fmt: skip
    return made


def approved() -> Json:
    made = said("U2")
    made["spec"]["approvedBy"]["name"] = "=HYPERLINK(1)"
    made["metadata"]["creationTimestamp"] = "2026-03-01T12:01:00Z"
    return made


def test_one_line_a_request_and_an_approval() -> None:
    found = records([asked()], [approved()], "prod")
    lines = [json.loads(line) for line in json_lines(found).splitlines()]
    assert [line["verb"] for line in lines] == ["Canary", "Approve"]
    assert lines[0]["reason"] == "CandidateWorse"
    assert lines[0]["seen_generation"] == 3
    assert lines[0]["by"] == "slack:T1/U1"
    assert lines[1]["said"] == f"for {NAME}"
    assert {line["environment"] for line in lines} == {"prod"}


def test_a_spreadsheet_runs_nothing() -> None:
    rows = list(csv.DictReader(io.StringIO(comma_separated(records([], [approved()], "prod")))))
    assert rows[0]["name"] == "'=HYPERLINK(1)"
    assert rows[0]["weight"] == "25"


def test_the_incident_report_tells_the_story_in_order() -> None:
    history = [
        {
            "at": "2026-03-01T12:04:00Z", "action": "RollingBack", "reason": "CandidateWorse",
            "message": "it is | worse", "request": NAME,
        },
        {"at": "2026-03-01T12:02:00Z", "action": "WeightConfirmed", "weight": 25, "request": NAME},
        {"at": "2026-03-01T11:00:00Z", "action": "Promoted", "request": "another"},
    ]  # fmt: skip
    counts = {"candidate": {"requests": 200, "errors": 30}, "stable": {"requests": 0, "errors": 0}}
    deployment = {"status": {"history": history, "request": NAME, "analysis": counts}}
    text = incident.report(asked(), [], [approved()], deployment, "prod")
    assert text.startswith("# lending in prod: RolledBack")
    order = ["12:00:00", "12:01:00", "12:02:00", "12:04:00"]
    places = [text.replace("\\", "").index(each) for each in order]
    assert places == sorted(places)
    assert "Promoted" not in text
    assert "15.00 %" in text
    assert "no requests" in text
    assert "5 min 0 s" in text
    assert "<script>" not in text
    assert "it is \\| worse" in text
    assert "<https://github.example/runs/1>" in text
