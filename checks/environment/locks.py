"""Reads lock files of tools: uv.lock, poetry.lock, pdm.lock, Pipfile.lock. Pure.

What the project asks for itself is installed, kept to the versions of the lock; packages of
development groups are so left out. Where nothing says what the project asks for, everything in the
lock is installed. Used by `checks.environment.find`.
"""

from __future__ import annotations

import json
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from checks.environment.wanted import Requirements, RequirementsError, Wanted, left_out, wanted

MAIN_GROUPS = frozenset({"main", "default"})


def read_toml(text: str, path: str, project: str | None) -> Requirements:
    """uv.lock, poetry.lock or pdm.lock; `project` is the text of the pyproject.toml beside it."""
    packages = [each for each in _table(text, path).get("package", []) if isinstance(each, dict)]
    registry = [each for each in packages if _is_from_registry(each)]
    pins = tuple(_pins(registry))
    skipped = tuple(
        left_out(path, str(each.get("name")), "it comes from another place than a registry")
        for each in packages
        if each not in registry and not _is_project(each)
    )
    own = [each for each in packages if _is_project(each)]
    if own:
        direct = [line for each in own for line in _uv_lines(each)]
    elif project is not None:
        direct = list(_project_lines(_table(project, "pyproject.toml")))
    else:
        direct = []
    known = {pin.name for pin in pins}
    asked = [each for each in map(wanted, direct) if each is not None and each.name in known]
    chosen = tuple(asked) or tuple(pin for pin in pins if pin.name in _main(registry, known))
    return Requirements(path, chosen, pins, skipped)


def read_pipfile_lock(text: str, path: str) -> Requirements:
    """Pipfile.lock: its default group."""
    try:
        default = json.loads(text).get("default", {})
        entries = [(str(name), dict(each)) for name, each in default.items()]
    except (ValueError, AttributeError, TypeError, RecursionError) as error:
        raise RequirementsError(f"{path}: not a lock file of pipenv") from error
    found: list[Wanted] = []
    skipped: list[str] = []
    for name, entry in entries:
        extras = ",".join(map(str, entry.get("extras", [])))
        marker = f" ; {entry['markers']}" if entry.get("markers") else ""
        line = f"{name}{f'[{extras}]' if extras else ''}{entry.get('version', '')}{marker}"
        each = wanted(line) if "version" in entry else None
        if each is None:
            skipped.append(left_out(path, name))
        else:
            found.append(each)
    return Requirements(path, tuple(found), (), tuple(skipped))


def read_project(text: str, path: str) -> Requirements:
    """What pyproject.toml asks for, without a lock."""
    found: list[Wanted] = []
    skipped: list[str] = []
    for line in _project_lines(_table(text, path)):
        each = wanted(line)
        if each is None:
            skipped.append(left_out(path, line))
        else:
            found.append(each)
    return Requirements(path, tuple(found), (), tuple(skipped))


def _table(text: str, path: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise RequirementsError(f"{path}: not TOML that can be read") from error


def _is_project(package: Mapping[str, Any]) -> bool:
    source = package.get("source")
    return isinstance(source, dict) and bool({"editable", "virtual"} & source.keys())


def _is_from_registry(package: Mapping[str, Any]) -> bool:
    """uv says `registry`; poetry and pdm say nothing, or `legacy` for an index of one's own."""
    source = package.get("source")
    if not isinstance(package.get("name"), str) or not isinstance(package.get("version"), str):
        return False
    if any(package.get(key) for key in ("git", "path", "url")):
        return False
    if not isinstance(source, dict):
        return True
    return "registry" in source or source.get("type") == "legacy"


def _pins(packages: list[dict[str, Any]]) -> Iterator[Wanted]:
    """Versions that are the only one of their package: others depend on the platform."""
    counts = Counter(each["name"] for each in packages)
    for each in packages:
        pin = wanted(f"{each['name']}=={each['version']}") if counts[each["name"]] == 1 else None
        if pin is not None:
            yield pin


def _uv_lines(project: Mapping[str, Any]) -> Iterator[str]:
    for each in project.get("dependencies", []):
        if isinstance(each, dict):
            extras = ",".join(map(str, each.get("extra", [])))
            marker = f" ; {each['marker']}" if each.get("marker") else ""
            yield f"{each.get('name')}{f'[{extras}]' if extras else ''}{marker}"


def _project_lines(project: Mapping[str, Any]) -> Iterator[str]:
    """[project] dependencies, and the names of [tool.poetry.dependencies]."""
    listed = _section(project, "project").get("dependencies", [])
    yield from (line for line in listed if isinstance(line, str))
    poetry = _section(_section(_section(project, "tool"), "poetry"), "dependencies")
    for name, value in poetry.items():
        if name == "python":
            continue
        version = value.get("version") if isinstance(value, dict) else value
        yield f"{name}{_from_caret(version)}" if isinstance(version, str) else f"{name} @ x:"


def _section(table: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = table.get(name)
    return found if isinstance(found, dict) else {}


def _from_caret(version: str) -> str:
    """Poetry's own ways to write a range: `^1.5`, `~1.5`, `1.5`, `*`."""
    text = version.strip()
    if text in {"", "*"}:
        return ""
    if text[0] in "<>=!":
        return text
    number = text.lstrip("^~")
    parts = number.split(".")
    if text[0] == "^" and parts[0].isdigit() and int(parts[0]) > 0:
        return f">={number},<{int(parts[0]) + 1}"
    if text[0] in "^~":
        return f">={number},=={'.'.join(parts[:2])}.*"
    return f"=={number}"


def _main(packages: list[dict[str, Any]], known: set[str]) -> set[str]:
    """The packages of the main group, where the lock tells groups; all where it does not."""
    grouped = [each for each in packages if isinstance(each.get("groups"), list)]
    if not grouped:
        return known
    chosen = [each["name"] for each in grouped if MAIN_GROUPS & set(map(str, each["groups"]))]
    return {pin.name for name in chosen if (pin := wanted(name)) is not None}
