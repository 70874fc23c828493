"""The edge to Prometheus servers: set up by the operator, bounded, and never led elsewhere (P2)."""

from __future__ import annotations

from pathlib import Path

import pytest

from rollouts.metrics import Arm, MetricError, Scraper, Trouble, read, sources
from tests.rollouts.metrics.pod_server import Answer, Exchange, PodServer

JSON = "Content-Type: application/json\r\n"
HTML = "Content-Type: text/html\r\n"
QUICK_S = 5.0


def at(server: PodServer) -> str:
    return f"http://127.0.0.1:{server.server_address[1]}/prefix/\n"


def source(folder: Path, **files: str) -> sources.Source:
    main = folder / "main"
    main.mkdir(exist_ok=True)
    for name, text in files.items():
        (main / name).write_text(text)
    return sources.known("main", folder)


def asked(folder: Path, answer: Answer, *, deadline_s: float = QUICK_S) -> bytes:
    with PodServer(answer) as server:
        return sources.ask(
            source(folder, url=at(server)), "up", deadline_s=deadline_s, most_bytes=1000
        )


def test_a_question_is_one_post_below_the_prefix(tmp_path: Path) -> None:
    with PodServer(lambda to: to.reply(b"{}", headers=JSON)) as server:
        assert sources.ask(source(tmp_path, url=at(server)), "up", deadline_s=QUICK_S) == b"{}"
        assert server.requests[:1] == ["POST /prefix/api/v1/query HTTP/1.1"]


def _redirect(to: Exchange) -> None:
    to.reply(b"", status="302 Found", headers="Location: http://127.0.0.1:1/\r\n")


def _drip(to: Exchange) -> None:
    to.send(f"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n{JSON}\r\n".encode())
    while not to.server.released.wait(0.05):
        to.send(b" ")


@pytest.mark.parametrize(
    ("answer", "trouble"),
    [
        (_redirect, Trouble.STATUS),
        (lambda to: to.reply(b"no", status="500 Oops"), Trouble.STATUS),
        (lambda to: to.reply(b"no", status="401 Unauthorized"), Trouble.STATUS),
        (
            lambda to: to.reply(b"<html>", headers=HTML),
            Trouble.NOT_METRICS,
        ),
        (lambda to: to.reply(b"x" * 2000, headers=JSON), Trouble.TOO_LARGE),
        (lambda to: to.hang_up(), Trouble.UNREACHABLE),
        (lambda to: to.send(b"\0\0\0\r\n\r\n"), Trouble.UNREACHABLE),
    ],
    ids=["redirect", "500", "401", "html", "large", "closed", "garbage"],
)
def test_p2_a_bad_answer_is_a_bounded_error(
    tmp_path: Path, answer: Answer, trouble: Trouble
) -> None:
    with pytest.raises(MetricError) as caught:
        asked(tmp_path, answer)
    assert caught.value.trouble is trouble


def _drip_of_headers(to: Exchange) -> None:
    to.send(b"HTTP/1.1 200 OK\r\n")
    while not to.server.released.wait(0.05):
        to.send(b"x")


def _chunked_for_ever(to: Exchange) -> None:
    to.send(f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n{JSON}\r\n".encode())
    while not to.server.released.wait(0.05):
        to.send(b"1\r\n \r\n")


@pytest.mark.parametrize(
    "answer",
    [lambda to: to.server.released.wait(20), _drip, _drip_of_headers, _chunked_for_ever],
    ids=["silent", "a byte now and then", "headers for ever", "chunks for ever"],
)
def test_p2_one_deadline_holds_for_the_whole_answer(tmp_path: Path, answer: Answer) -> None:
    with pytest.raises(MetricError) as caught:
        asked(tmp_path, answer, deadline_s=0.3)
    assert caught.value.trouble is Trouble.TIMED_OUT


def test_p2_half_an_answer_is_none(tmp_path: Path) -> None:
    def half(to: Exchange) -> None:
        to.reply(b'{"a": 1', headers=JSON, length=100)
        to.hang_up()

    with pytest.raises(MetricError) as caught:
        asked(tmp_path, half)
    assert caught.value.trouble is Trouble.PARTIAL


def test_p2_one_arm_that_cannot_be_read_is_said_and_has_no_samples(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(sources.FOLDER_VARIABLE, str(tmp_path))
    metrics = {"type": "Prometheus", "prometheus": {"source": "main", "preset": "Traefik"}}
    arms = {"new": Arm("prod", "lending-2"), "bad": Arm("prod", 'x"} or up')}
    empty = b'{"status": "success", "data": {"resultType": "vector", "result": []}}'
    troubles: list[tuple[Trouble, str]] = []
    with PodServer(lambda to: to.reply(empty, headers=JSON)) as server, Scraper() as scraper:
        source(tmp_path, url=at(server))
        found = read(metrics, arms, scraper, lambda e, whom: troubles.append((e.trouble, whom)))
    assert found == {"new": {}, "bad": {}}
    assert troubles == [(Trouble.SPEC_INVALID, "bad")]


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"url": ""},
        {"url": "ftp://x"},
        {"url": "http://"},
        {"url": "http://x:y"},
        {"url": "http://ada:s3cret@x"},
        {"url": "http://x/?query=1"},
        {"url": "http://x", "token": ""},
        {"url": "http://x", "token": "a\r\nHost: b"},
        {"url": "http://x", "username": "ada"},
    ],
)
def test_a_source_that_is_not_set_up_right_is_said(tmp_path: Path, files: dict[str, str]) -> None:
    with pytest.raises(MetricError) as caught:
        source(tmp_path, **files)
    assert caught.value.trouble is Trouble.SPEC_INVALID
    assert "s3cret" not in caught.value.sentence


@pytest.mark.parametrize("name", ["", "..", "../main", "main/", "/etc", "absent", "Main"])
def test_a_source_is_a_name_and_no_path(tmp_path: Path, name: str) -> None:
    source(tmp_path, url="http://x")
    with pytest.raises(MetricError) as caught:
        sources.known(name, tmp_path)
    assert caught.value.trouble is Trouble.SPEC_INVALID


def test_a_certificate_that_is_none_is_said(tmp_path: Path) -> None:
    made = source(tmp_path, url="https://127.0.0.1:1", **{"ca.crt": "no certificate"})
    with pytest.raises(MetricError, match=r"ca\.crt cannot be used"):
        sources.ask(made, "up", deadline_s=QUICK_S)


def test_credentials_are_not_shown(tmp_path: Path) -> None:
    made = source(tmp_path, url="http://x", token="s3cret")
    assert made.authorization == "Bearer s3cret"
    assert "s3cret" not in repr(made)
