"""The HTTP edge against real servers: bounded in time and size, and nothing followed (fault P2)."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from rollouts.metrics import MetricError, Scraper, Trouble
from tests.rollouts.metrics.pod_server import Answer, Exchange, PodServer

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = b"prediction_count_total 12\n"
PATIENCE_S = 20.0  # a test that needs this long has failed


@pytest.fixture
def scraper() -> Iterator[Scraper]:
    with Scraper(max_bytes=1 << 20) as it:
        yield it


def trouble_of(scraper: Scraper, answer: Answer, *, deadline_s: float = 5.0) -> MetricError:
    with PodServer(answer) as pod:
        target = pod.target()
        found = scraper.fetch([target], deadline_s=deadline_s)[target]
    assert isinstance(found, MetricError), found
    assert "pod-a" in found.sentence
    return found


def test_a_page_comes_back_as_it_was_sent(scraper: Scraper) -> None:
    with PodServer(lambda exchange: exchange.reply(PAGE)) as pod:
        assert scraper.fetch([pod.target()], deadline_s=5) == {pod.target(): PAGE}
        assert pod.requests == ["GET /metrics HTTP/1.1"]


@pytest.mark.parametrize("kind", ["text/plain", "application/octet-stream", "nonsense"])
def test_the_content_type_may_be_anything_but_html(scraper: Scraper, kind: str) -> None:
    def answer(exchange: Exchange) -> None:
        exchange.reply(PAGE, headers=f"Content-Type: {kind}\r\n")

    with PodServer(answer) as pod:
        assert scraper.fetch([pod.target()], deadline_s=5) == {pod.target(): PAGE}


def test_chunked_and_closed_answers_are_read_whole(scraper: Scraper) -> None:
    def chunked(exchange: Exchange) -> None:
        exchange.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        exchange.send(b"d\r\n" + PAGE[:13] + b"\r\nd\r\n" + PAGE[13:] + b"\r\n0\r\n\r\n")

    def closed(exchange: Exchange) -> None:
        exchange.send(b"HTTP/1.0 200 OK\r\n\r\n" + PAGE)
        exchange.hang_up()

    for answer in (chunked, closed):
        with PodServer(answer) as pod:
            assert scraper.fetch([pod.target()], deadline_s=5) == {pod.target(): PAGE}


def test_a_connection_is_kept_between_scrapes(scraper: Scraper) -> None:
    with PodServer(lambda exchange: exchange.reply(PAGE)) as pod:
        for _ in range(5):
            scraper.fetch([pod.target()], deadline_s=5)
        assert (len(pod.requests), pod.connections) == (5, 1)


def test_a_kept_connection_that_the_pod_closed_is_opened_again(scraper: Scraper) -> None:
    def once(exchange: Exchange) -> None:
        exchange.reply(PAGE)
        exchange.hang_up()

    with PodServer(once) as pod:
        for _ in range(3):
            assert scraper.fetch([pod.target()], deadline_s=5) == {pod.target(): PAGE}
        assert pod.connections == 3


def test_p2_a_pod_that_hangs_does_not_hold_up_the_others(scraper: Scraper) -> None:
    def hang(exchange: Exchange) -> None:
        exchange.server.released.wait(PATIENCE_S)
        exchange.hang_up()

    with ExitStack() as stack:
        hanging = [stack.enter_context(PodServer(hang)).target(f"h{i}") for i in range(20)]
        good = stack.enter_context(PodServer(lambda exchange: exchange.reply(PAGE))).target("good")
        began = time.monotonic()
        found = scraper.fetch([*hanging, good], deadline_s=0.5)
        assert time.monotonic() - began < PATIENCE_S / 2
        assert found[good] == PAGE
        for target in hanging:
            error = found[target]
            assert isinstance(error, MetricError)
            assert error.trouble is Trouble.TIMED_OUT


@pytest.mark.parametrize("start", [b"HTTP/1.1 200 OK\r\nX-Slow: ", b"HTTP/1.1 200 OK\r\n\r\n"])
def test_p2_a_pod_that_drips_is_cut_off_at_the_deadline(scraper: Scraper, start: bytes) -> None:
    def drip(exchange: Exchange) -> None:
        exchange.send(start)
        while not exchange.server.released.wait(0.02):
            exchange.send(b"a")
        exchange.hang_up()

    assert trouble_of(scraper, drip, deadline_s=0.5).trouble is Trouble.TIMED_OUT


def test_p2_the_pod_that_timed_out_is_asked_again(scraper: Scraper) -> None:
    slow = [True]

    def answer(exchange: Exchange) -> None:
        if slow.pop() if slow else False:
            exchange.server.released.wait(PATIENCE_S)
        exchange.reply(PAGE)

    with PodServer(answer) as pod:
        first = scraper.fetch([pod.target()], deadline_s=0.3)[pod.target()]
        assert isinstance(first, MetricError)
        assert scraper.fetch([pod.target()], deadline_s=5)[pod.target()] == PAGE


@pytest.mark.parametrize("status", ["500 Oops", "503 Busy", "404 Not Found", "204 No Content"])
def test_p2_another_status_than_200_is_an_error(scraper: Scraper, status: str) -> None:
    error = trouble_of(scraper, lambda exchange: exchange.reply(PAGE, status=status))
    assert error.trouble is Trouble.STATUS
    assert status[:3] in error.sentence


def test_p2_a_redirect_is_not_followed(scraper: Scraper) -> None:
    with PodServer(lambda exchange: exchange.reply(PAGE)) as elsewhere:
        where = f"http://127.0.0.1:{elsewhere.target().port}/metrics"

        def redirect(exchange: Exchange) -> None:
            exchange.reply(b"", status="302 Found", headers=f"Location: {where}\r\n")

        assert trouble_of(scraper, redirect).trouble is Trouble.STATUS
        assert elsewhere.requests == []


def test_p2_html_with_200_is_an_error(scraper: Scraper) -> None:
    def answer(exchange: Exchange) -> None:
        exchange.reply(b"<html>login</html>", headers="Content-Type: text/html; charset=utf-8\r\n")

    assert trouble_of(scraper, answer).trouble is Trouble.NOT_METRICS


def test_p2_a_compressed_answer_is_an_error(scraper: Scraper) -> None:
    def answer(exchange: Exchange) -> None:
        exchange.reply(b"\x1f\x8b", headers="Content-Encoding: gzip\r\n")

    assert trouble_of(scraper, answer).trouble is Trouble.NOT_METRICS


def test_p2_a_hundred_megabytes_are_not_read(scraper: Scraper) -> None:
    sent = 0

    def flood(exchange: Exchange) -> None:
        nonlocal sent
        exchange.send(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(100):
            exchange.send(b"# filler\n" * (1 << 17))
            sent += 9 << 17

    assert trouble_of(scraper, flood).trouble is Trouble.TOO_LARGE
    assert sent < 20 << 20  # the limit is 1 MiB; what is sent beyond it sits in socket buffers


def test_p1_an_answer_that_ends_early_is_an_error(scraper: Scraper) -> None:
    def short(exchange: Exchange) -> None:
        exchange.reply(PAGE, length=len(PAGE) + 10)
        exchange.hang_up()

    def broken_chunk(exchange: Exchange) -> None:
        exchange.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n" + PAGE)
        exchange.hang_up()

    assert trouble_of(scraper, short).trouble is Trouble.PARTIAL
    assert trouble_of(scraper, broken_chunk).trouble is Trouble.PARTIAL


@pytest.mark.parametrize("garbage", [b"", b"SSH-2.0-x\r\n", b"HTTP/1.1 abc\r\n\r\n"])
def test_p2_what_is_no_http_is_an_error(scraper: Scraper, garbage: bytes) -> None:
    def answer(exchange: Exchange) -> None:
        exchange.send(garbage)
        exchange.hang_up()

    assert trouble_of(scraper, answer).trouble is Trouble.UNREACHABLE


def test_p2_nobody_listening_is_an_error(scraper: Scraper) -> None:
    with PodServer(lambda exchange: exchange.reply(PAGE)) as pod:
        target = pod.target()
    error = scraper.fetch([target], deadline_s=5)[target]
    assert isinstance(error, MetricError)
    assert error.trouble is Trouble.UNREACHABLE


def test_no_targets_are_no_answers(scraper: Scraper) -> None:
    assert scraper.fetch([], deadline_s=5) == {}


def test_a_closed_scraper_asks_nobody() -> None:
    with PodServer(lambda exchange: exchange.reply(PAGE)) as pod:
        with Scraper() as scraper:
            scraper.fetch([pod.target()], deadline_s=5)
        with pytest.raises(RuntimeError):
            scraper.fetch([pod.target()], deadline_s=5)
        assert len(pod.requests) == 1
