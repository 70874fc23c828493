"""Reads all arms of a comparison from whatever source the spec names: pods, or a server.

Called by the controller at every tick. What cannot be read is handed to `unread`, and is evidence
of nothing: the other pods, and the other arm, are read all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from rollouts.jsontypes import dig_text
from rollouts.metrics import sources
from rollouts.metrics.catalogue import find
from rollouts.metrics.interface import (
    Arm,
    MetricError,
    PodProvider,
    PodTarget,
    QueryProvider,
    Sample,
)

if TYPE_CHECKING:
    from rollouts.jsontypes import JsonObject
    from rollouts.metrics.http import Scraper

Samples = Mapping[PodTarget, Sample]
Unread = Callable[[MetricError, str], None]
PODS_WITHIN_S = 0.4  # of a tick of one second: a pod that hangs must not delay the verdict
SERVER_WITHIN_S = 2.0  # for each arm


def read(
    metrics: JsonObject, arms: Mapping[str, Arm], scraper: Scraper, unread: Unread
) -> dict[str, Samples]:
    """The samples of each arm. `unread` gets every MetricError and whom it is about.

    Raises MetricError (SPEC_INVALID) where `spec.analysis.metrics` itself cannot be used.
    """
    provider = find(dig_text(metrics, "type"))
    provider.check(metrics)
    if isinstance(provider, QueryProvider):
        return _from_server(provider, metrics, arms, unread)
    if isinstance(provider, PodProvider):
        return _from_pods(provider, metrics, arms, scraper, unread)
    raise TypeError(f"{provider.type} is neither a PodProvider nor a QueryProvider")


def _from_server(
    provider: QueryProvider, metrics: JsonObject, arms: Mapping[str, Arm], unread: Unread
) -> dict[str, Samples]:
    source = sources.known(provider.source(metrics))
    found: dict[str, Samples] = {}
    for name, arm in arms.items():
        try:
            query = provider.query(metrics, arm)
            body = sources.ask(source, query, deadline_s=SERVER_WITHIN_S)
            found[name] = provider.samples(metrics, body)
        except MetricError as error:
            unread(error, name)
            found[name] = {}
    return found


def _from_pods(
    provider: PodProvider,
    metrics: JsonObject,
    arms: Mapping[str, Arm],
    scraper: Scraper,
    unread: Unread,
) -> dict[str, Samples]:
    targets = {name: provider.targets(metrics, arm.pods) for name, arm in arms.items()}
    every = [target for some in targets.values() for target in some]
    answers = scraper.fetch(every, deadline_s=PODS_WITHIN_S)
    found: dict[str, dict[PodTarget, Sample]] = {name: {} for name in arms}
    for name, some in targets.items():
        for target in some:
            answer = answers[target]
            try:
                if isinstance(answer, MetricError):
                    raise answer
                found[name][target] = provider.parse(metrics, answer)
            except MetricError as error:
                unread(error, target.name)
    return dict(found)
