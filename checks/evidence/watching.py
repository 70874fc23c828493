"""Who watches from outside: scrape configurations, alert rules, dashboards, and what they read.

Used by the monitoring check. Rules are read from Prometheus' own files, PrometheusRule objects and
ConfigMaps; dashboards from Grafana's JSON. Each expression is kept with its place; whether its
metrics exist is asked of `known`. Templates that nobody rendered are unreadable, never fatal.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from checks.evidence import references
from checks.evidence.promql import PromqlError, metric_names
from checks.evidence.repository import FileError
from checks.report import Evidence, Location, State
from checks.yaml_nodes import Node, YamlError, read

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from checks.evidence.manifests import KubernetesObject, Manifests
    from checks.evidence.repository import Repository

MAX_FILES = 500
MAX_DEPTH = 40  # of a dashboard's JSON
MAX_RECORDED = 20  # recording rules that lean on each other
MONITORS = frozenset({"ServiceMonitor", "PodMonitor", "PodMonitoring", "VMServiceScrape"})
# Series of exporters and servers that are there without any code of the repository's own.
_WELL_KNOWN = re.compile(
    r"up|scrape_\w+|ALERTS(?:_FOR_STATE)?"
    r"|(?:kube|node|container|kubelet|apiserver|cadvisor|machine|probe|blackbox)_\w+"
    r"|(?:process|python|go|jvm|nodejs)_\w+|(?:prometheus|alertmanager|grafana|loki)_\w+"
    r"|(?:istio|envoy|nginx|traefik|haproxy|gatewayapi|kong)_\w+"
    r"|(?:nv|DCGM_FI|ts|ray|bentoml|seldon|tgi|keda|holdpoint)_\w+|(?:vllm|:tensorflow):[\w:]+"
    r"|(?:redis|pg|mysql|mongodb|kafka|rabbitmq)_\w+"
)


@dataclass(frozen=True)
class Query:
    """One expression: what it belongs to, its place, the metrics it reads or why it cannot be."""

    owner: str
    where: Location
    metrics: frozenset[str] = frozenset()
    error: str = ""
    record: str | None = None  # the series that a recording rule makes


@dataclass(frozen=True)
class Watching:
    """Everything that was found. A scrape without an error has something to scrape."""

    scrapes: tuple[Evidence, ...] = ()
    broken_scrapes: tuple[Evidence, ...] = ()
    alerts: tuple[Query, ...] = ()
    records: tuple[Query, ...] = ()
    panels: tuple[Query, ...] = ()
    unreadable: tuple[Evidence, ...] = ()


def collect(repository: Repository, kubernetes: Manifests) -> Watching:
    """Reads rules, scrape configurations, monitors and dashboards."""
    documents, unreadable = _documents(repository)
    scrapes, broken = list[Evidence](), list[Evidence]()
    rules: list[Query] = []
    for path, document, shift in [*documents, *_embedded(kubernetes)]:
        scrapes += _scrape_configs(path, document, shift)
        rules += _rules(path, document.get("groups"), shift)
    for each in kubernetes.objects:
        if each.kind == "PrometheusRule":
            rules += _rules(each.path, each.node.get("spec", "groups"), 0)
        monitor = _monitor(each, kubernetes)
        if monitor is not None:
            (scrapes if monitor.state is State.FOUND else broken).append(monitor)
        scrapes += _annotation(each)
    panels, unread = _dashboards(repository)
    panels += _embedded_dashboards(kubernetes)
    return Watching(
        scrapes=tuple(scrapes),
        broken_scrapes=tuple(broken),
        alerts=tuple(rule for rule in rules if rule.record is None),
        records=tuple(rule for rule in rules if rule.record is not None),
        panels=tuple(panels),
        unreadable=tuple(unreadable + unread),
    )


def known(exported: frozenset[str], records: Sequence[Query]) -> Callable[[str], bool]:
    """Whether a series exists: exported, well known, or recorded from such ones."""
    names = set(exported)
    pending = [rule for rule in records if not rule.error]

    def exists(name: str) -> bool:
        return name in names or _WELL_KNOWN.fullmatch(name) is not None

    for _ in range(MAX_RECORDED):
        ready = {id(rule) for rule in pending if rule.metrics and all(map(exists, rule.metrics))}
        if not ready:
            break
        names.update(rule.record for rule in pending if rule.record and id(rule) in ready)
        pending = [rule for rule in pending if id(rule) not in ready]
    return exists


Documents = list[tuple[str, Node, int]]


def _documents(repository: Repository) -> tuple[Documents, list[Evidence]]:
    """YAML that is no Kubernetes object and looks like Prometheus' own configuration."""
    found, unreadable = Documents(), list[Evidence]()
    files = repository.matching("*.yaml", "*.yml", "*.rules")
    for file in [f for f in files if not f.path.startswith((".github/", ".gitlab"))][:MAX_FILES]:
        try:
            text = repository.read_text(file.path)
        except FileError:
            continue  # said by the reader of manifests
        rules = re.search(r"^\s*groups:", text, re.MULTILINE) and "expr" in text
        if not rules and "scrape_configs:" not in text:
            continue
        try:
            nodes = read(text.encode())
        except YamlError as error:
            if "apiVersion" not in text:  # the reader of manifests says the others
                unreadable.append(_unreadable(file.path, str(error), error.line))
            continue
        found += [(file.path, node, 0) for node in nodes if node.get("apiVersion") is None]
    return found, unreadable


def _embedded(kubernetes: Manifests) -> Iterator[tuple[str, Node, int]]:
    """Rules and scrape configurations in the values of ConfigMaps."""
    for path, node in _config_maps(kubernetes):
        text = node.text or ""
        if "groups:" in text or "scrape_configs:" in text:
            try:
                nodes = read(text.encode())
            except YamlError:
                continue
            yield from ((path, each, _shift(node)) for each in nodes)


