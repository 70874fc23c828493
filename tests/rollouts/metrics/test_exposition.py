"""Counters out of the text format: what the official client writes, and whatever else arrives."""

from __future__ import annotations

import contextlib

import hypothesis.strategies as st
import pytest
from hypothesis import given
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from rollouts.metrics.exposition import Page, Selector
from rollouts.metrics.interface import MetricError, Trouble

SELECTOR = Selector("errors_total")
LABEL_VALUES = st.text(st.characters(codec="utf-8"), max_size=12)
SERIES = st.dictionaries(
    st.tuples(LABEL_VALUES, st.sampled_from(["200", "204", "404", "500", "503"])),
    st.integers(0, 10**9),
    min_size=1,
    max_size=8,
)


def trouble(body: bytes, selector: Selector | None = None) -> Trouble:
    with pytest.raises(MetricError) as caught:
        Page.of(body).counter(selector or Selector("errors_total"))
    return caught.value.trouble


def page_of(series: dict[tuple[str, str], int]) -> bytes:
    registry = CollectorRegistry()
    counter = Counter("http_requests", 'All of "them" {x}\n', ["path", "code"], registry=registry)
    Counter("http_requests_seconds", "A name that begins the same.", registry=registry).inc(7)
    Histogram("latency", "With buckets.", registry=registry).observe(0.1)
    for (path, code), value in series.items():
        counter.labels(path, code).inc(value)
    return generate_latest(registry)


@given(SERIES)
def test_the_official_client_s_page_sums_up_as_its_own_parser_reads_it(
    series: dict[tuple[str, str], int],
) -> None:
    page = page_of(series)
    everything = bad = 0
    for family in text_string_to_metric_families(page.decode()):
        for sample in family.samples:
            if sample.name == "http_requests_total":
                everything += int(sample.value)
                bad += int(sample.value) if sample.labels["code"].startswith("5") else 0
    parsed = Page.of(page)
    assert everything == sum(series.values())
    assert parsed.counter(Selector("http_requests_total")) == everything
    assert parsed.counter(Selector("http_requests_total", {"code": "5.."})) == bad


def test_alternatives_and_several_labels_filter() -> None:
    page = Page.of(
        page_of({("/a", "500"): 1, ("/a", "200"): 2, ("/b", "404"): 4, ("/b", "503"): 8})
    )
    assert page.counter(Selector("http_requests_total", {"code": "5..|404"})) == 13
    assert page.counter(Selector("http_requests_total", {"code": "5..", "path": "/b"})) == 8
    assert page.counter(Selector("http_requests_total", {"code": "50"})) == 0
    assert page.counter(Selector("http_requests_total", {"absent": "5.."})) == 0


def test_a_labelled_counter_that_was_never_used_is_zero() -> None:
    registry = CollectorRegistry()
    Counter("errors", "None yet.", ["code"], registry=registry)
    assert Page.of(generate_latest(registry)).counter(Selector("errors_total")) == 0


def test_values_may_be_written_as_floats_and_carry_a_timestamp() -> None:
    body = b'errors_total 1.5e+03 1700000000000\nerrors_total{a="b"}\t+2\nerrors_total_x 9\n'
    assert Page.of(body).counter(Selector("errors_total")) == 1502


@pytest.mark.parametrize("value", ["NaN", "+Inf", "-Inf", "-1", "0.5", "1e300", "1_0", "x", ""])
def test_p1_a_value_that_is_no_count_is_an_error(value: str) -> None:
    assert trouble(f"errors_total {value}\n".encode()) is Trouble.BAD_VALUE


def test_p1_one_bad_series_of_several_spoils_the_sum() -> None:
    assert trouble(b'errors_total{a="1"} 3\nerrors_total{a="2"} NaN\n') is Trouble.BAD_VALUE


def test_p1_the_same_series_twice_is_an_error() -> None:
    assert trouble(b'errors_total{a="1"} 3\nerrors_total{a="1"} 3\n') is Trouble.BAD_VALUE


@pytest.mark.parametrize(
    "body", [b"", b"\n \n", b"\xff\xfe\n", b"<!doctype html>\n", b'{"a": 1}\n']
)
def test_p1_what_is_no_page_of_metrics_is_an_error(body: bytes) -> None:
    assert trouble(body) is Trouble.NOT_METRICS


def test_p1_a_prometheus_server_s_matrix_or_string_is_no_page() -> None:
    body = b'{"status":"success","data":{"resultType":"matrix","result":[]}}\n'
    assert trouble(body) is Trouble.NOT_METRICS


def test_p1_a_page_that_breaks_off_is_an_error() -> None:
    assert trouble(b"errors_total 12") is Trouble.PARTIAL


def test_p1_a_missing_metric_is_an_error_and_not_zero() -> None:
    assert trouble(b"other_total 1\n") is Trouble.SERIES_MISSING
    assert trouble(b"# some words about errors_total\n") is Trouble.SERIES_MISSING


@pytest.mark.parametrize(
    "line", ['errors_total{a="1" 3', "errors_total 3 4 5", 'errors_total{a="1"}']
)
def test_p1_a_broken_line_is_an_error(line: str) -> None:
    assert trouble(line.encode() + b"\n") is Trouble.BAD_VALUE


def test_p1_broken_labels_are_an_error_where_they_are_needed() -> None:
    body = b"errors_total{a=1} 3\n"
    assert trouble(body, Selector("errors_total", {"a": "1"})) is Trouble.BAD_VALUE


@given(st.binary(max_size=300))
def test_p1_any_bytes_are_a_count_or_an_error(body: bytes) -> None:
    selector = Selector("errors_total", {"a": "b"})
    with contextlib.suppress(MetricError):
        assert Page.of(b"errors_total" + body).counter(selector) >= 0


@pytest.mark.parametrize(
    "name",
    ['up{job="x"}', "a b", "a) or vector(1", "", "1a", "a\nb", "é", "a" * 201, "a{}", "a-b"],
)
def test_p4_a_metric_name_that_is_a_query_is_refused(name: str) -> None:
    with pytest.raises(MetricError) as caught:
        Selector.of(name)
    assert caught.value.trouble is Trouble.SPEC_INVALID


@pytest.mark.parametrize(
    "labels",
    [
        {"code": "(a+)+"},
        {"code": '5.."} or x{'},
        {"co de": "5"},
        {"code": ""},
        {"code": 5},
        "code",
        {1: "5"},
    ],
)
def test_p4_a_label_filter_that_is_more_is_refused(labels: object) -> None:
    with pytest.raises(MetricError) as caught:
        Selector.of({"metric": "errors_total", "labels": labels})
    assert caught.value.trouble is Trouble.SPEC_INVALID


def test_lines_may_end_as_on_windows() -> None:
    assert Page.of(b"# TYPE errors_total counter\r\nerrors_total 3\r\n").counter(SELECTOR) == 3


def test_a_line_of_four_megabytes_is_read_or_refused_at_once() -> None:
    for filler in (b'"', b'a="', b"{", b'a="\\\\",', b" ", b"1 "):
        body = b"errors_total{" + filler * ((4 << 20) // len(filler)) + b"\n"
        with pytest.raises(MetricError):
            Page.of(body).counter(Selector("errors_total", {"a": "b"}))
