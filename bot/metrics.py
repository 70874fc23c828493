"""Counters of the bot itself, in Prometheus' text format, at /metrics.

Counted where the audit lines are written, so that both always agree. Labels are codes and verbs of
ours, never names, texts or identities: whoever may scrape learns nothing about people.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable

_HELP = {
    "holdpoint_bot_commands_total": "Commands by outcome, verb and reason code.",
    "holdpoint_bot_deliveries_repeated_total": "Deliveries that came again and were done once.",
    "holdpoint_bot_deliveries_turned_away_total": "Deliveries without a valid signature or form.",
    "holdpoint_bot_answers_lost_total": "Answers that neither way to a person took.",
    "holdpoint_bot_edits_failed_total": "Edits of live messages that failed, by Slack's code.",
    "holdpoint_bot_cluster_reads_failed_total": "Looks at a cluster that failed.",
}
Labels = tuple[tuple[str, str], ...]
_counts: Counter[tuple[str, Labels]] = Counter()
_gauges: dict[str, Callable[[], float]] = {}
_lock = threading.Lock()


def count(name: str, **labels: str) -> None:
    """Adds one to a counter of the list above. Raises KeyError for any other name."""
    _HELP[name]
    with _lock:
        _counts[(name, tuple(sorted(labels.items())))] += 1


def gauge(name: str, read: Callable[[], float]) -> None:
    """A value that is read when somebody asks."""
    _gauges[name] = read


def render() -> str:
    """Everything, in a fixed order."""
    with _lock:
        counts = sorted(_counts.items())
    lines = []
    for name, words in _HELP.items():
        lines += [f"# HELP {name} {words}", f"# TYPE {name} counter"]
        lines += [f"{name}{_shown(labels)} {n}" for (own, labels), n in counts if own == name]
    for name, read in sorted(_gauges.items()):
        lines += [f"# TYPE {name} gauge", f"{name} {read():g}"]
    return "\n".join(lines) + "\n"


def _shown(labels: Labels) -> str:
    inside = ",".join(f'{key}="{_escaped(value)}"' for key, value in labels)
    return f"{{{inside}}}" if inside else ""


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
