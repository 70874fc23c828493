"""Every provider: found by its type, refuses what it cannot use. And what `Pods` makes of pods."""

from __future__ import annotations

import pkgutil
from typing import Any

import pytest

import rollouts.metrics
from rollouts.metrics import (
    MetricError,
    PodProvider,
    QueryProvider,
    Sample,
    Trouble,
    find,
    providers,
)
from rollouts.metrics.catalogue import NOT_PROVIDERS
from rollouts.metrics.pods import PROVIDER as PODS
from tests.rollouts.metrics.objects import LATER, pod

SPEC: dict[str, Any] = {
    "type": "Pods",
    "pods": {
        "port": 8080,
        "path": "/metrics",
        "requests": "prediction_count_total",
        "errors": "prediction_errors_total",
    },
}


def spec(**changes: Any) -> dict[str, Any]:
    pods = {**SPEC["pods"], **changes}
    return {
        "type": "Pods",
        "pods": {key: value for key, value in pods.items() if value is not None},
    }


def test_every_file_that_is_no_plumbing_is_a_provider() -> None:
    files = {module.name for module in pkgutil.iter_modules(rollouts.metrics.__path__)}
    assert files >= NOT_PROVIDERS
    assert len(providers()) == len(files - NOT_PROVIDERS)
    for name, provider in providers().items():
        assert find(name) is provider
        assert provider.type == name
        assert isinstance(provider, PodProvider) != isinstance(provider, QueryProvider)
        with pytest.raises(MetricError) as caught:
            provider.check({})
        assert caught.value.trouble is Trouble.SPEC_INVALID


def test_an_unknown_type_lists_the_known_ones() -> None:
    with pytest.raises(MetricError, match=r"'pods' is no provider; known are .*Pods") as caught:
        find("pods")
    assert caught.value.trouble is Trouble.SPEC_INVALID


@pytest.mark.parametrize(
    "changes",
    [
        {"requests": None},
        {"errors": None},
        {"errors": 5},
        {"requests": "a b"},
        {"port": 0},
        {"port": "8080"},
        {"port": True},
        {"path": "metrics"},
        {"path": "/a b"},
        {"path": "/a\r\nHost: x"},
        {"path": "/é"},
        {"path": 5},
    ],
)
def test_pods_refuses_a_spec_that_cannot_be_meant(changes: dict[str, Any]) -> None:
    with pytest.raises(MetricError) as caught:
        find("Pods").check(spec(**changes))
    assert caught.value.trouble is Trouble.SPEC_INVALID
    assert caught.value.sentence.startswith("spec.analysis.metrics")


def test_pods_accepts_a_whole_and_a_short_spec() -> None:
    find("Pods").check(SPEC)
    find("Pods").check(
        spec(port=None, path=None, errors={"metric": "r", "labels": {"code": "5.."}})
    )


def test_a_target_says_which_process_it_is() -> None:
    (target,) = PODS.targets(SPEC, [pod(restarts=3, created=LATER)])
    assert (target.name, target.uid, target.ip) == ("pod-a", "uid-a", "10.244.0.7")
    assert (target.port, target.path) == (8080, "/metrics")
    assert (target.restarts, target.created) == (3, LATER)


def test_the_port_defaults_to_the_container_s() -> None:
    (target,) = PODS.targets(spec(port=None, path=None), [pod()])
    assert (target.port, target.path) == (9000, "/metrics")


def test_pods_that_cannot_be_asked_are_no_targets_and_failing_ones_are() -> None:
    pods = [
        pod("pending", phase="Pending"),
        pod("addressless", ip=""),
        pod("named", ip="evil.example"),
        pod("unready", ready=False),
        pod("leaving", leaving=True),
        pod("six", ip="fd00::7"),
        {},
    ]
    targets = PODS.targets(SPEC, pods)
    assert [target.name for target in targets] == ["pod-unready", "pod-leaving", "pod-six"]
    assert PODS.targets(SPEC, []) == ()


def test_a_page_is_a_sample() -> None:
    page = b"prediction_count_total 12\nprediction_errors_total 3\n"
    assert PODS.parse(SPEC, page) == Sample(12, 3, None)
    started = b"process_start_time_seconds 1.7e9\n"
    assert PODS.parse(SPEC, page + started) == Sample(12, 3, 1.7e9)


def test_p1_a_page_without_the_errors_is_no_sample() -> None:
    with pytest.raises(MetricError, match="prediction_errors_total") as caught:
        PODS.parse(SPEC, b"prediction_count_total 12\n")
    assert caught.value.trouble is Trouble.SERIES_MISSING
