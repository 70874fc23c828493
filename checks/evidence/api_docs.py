"""Descriptions of a model's interface: OpenAPI documents, frameworks that make one, prose.

Used by the documentation check. An OpenAPI document is held against what every reader of one needs
(version, info, paths, operations with responses), and its paths against the strings of the code.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from checks.evidence import guides
from checks.evidence.release import Defect
from checks.evidence.repository import FileError
from checks.report import Evidence, Location, Severity, State
from checks.yaml_nodes import Node, YamlError, read

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from checks.evidence.documents import Section
    from checks.evidence.python_code import Module
    from checks.evidence.repository import Repository

MAX_FILES = 50
NAMES = tuple(
    f"*{name}*.{suffix}" for name in ("openapi", "swagger") for suffix in ("yaml", "yml", "json")
)
METHODS = frozenset({"get", "put", "post", "delete", "options", "head", "patch", "trace"})
# Calls that make an application which serves its own OpenAPI document.
GENERATORS = frozenset(
    {"fastapi.FastAPI", "litestar.Litestar", "apiflask.APIFlask", "flask_smorest.Api"}
    | {"flask_restx.Api", "ninja.NinjaAPI", "robyn.Robyn"}
)
_VERSION = re.compile(r"3\.\d+(?:\.\d+)?")
_TITLE = re.compile(r"\bAPIs?\b|\bendpoints?\b|\bHTTP interface\b|\brequests?\b", re.IGNORECASE)
_ENDPOINT = re.compile(r"\b(?:GET|POST|PUT|PATCH|DELETE)\s+`?/[\w{]|\bcurl\s.{0,300}/\w")


def collect(
    repository: Repository, sections: Sequence[Section], modules: Sequence[Module]
) -> tuple[dict[str, list[Evidence]], list[Defect], list[Evidence]]:
    """Evidence for `api.described` and `api.schema`, defects, and what cannot be read."""
    schemas, defects, unreadable = list[Evidence](), list[Defect](), list[Evidence]()
    for file in list(repository.matching(*NAMES))[:MAX_FILES]:
        try:
            documents = read(repository.read_bytes(file.path, 2 << 20))
        except (FileError, YamlError) as error:
            where = Location(file.path, error.line if isinstance(error, YamlError) else None)
            why = f"{file.path}: {error}"
            unreadable.append(Evidence("openapi", State.UNREADABLE, why, where))
            continue
        for document in documents[:1]:
            wrong = problem(document)
            if wrong:
                defects.append(_invalid(file.path, *wrong))
                continue
            line = document.line_of("openapi") if document.get("openapi") else document.line
            what = f"{len(list(operations(document)))} operations"
            schemas.append(Evidence("found", State.FOUND, what, Location(file.path, line)))
            defects += _unknown_paths(document, file.path, modules)
    schemas += _generated(modules)
    return {"api.described": schemas + _prose(sections), "api.schema": schemas}, defects, unreadable


def valid(repository: Repository) -> Iterator[tuple[str, Node]]:
    """Path and content of each OpenAPI document in which nothing is wrong."""
    for file in list(repository.matching(*NAMES))[:MAX_FILES]:
        try:
            documents = read(repository.read_bytes(file.path, 2 << 20))
        except (FileError, YamlError):
            continue
        if documents and problem(documents[0]) is None:
            yield file.path, documents[0]


def problem(document: Node) -> tuple[str, int] | None:
    """The first thing wrong with an OpenAPI document and its line; None when it is valid enough."""
    version = document.string("openapi") or ""
    old = document.string("swagger") == "2.0"
    if not old and not _VERSION.fullmatch(version):
        return "has no `openapi: 3.x` version", document.line_of("openapi")
    for key in ("title", "version"):
        if not document.string("info", key):
            return f"has no info.{key}", document.line_of("info", key)
    paths = document.get("paths")
    if paths is None or not paths.mapping:
        return "has no paths", document.line_of("paths")
    return _path_problem(document, paths)


def _path_problem(document: Node, paths: Node) -> tuple[str, int] | None:
    for path, _ in paths.items():
        if not path.startswith("/"):
            return f"has the path {path[:100]!r}, which begins with no /", paths.line_of(path)
    found = list(operations(document))
    for path, method, operation in found:
        if not (operation.get("responses") or Node(1)).mapping:
            return f"has no responses for {method} {path[:100]}", operation.line
    return None if found else ("has paths without an operation", document.line_of("paths"))


def operations(document: Node) -> Iterator[tuple[str, str, Node]]:
    """Path, method and node of every operation."""
    for path, item in (document.get("paths") or Node(1)).items():
        for method, operation in item.items():
            if method in METHODS:
                yield path, method, operation


def _generated(modules: Sequence[Module]) -> list[Evidence]:
    return [
        Evidence("found", State.FOUND, f"{name} serves one", Location(module.path, line))
        for module in modules
        if not module.is_test
        for name, line in module.calls()
        if name in GENERATORS
    ]


def _prose(sections: Sequence[Section]) -> list[Evidence]:
    found = []
    for index, section in enumerate(sections):
        if _TITLE.search(section.title[:200]):
            body = guides.body_of(sections, index)
            if any(_ENDPOINT.search(line[:1000]) for line in body):
                why = f"“{section.title[:80]}”"
                found.append(Evidence("found", State.FOUND, why, section.where))
    return found


def _unknown_paths(document: Node, file: str, modules: Sequence[Module]) -> list[Defect]:
    """Paths that no code mentions, when the code mentions others of the same document."""
    paths = document.get("paths") or Node(1)
    said = {text for module in modules if not module.is_test for text in module.strings()}
    plain = [path for path, _ in paths.items() if "{" not in path]
    if not any(path in said for path in plain):
        return []
    return [
        Defect(
            "path",
            Severity.MINOR,
            f"{file} describes {path[:100]}, which no code mentions",
            Location(file, paths.line_of(path)),
            f"{file}: describe the paths that are served; {path[:100]} is not",
        )
        for path in plain
        if path not in said
    ][:20]


def _invalid(file: str, what: str, line: int) -> Defect:
    return Defect(
        "openapi",
        Severity.MAJOR,
        f"{file} {what}",
        Location(file, line),
        f"{file}: make it a valid OpenAPI document (it {what})",
    )