def _config_maps(kubernetes: Manifests) -> Iterator[tuple[str, Node]]:
    for each in kubernetes.objects:
        data = each.node.get("data") if each.kind == "ConfigMap" else None
        for _, value in data.items() if data is not None else ():
            yield each.path, value


def _shift(node: Node) -> int:
    return node.line if node.style in {"|", ">"} else node.line - 1


def _rules(path: str, groups: Node | None, shift: int) -> Iterator[Query]:
    for group in groups.elements() if groups is not None else ():
        rules = group.get("rules")
        for rule in rules.elements() if rules is not None else ():
            name, record = rule.string("alert"), rule.string("record")
            if not name and not record:
                continue
            where = Location(path, rule.line_of("expr") + shift)
            yield query(name or record or "", rule.string("expr") or "", where, record)


def query(owner: str, expression: str, where: Location, record: str | None = None) -> Query:
    """One expression, read as far as it can be."""
    try:
        return Query(owner, where, metric_names(expression), record=record)
    except PromqlError as error:
        return Query(owner, where, error=str(error), record=record)


def _scrape_configs(path: str, document: Node, shift: int) -> Iterator[Evidence]:
    """Jobs that look at something other than Prometheus itself."""
    for node in document.walk():
        jobs = node.get("scrape_configs")
        for job in jobs.elements() if jobs is not None else ():
            name = job.string("job_name")
            targets = [t.text or "" for config in _list(job, "static_configs")
                       for t in _list(config, "targets")]  # fmt: skip
            discovers = any(key.endswith("_sd_configs") for key, _ in job.items())
            others = [t for t in targets if not re.match(r"(?:localhost|127\.0\.0\.1):9090$", t)]
            if name and (others or discovers):
                where = Location(path, job.line_of("job_name") + shift)
                yield Evidence("scrape", State.FOUND, f"the job {name}", where)


def _list(node: Node, key: str) -> list[Node]:
    found = node.get(key)
    return [*found.elements()] if found is not None else []


def _monitor(each: KubernetesObject, kubernetes: Manifests) -> Evidence | None:
    """A monitor object, found when its selector picks something that this tree makes."""
    if each.kind not in MONITORS:
        return None
    of_services = each.kind in {"ServiceMonitor", "VMServiceScrape"}
    labels = references.services(kubernetes) if of_services else references.pods(kubernetes)
    selector = each.node.get("spec", "selector")
    where = Location(each.path, each.node.line_of("spec", "selector"))
    endpoints = each.node.get("spec", "endpoints") or each.node.get("spec", "podMetricsEndpoints")
    said = f"{each.kind} {each.name}"
    if endpoints is None or not endpoints.sequence:
        return Evidence("scrape", State.ABSENT, f"{said} names no endpoint", where)
    if not references.selects(selector, labels):
        what = "Service" if of_services else "pod"
        return Evidence("scrape", State.ABSENT, f"{said} selects no {what} of this tree", where)
    return Evidence("scrape", State.FOUND, said, where)


def _annotation(each: KubernetesObject) -> Iterator[Evidence]:
    for path in (("metadata",), ("spec", "template", "metadata")):
        full = (*path, "annotations", "prometheus.io/scrape")
        if each.node.string(*full[:-2], "annotations", full[-1]) == "true":
            where = Location(each.path, each.node.line_of(*full))
            yield Evidence("scrape", State.FOUND, f"annotations of {each.kind} {each.name}", where)


def _dashboards(repository: Repository) -> tuple[list[Query], list[Evidence]]:
    found, unreadable = list[Query](), list[Evidence]()
    for file in list(repository.matching("*.json"))[:MAX_FILES]:
        try:
            text = repository.read_text(file.path)
        except FileError:
            continue
        if '"panels"' in text:
            try:
                found += panels(text, file.path)
            except ValueError as error:
                unreadable.append(_unreadable(file.path, str(error)))
    return found, unreadable


def _embedded_dashboards(kubernetes: Manifests) -> Iterator[Query]:
    for path, node in _config_maps(kubernetes):
        if '"panels"' in (node.text or ""):
            try:
                yield from panels(node.text or "", path, _shift(node))
            except ValueError:
                continue


def panels(text: str, path: str, shift: int = 0) -> list[Query]:
    """The Prometheus queries of a Grafana dashboard. Raises ValueError when it is no JSON."""
    try:
        document = json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    found = list[Query]()
    for owner, expression in _expressions(document, "", 0):
        plain = text.find(json.dumps(expression, ensure_ascii=False))
        position = max(plain, text.find(json.dumps(expression)), 0)
        where = Location(path, text.count("\n", 0, position) + 1 + shift)
        found.append(query(owner, expression, where))
    return found


def _expressions(value: Any, owner: str, depth: int) -> Iterator[tuple[str, str]]:
    if depth > MAX_DEPTH:
        return
    if isinstance(value, dict):
        title = value.get("title")
        owner = title if isinstance(title, str) else owner
        expression, source = value.get("expr"), value.get("datasource")
        kind = source.get("type", "prometheus") if isinstance(source, dict) else "prometheus"
        if isinstance(expression, str) and kind == "prometheus":
            yield owner, expression
        for each in value.values():
            yield from _expressions(each, owner, depth + 1)
    elif isinstance(value, list):
        for each in value:
            yield from _expressions(each, owner, depth + 1)


def _unreadable(path: str, why: str, line: int | None = None) -> Evidence:
    return Evidence("watching", State.UNREADABLE, f"{path}: {why}", Location(path, line))
