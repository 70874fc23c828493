"""The `Prometheus` provider without a server: its questions, and what it makes of answers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rollouts.analysis import Histogram, Increment, Measure, Scores
from rollouts.metrics import Arm, Cursor, MetricError, Sample, Trouble, advance
from rollouts.metrics.presets import PRESETS
from rollouts.metrics.prometheus import PROVIDER

ARM = Arm("prod", "lending-22222222")
NOW = 1_790_000_000.0


def spec(**options: Any) -> dict[str, Any]:
    return {"type": "Prometheus", "prometheus": options}


TRAEFIK = spec(preset="Traefik")
APPLICATION = spec(
    preset="Application",
    requests="n_total",
    errors={"metric": "n_total", "labels": {"code": "5.."}},
    latency="took_seconds",
    quality={
        "labelled": "labelled_total",
        "wrong": "wrong_total",
        "scores": {"sum": "score_sum", "count": "score_count"},
    },
)
OWN = spec(queries={"requests": 'n{s="{{service}}"}', "errors": 'e{s="{{service}}"}'})


def series(what: str, value: object, **labels: str) -> dict[str, Any]:
    metric = {"holdpoint": what, "instance": "10.0.0.1:80", **labels}
    return {"metric": metric, "value": [NOW, str(value)]}


def body(*found: Any, **more: Any) -> bytes:
    data = {"resultType": "vector", "result": list(found)}
    return json.dumps({"status": "success", "data": data, **more}).encode()


def read(*found: Any, of: dict[str, Any] = TRAEFIK) -> list[Sample]:
    return list(PROVIDER.samples(of, body(*found)).values())


REQUESTS, ERRORS, FRESH = series("requests", 100), series("errors", 3), series("age", 2.5)


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_a_preset_asks_for_one_revision_only(preset: str) -> None:
    query = PROVIDER.query(spec(preset=preset), ARM)
    assert query.count('"lending-22222222"') + query.count("prod-lending-22222222-http") >= 3
    assert "{{" not in query
    assert PROVIDER.measured(spec(preset=preset)) == {Measure.LATENCY}


def test_own_queries_and_own_metrics_are_filled_in() -> None:
    assert 'n{s="lending-22222222"}' in PROVIDER.query(OWN, ARM)
    query = PROVIDER.query(APPLICATION, ARM)
    assert 'n_total{namespace="prod",pod=~"lending-22222222-[a-z0-9]+-[a-z0-9]+"}' in query
    assert 'code=~"5.."' in query
    assert PROVIDER.measured(APPLICATION) == set(Measure)
    assert PROVIDER.measured(OWN) == set()


@pytest.mark.parametrize(
    "name",
    ['x"} or vector(0) #', 'x"', "x\\", "x\n", ".*", "a|b", "", "X", "é", "x" * 64, "{{service}}"],
)
@pytest.mark.parametrize("options", [TRAEFIK, APPLICATION, OWN])
def test_p4_a_name_that_would_change_a_query_is_refused(options: dict[str, Any], name: str) -> None:
    for arm in (Arm("prod", name), Arm(name, "lending-1")):
        if options is OWN and arm.namespace == name:
            continue  # it does not ask for the namespace
        with pytest.raises(MetricError, match="may not go into a query") as caught:
            PROVIDER.query(options, arm)
        assert caught.value.trouble is Trouble.SPEC_INVALID


@pytest.mark.parametrize(
    "change",
    [
        {"requests": 'n_total"} or vector(1)'},
        {"requests": {"metric": "n", "labels": {"code": '5.."} or vector(1) #'}}},
        {"requests": {"metric": "n", "labels": {'a="b",c': "x"}}},
        {"latency": "n{}"},
    ],
)
def test_p4_a_metric_or_label_that_would_change_a_query_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(MetricError) as caught:
        PROVIDER.check(spec(**{**APPLICATION["prometheus"], **change}))
    assert caught.value.trouble is Trouble.SPEC_INVALID


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"preset": "traefik"},
        {"preset": 5},
        {"preset": "Application"},
        {"preset": "Traefik", "queries": {"requests": "a", "errors": "b"}},
        {"queries": {"requests": "a"}},
        {"queries": {"requests": "a", "errors": " "}},
        {"queries": {"requests": "a", "errors": "b" * 5000}},
        {"queries": {"requests": "a{{secret}}", "errors": "b"}},
        {"queries": "up"},
        {"preset": "Traefik", "source": 5},
        {"preset": "Traefik", "staleSeconds": 0},
        {"preset": "Traefik", "staleSeconds": True},
    ],
)
def test_options_that_cannot_be_meant_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(MetricError) as caught:
        PROVIDER.check(spec(**options))
    assert caught.value.trouble is Trouble.SPEC_INVALID


def test_a_vector_is_a_sample_for_each_process() -> None:
    other = {"instance": "10.0.0.2:80", "pod": "x"}
    samples = PROVIDER.samples(
        TRAEFIK, body(REQUESTS, ERRORS, FRESH, series("requests", 7, **other))
    )
    by_uid = {target.uid: sample for target, sample in samples.items()}
    assert by_uid == {"10.0.0.1:80/": Sample(100, 3), "10.0.0.2:80/x": Sample(7, 0)}


def test_latency_is_in_seconds_whatever_the_mesh_counts_in() -> None:
    found = [series("latency", n, le=le) for le, n in (("100", 5), ("2500", 8), ("+Inf", 9))]
    (sample,) = read(REQUESTS, *found, of=spec(preset="Istio"))
    assert sample.latency == Histogram((0.1, 2.5), (5, 8), 9)


def test_quality_is_read() -> None:
    found = [
        series("labels_count", 10),
        series("labels_sum", 4),
        series("scores_count", 100),
        series("scores_sum", 61.5),
    ]
    (sample,) = read(REQUESTS, *found, of=APPLICATION)
    assert (sample.labels, sample.scores) == (Increment(10, 4), Scores(100, 61.5))


@pytest.mark.parametrize(
    ("answer", "trouble"),
    [
        (b"", Trouble.NOT_METRICS),
        (b"<html>", Trouble.NOT_METRICS),
        (b"[" * 100_000, Trouble.NOT_METRICS),
        (b"null", Trouble.STATUS),
        (b'{"status": "error", "error": "query timed out"}', Trouble.STATUS),
        (b'{"status": "success"}', Trouble.NOT_METRICS),
        (body(REQUESTS).replace(b"vector", b"matrix"), Trouble.NOT_METRICS),
        (body(REQUESTS).replace(b"vector", b"scalar"), Trouble.NOT_METRICS),
        (body(REQUESTS).replace(b"vector", b"string"), Trouble.NOT_METRICS),
        (body(REQUESTS, warnings=["a store did not answer"]), Trouble.PARTIAL),
        (body(REQUESTS, REQUESTS), Trouble.BAD_VALUE),
        (body(series("requests", "NaN")), Trouble.BAD_VALUE),
        (body(series("requests", "+Inf")), Trouble.BAD_VALUE),
        (body(series("requests", -1)), Trouble.BAD_VALUE),
        (body(series("requests", 12.5)), Trouble.BAD_VALUE),
        (body(series("requests", "1_0")), Trouble.BAD_VALUE),
        (body(series("requests", "")), Trouble.BAD_VALUE),
        (body({"metric": {}, "values": [[NOW, "1"]]}), Trouble.BAD_VALUE),
        (body({"metric": {}, "value": [NOW, 1]}), Trouble.BAD_VALUE),
        (body({"metric": {"a": 1}, "value": [NOW, "1"]}), Trouble.BAD_VALUE),
        (body("up"), Trouble.BAD_VALUE),
        (body(ERRORS), Trouble.PARTIAL),
        (body(REQUESTS, series("latency", 1, le="1")), Trouble.PARTIAL),
        (body(REQUESTS, series("latency", 1, le="x")), Trouble.BAD_VALUE),
    ],
)
def test_p1_what_is_no_whole_vector_of_numbers_is_no_sample(
    answer: bytes, trouble: Trouble
) -> None:
    with pytest.raises(MetricError) as caught:
        PROVIDER.samples(TRAEFIK, answer)
    assert caught.value.trouble is trouble


def test_p1_an_empty_vector_is_no_sample_and_nothing_is_counted() -> None:
    assert PROVIDER.samples(TRAEFIK, body()) == {}
    served, _ = advance(Cursor(""), PROVIDER.samples(TRAEFIK, body()))
    assert served.increment == Increment()


def test_p3_stale_samples_are_none_and_said() -> None:
    with pytest.raises(MetricError, match="older than 60 s") as caught:
        read(REQUESTS, series("age", 61))
    assert caught.value.trouble is Trouble.STALE
    assert read(REQUESTS, series("age", 61), of=spec(preset="Traefik", staleSeconds=90))
    other = series("requests", 7, instance="b")
    assert read(REQUESTS, series("age", 61), other) == [Sample(7, 0)]


def test_p3_a_reset_and_no_traffic_count_nothing_twice() -> None:
    cursor, counted = Cursor("2026-01-01T00:00:00Z"), []
    for value in (100, 130, 130, 5, 9):
        samples = PROVIDER.samples(TRAEFIK, body(series("requests", value), FRESH))
        served, cursor = advance(cursor, samples)
        counted.append(served.increment.requests)
    assert counted == [0, 30, 0, 0, 4], "a fall is believed with the sample after it"


def test_p5_a_crash_between_query_and_checkpoint_counts_nothing_twice() -> None:
    def at(value: int, cursor: Cursor) -> tuple[int, Cursor]:
        served, after = advance(cursor, PROVIDER.samples(TRAEFIK, body(series("requests", value))))
        return served.increment.requests, after

    _, saved = at(100, Cursor("2026-01-01T00:00:00Z"))
    saved = Cursor.from_json(json.loads(json.dumps(saved.to_json())))
    lost, _ = at(130, saved)  # counted, and lost with the process
    again, _ = at(140, saved)
    assert (lost, again) == (30, 40)
