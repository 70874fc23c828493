"""A ModelDeployment for the terminal, as lines or as JSON. Pure.

Called by `holdpoint rollout`. It shows what the status says and deliberately interprets nothing.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from rollouts.jsontypes import dig, dig_list, dig_object, dig_text, name_of

if TYPE_CHECKING:
    from rollouts.jsontypes import JsonObject


def status_object(obj: JsonObject) -> JsonObject:
    """What `-o json` prints."""
    status = dig_object(obj, "status")
    namespace = dig_text(obj, "metadata", "namespace")
    fallback = dig_object(status, "candidate") or dig_object(status, "previous")
    return {
        "deployment_id": f"{namespace}/{name_of(obj)}",
        "status": dig_text(status, "phase"),
        "reason": dig_text(status, "reason"),
        "message": dig_text(status, "message"),
        "endpoint_url": f"http://{name_of(obj)}.{namespace}.svc:{dig(obj, 'spec', 'port') or 8080}",
        "replicas": dig(obj, "spec", "replicas"),
        "stable": dig_object(status, "stable"),
        "candidate": dig_object(status, "candidate"),
        "weight": dig_object(status, "weight"),
        "analysis": {k: v for k, v in dig_object(status, "analysis").items() if k != "checkpoint"},
        "rollback_available": bool(fallback),
        "history": dig_list(status, "history"),
    }


def to_json(shown: JsonObject, *, history: bool) -> str:
    """The whole status, or its history only."""
    return json.dumps(shown["history"] if history else shown, indent=2, sort_keys=True) + "\n"


def status_lines(obj: JsonObject) -> list[str]:
    """For people."""
    shown = status_object(obj)
    weight = shown["weight"]
    rows = {
        "Target": shown["deployment_id"],
        "Phase": f"{shown['status']} ({shown['reason']})",
        "Says": shown["message"],
        "Stable": _revision(shown["stable"]),
        "Candidate": _revision(shown["candidate"]),
        "Weight": f"{weight.get('confirmed', 0)} % confirmed, {weight.get('asked', 0)} % asked",
        "Analysis": shown["analysis"].get("message", ""),
    }
    return [f"{name:<10} {value}" for name, value in rows.items() if value]


def history_lines(obj: JsonObject) -> list[str]:
    """One line each, oldest first."""
    entries = dig_list(obj, "status", "history")
    return [
        f"{e.get('at', '')[:19]}  {e.get('action', ''):<15} {e.get('reason', ''):<22} "
        f"{e.get('revision', '')} {e.get('weight', 0)} %  {e.get('message', '')}"
        for e in entries
    ] or ["no history yet"]


def _revision(revision: JsonObject) -> str:
    return f"{revision['name']}  {revision.get('image', '')}" if revision.get("name") else ""
