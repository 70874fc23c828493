"""The `Prometheus` provider and a real Prometheus server, with TLS and a password."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from rollouts.analysis import Histogram, Increment, Scores
from rollouts.metrics import Arm, Cursor, MetricError, Sample, Trouble, advance, sources
from rollouts.metrics.prometheus import PROVIDER
from tests.rollouts.metrics.pod_server import PodServer
from tests.testbed import binaries
from tests.testbed.pki import CertificateAuthority
from tests.testbed.ports import free_port
from tests.testbed.processes import Server
from tests.testbed.wait import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rollouts.metrics import PodTarget

NEW, OLD = Arm("prod", "lending-22222222"), Arm("prod", "lending-11111111")
PASSWORD = "secret"
HASH = "$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW"  # bcrypt of it
TRAEFIK_SERVICE = "prod-{0}-http-8080@kubernetesgateway"
# Per preset: labels of one arm's series, and those that make them errors.
METRICS: dict[str, tuple[str, str, str]] = {
    "Traefik": (
        "traefik_service_requests_total",
        f'service="{TRAEFIK_SERVICE}"',
        'code="502"',
    ),
    "Istio": (
        "istio_requests_total",
        'reporter="source",destination_service_namespace="prod",destination_service_name="{0}"',
        'response_code="503"',
    ),
    "NGINX": (
        "nginx_ingress_controller_requests",
        'namespace="prod",service="{0}"',
        'status="500"',
    ),
    "Linkerd": (
        "response_total",
        'direction="inbound",namespace="prod",deployment="{0}"',
        'classification="failure"',
    ),
}
BUCKETS = {
    "Traefik": ("traefik_service_request_duration_seconds", "0.1", 0.1),
    "Istio": ("istio_request_duration_milliseconds", "25", 0.025),
    "NGINX": ("nginx_ingress_controller_request_duration_seconds", "0.1", 0.1),
    "Linkerd": ("response_latency_ms", "50", 0.05),
}
APPLICATION: dict[str, Any] = {
    "preset": "Application",
    "requests": "n_total",
    "errors": {"metric": "n_total", "labels": {"code": "5.."}},
    "latency": "took_seconds",
    "quality": {
        "labelled": "labelled_total",
        "wrong": "wrong_total",
        "scores": {"sum": "score_sum", "count": "score_count"},
    },
}
OWN = {
    "queries": {
        "requests": 'istio_requests_total{destination_service_name="{{service}}"}',
        "errors": 'istio_requests_total{destination_service_name="{{service}}",'
        'response_code=~"5.."}',
    }
}


class Exporter:
    """Everything that the gateways and the pods of two revisions would show."""

    def __init__(self) -> None:
        self.good, self.bad, self.shown = 90, 10, True

    def page(self) -> bytes:
        lines = ["# HELP up_to_date nothing"]
        for arm in (NEW, OLD) if self.shown else ():
            factor = 1 if arm is NEW else 3
            for preset, (metric, labels, error) in METRICS.items():
                mine = labels.format(arm.revision)
                lines.append(f'{metric}{{{mine},x="ok"}} {self.good * factor}')
                lines.append(f"{metric}{{{mine},{error}}} {self.bad * factor}")
                histogram, bound, _ = BUCKETS[preset]
                total = (self.good + self.bad) * factor
                lines.append(f'{histogram}_bucket{{{mine},le="{bound}"}} {self.good * factor}')
                lines.append(f'{histogram}_bucket{{{mine},le="+Inf"}} {total}')
            pod = f'namespace="prod",pod="{arm.revision}-5d8f-abcde"'
            lines += [
                f'n_total{{{pod},code="200"}} {self.good}',
                f'n_total{{{pod},code="500"}} {self.bad}',
                f'took_seconds_bucket{{{pod},le="0.5"}} {self.good}',
                f'took_seconds_bucket{{{pod},le="+Inf"}} {self.good + self.bad}',
                f"labelled_total{{{pod}}} 50",
                f"wrong_total{{{pod}}} 5",
                f"score_sum{{{pod}}} 62.5",
                f"score_count{{{pod}}} 100",
            ]
        return ("\n".join(lines) + "\n").encode()


@dataclass(frozen=True)
class Setting:
    """A running server, what it scrapes, and the folder that says how to reach it."""

    exporter: Exporter
    folder: Path
    process: Server

    def source(self) -> sources.Source:
        return sources.known("main", self.folder)

    def ask(self, options: dict[str, Any], arm: Arm) -> Mapping[PodTarget, Sample]:
        spec = {"type": "Prometheus", "prometheus": {"source": "main", **options}}
        PROVIDER.check(spec)
        body = sources.ask(self.source(), PROVIDER.query(spec, arm), deadline_s=20)
        return PROVIDER.samples(spec, body)

    def one(self, options: dict[str, Any], arm: Arm = NEW) -> Sample:
        (sample,) = self.ask(options, arm).values()
        return sample

    def wait_until_counted(self, requests: int, options: dict[str, Any]) -> None:
        def counted() -> bool:
            self.process.require_alive()
            try:
                return [s.requests for s in self.ask(options, NEW).values()] == [requests]
            except MetricError as error:
                if error.trouble not in {Trouble.UNREACHABLE, Trouble.STATUS}:
                    raise
                return False

        wait_until(counted, 90, f"Prometheus to have scraped {requests} requests")


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    folder, exporter = tmp_path_factory.mktemp("prometheus"), Exporter()
    authority = CertificateAuthority(folder)
    pair = authority.issue(["127.0.0.1"])
    tls = {"cert_file": str(pair.certificate), "key_file": str(pair.key)}
    web = {"tls_server_config": tls, "basic_auth_users": {"ada": HASH}}
    (folder / "web.yml").write_text(json.dumps(web))
    port = free_port()
    with PodServer(lambda to: to.reply(exporter.page())) as pods:
        scrape = {
            "job_name": "all",
            "honor_labels": True,
            "scrape_interval": "200ms",
            "scrape_timeout": "200ms",
            "static_configs": [{"targets": [f"127.0.0.1:{pods.server_address[1]}"]}],
        }
        (folder / "prometheus.yml").write_text(json.dumps({"scrape_configs": [scrape]}))
        server = Server(
            "prometheus",
            [
                binaries.prometheus(),
                f"--config.file={folder}/prometheus.yml",
                f"--web.config.file={folder}/web.yml",
                f"--storage.tsdb.path={folder}/data",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            folder / "log",
        )
        at = folder / "sources/main"
        at.mkdir(parents=True)
        (at / "url").write_text(f"https://127.0.0.1:{port}\n")
        (at / "ca.crt").write_bytes(authority.certificate.read_bytes())
        (at / "username").write_text("ada")
        (at / "password").write_text(PASSWORD)
        made = Setting(exporter, folder / "sources", server)
        try:
            made.wait_until_counted(100, {"preset": "Traefik"})
            yield made
        finally:
            server.stop()


@pytest.mark.parametrize("preset", sorted(METRICS))
def test_a_preset_reads_what_its_gateway_counts(setting: Setting, preset: str) -> None:
    _, _, bound = BUCKETS[preset]
    assert setting.one({"preset": preset}) == Sample(
        100, 10, latency=Histogram((bound,), (90,), 100)
    )
    assert setting.one({"preset": preset}, OLD).requests == 300


def test_the_pods_own_metrics_with_their_quality(setting: Setting) -> None:
    found = setting.one(APPLICATION)
    assert (found.requests, found.errors) == (100, 10)
    assert found.latency == Histogram((0.5,), (90,), 100)
    assert (found.labels, found.scores) == (Increment(50, 5), Scores(100, 62.5))


def test_own_queries(setting: Setting) -> None:
    assert setting.one(OWN) == Sample(100, 10)
    broken = {"queries": {"requests": "sum(", "errors": "up"}}
    with pytest.raises(MetricError, match="parse error") as caught:
        setting.ask(broken, NEW)
    assert caught.value.trouble is Trouble.STATUS


def test_a_rate_is_told_from_a_counter(setting: Setting) -> None:
    rate = {"queries": {"requests": "vector(0.5)", "errors": "vector(0)"}}
    with pytest.raises(MetricError, match="a counter, not a rate"):
        setting.ask(rate, NEW)


def test_p1_a_revision_that_nobody_has_seen_has_no_sample(setting: Setting) -> None:
    assert setting.ask({"preset": "Traefik"}, Arm("prod", "lending-absent")) == {}


@pytest.mark.parametrize(
    ("file", "text", "trouble"),
    [("password", "wrong", Trouble.STATUS), ("ca.crt", None, Trouble.UNREACHABLE)],
)
def test_a_wrong_password_and_an_unknown_authority_are_said(
    setting: Setting, file: str, text: str | None, trouble: Trouble
) -> None:
    path = setting.folder / "main" / file
    kept = path.read_bytes()
    try:
        path.unlink()
        if text is not None:
            path.write_text(text)
        with pytest.raises(MetricError) as caught:
            setting.ask({"preset": "Traefik"}, NEW)
    finally:
        path.write_bytes(kept)
    assert caught.value.trouble is trouble
    assert PASSWORD not in caught.value.sentence


def test_p3_p5_what_was_served_is_counted_once_over_a_reset(setting: Setting) -> None:
    options = {"preset": "Istio"}
    _, cursor = advance(Cursor("2026-01-01T00:00:00Z"), setting.ask(options, NEW))
    saved = json.dumps(cursor.to_json())
    try:
        setting.exporter.good += 50
        setting.wait_until_counted(150, options)
        for _ in range(2):  # a crash before the checkpoint: the same again from the saved cursor
            samples = setting.ask(options, NEW)
            served, cursor = advance(Cursor.from_json(json.loads(saved)), samples)
            assert served.increment == Increment(50, 0)
        setting.exporter.good, setting.exporter.bad = 5, 1
        setting.wait_until_counted(6, options)
        served, cursor = advance(cursor, setting.ask(options, NEW))
        assert served.increment == Increment(), "a fall may be a broken answer"
        setting.exporter.good = 25
        setting.wait_until_counted(26, options)
        served, _ = advance(cursor, setting.ask(options, NEW))
        assert served.increment == Increment(20, 0)
    finally:
        setting.exporter.good, setting.exporter.bad = 90, 10
        setting.wait_until_counted(100, options)


def test_p3_a_series_that_ended_is_no_sample(setting: Setting) -> None:
    try:
        setting.exporter.shown = False
        wait_until(lambda: not setting.ask({"preset": "NGINX"}, NEW), 30, "the series to end")
    finally:
        setting.exporter.shown = True
        setting.wait_until_counted(100, {"preset": "NGINX"})
