"""Strict parsing: what was not written here is refused, and says why."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollouts.model import (
    FieldError,
    RequestPhase,
    parse_deployment,
    parse_request,
    parse_spec,
    parse_status,
)
from tests.rollouts.simulated.world import model_deployment, request
from tests.rollouts.test_crds import full_status

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
FIELDS = sorted(full_status().to_json())


def test_no_status_is_an_empty_one() -> None:
    assert parse_status(None).stable is None
    assert parse_status({}).write_sequence == 0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"schema": 2}, "status.schema is 2"),
        ({"schema": None}, "status.schema is 0"),
        ({"phase": "Flying"}, "status.phase must be one of the known"),
        ({"reason": "Because"}, "status.reason must be"),
        ({"weight": {"asked": 101}}, "weight.asked must be"),
        ({"weight": {"asked": "25"}}, "weight.asked must be"),
        ({"weight": {"asked": True}}, "weight.asked must be"),
        ({"writeSequence": -1}, "writeSequence must be"),
        ({"confirmedSequence": 99}, "confirmedSequence is higher"),
        ({"candidate": None}, "there is no status.candidate"),
        ({"stable": None, "phase": "Stable", "candidate": None, "weight": {}}, "no status.stable"),
        ({"stable": "a-1"}, "status.stable must be an object"),
        ({"stable": {"name": "a"}}, "status.stable.hash is missing"),
        ({"history": {}}, "status.history must be a list"),
        ({"startedAt": "yesterday"}, "RFC 3339"),
        ({"startedAt": "2026-01-01T00:00:00"}, "with its offset"),
    ],
)
def test_a_status_that_was_not_written_here_is_refused(change: Any, said: str) -> None:
    with pytest.raises(FieldError, match=said):
        parse_status({**full_status().to_json(), **change})


@given(field=st.sampled_from(FIELDS), value=JSON)
def test_a_corrupt_status_never_ends_in_another_error(field: str, value: Any) -> None:
    data = {**full_status().to_json(), field: value}
    with contextlib.suppress(FieldError):
        parse_status(data)


@given(spec=JSON, status=JSON)
def test_a_deployment_always_parses_and_says_what_is_wrong(spec: Any, status: Any) -> None:
    parsed = parse_deployment({"metadata": {"name": "a"}, "spec": spec, "status": status})
    assert (parsed.spec is None) == bool(parsed.spec_problem)
    assert (parsed.status is None) == bool(parsed.status_problem)


@given(spec=JSON)
def test_a_request_always_parses(spec: Any) -> None:
    parsed = parse_request({"metadata": {"name": "r"}, "spec": spec})
    assert parsed.pending
    assert parsed.problem


def test_a_request_of_a_phase_to_come_is_left_alone() -> None:
    parsed = parse_request({**request("r", "Promote"), "status": {"phase": "Scheduled"}})
    assert parsed.phase is RequestPhase.DONE


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"image": "a:latest"}, "must name its digest"),
        ({"image": None}, "spec.image is missing"),
        ({"replicas": 0}, "spec.replicas must be"),
        ({"start": "Later"}, "spec.start must be"),
        ({"gates": []}, "spec.gates must be an object"),
    ],
)
def test_a_spec_that_the_schema_would_refuse_is_refused_here_too(spec: Any, said: str) -> None:
    with pytest.raises(FieldError, match=said):
        parse_spec(model_deployment(**spec)["spec"])
