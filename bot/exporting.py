"""`holdpoint bot export` and `holdpoint bot incident`: the record out of the clusters.

Called by `bot.app`. They read what kubectl could read with the same kubeconfig; no secret of Slack
or GitHub is needed, and nothing is changed.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bot import incident
from bot.notes import message_of
from bot.records import Record, comma_separated, json_lines, records
from bot.settings import Settings, SettingsError
from rollouts.jsontypes import dig_text, name_of

if TYPE_CHECKING:
    from bot.cluster import Clusters
    from bot.places import Target

VERBS = ("export", "incident")
WRITERS = {"jsonl": json_lines, "csv": comma_separated}


def parser() -> argparse.ArgumentParser:
    """The arguments of both."""
    root = argparse.ArgumentParser(prog="holdpoint bot", description="The record of the bot.")
    verbs = root.add_subparsers(dest="verb", required=True)
    export = verbs.add_parser("export", help="every request and approval, oldest first")
    export.add_argument("--format", choices=sorted(WRITERS), default="jsonl")
    export.add_argument(
        "--since", default="", help="RFC 3339; only what was asked for from then on"
    )
    report = verbs.add_parser("incident", help="a rollout that was taken back, as Markdown")
    report.add_argument("request", help="the name of the request that began it")
    for verb in (export, report):
        verb.add_argument("--config", type=Path, required=True, help="bot.yaml")
        verb.add_argument("--environment", default=None, help="only this one")
    return root


def run(arguments: argparse.Namespace, settings: Settings, clusters: Clusters) -> None:
    """Writes to standard output. Raises SettingsError, Refused."""
    where = arguments.environment
    if where is not None and where not in settings.environments:
        known = ", ".join(name for name in settings.environments if name) or "none"
        raise SettingsError(
            f"--environment {where!r} is not declared in bot.yaml; known are {known}"
        )
    places = [p for p in settings.places() if where in (None, p.environment)]
    if arguments.verb == "export":
        sys.stdout.write(WRITERS[arguments.format](_all(places, clusters, arguments.since)))
        return
    sys.stdout.write(_incident(arguments.request, places, clusters))


def _all(places: list[Target], clusters: Clusters, since: str) -> list[Record]:
    found = []
    seen = set()
    for target in places:
        spot = (target.environment, target.namespace)
        if spot not in seen:  # a namespace holds the requests of all of its targets
            seen.add(spot)
            found += records(
                clusters.requests(target), clusters.approvals(target), target.environment
            )
    return [record for record in found if record.at >= since]


def _incident(name: str, places: list[Target], clusters: Clusters) -> str:
    for target in places:
        request = clusters.request(target, name)
        if request is None or dig_text(request, "spec", "target") != target.name:
            continue
        message = message_of(request)
        later = [
            other
            for other in clusters.requests(target)
            if message and message_of(other) == message and name_of(other) != name
        ]
        approvals = clusters.approvals(target)
        deployment = clusters.deployment(target)
        return incident.report(request, later, approvals, deployment, target.environment)
    raise SettingsError(f"there is no request {name!r} in the environments that were asked")
