"""Finds what a model's repository says it needs: the file that is configured, or the nearest one.

Used by `checks.environment.home`. The folder of the model is asked first, then those above it, so
that of two models in one repository each finds its own; in each folder the files are asked in the
order of FILES, because a lock says more than a list.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from checks.environment import lines, locks
from checks.environment.wanted import Requirements, RequirementsError, Wanted, left_out, wanted
from checks.evidence.repository import FileError
from checks.yaml_nodes import YamlError
from checks.yaml_nodes import read as read_yaml

if TYPE_CHECKING:
    from checks.evidence.repository import Repository

MAX_SIZE = 16 << 20  # bytes of a lock file
TOML_LOCKS = ("uv.lock", "poetry.lock", "pdm.lock")
FILES = (
    *TOML_LOCKS,
    "Pipfile.lock",
    "requirements.lock",
    "requirements.txt",
    "requirements/prod.txt",
    "requirements/base.txt",
    "pyproject.toml",
    "environment.yml",
    "environment.yaml",
)


def find(repository: Repository, model: str, configured: str | None) -> Requirements:
    """What the model at path `model` needs; empty where nothing says so.

    Raises RequirementsError when a file cannot be used, or the one that is configured is none.
    """
    if configured is not None:
        return _read(repository, configured)
    for folder in PurePosixPath(model).parents:
        for name in FILES:
            path = str(folder / name)
            if repository.find(path) is None:
                continue
            found = _read(repository, path)
            if found.packages or found.left_out:
                return found
    return Requirements()


def _read(repository: Repository, path: str) -> Requirements:
    name = PurePosixPath(path).name
    if name in TOML_LOCKS:
        beside = str(PurePosixPath(path).parent / "pyproject.toml")
        project = _text(repository, beside) if repository.find(beside) else None
        return locks.read_toml(_text(repository, path), path, project)
    if name == "Pipfile.lock":
        return locks.read_pipfile_lock(_text(repository, path), path)
    if name == "pyproject.toml":
        return locks.read_project(_text(repository, path), path)
    if name.endswith((".yml", ".yaml")):
        return _conda(_text(repository, path), path)
    return lines.read(repository, path)


def _text(repository: Repository, path: str) -> str:
    try:
        return repository.read_text(path, MAX_SIZE)
    except FileError as error:
        raise RequirementsError(str(error)) from error


def _conda(text: str, path: str) -> Requirements:
    """The pip part of a conda environment; conda's own packages are said to be left out."""
    try:
        documents = read_yaml(text.encode())
    except YamlError as error:
        raise RequirementsError(f"{path}:{error.line}: {error}") from error
    listed = documents[0].get("dependencies") if documents else None
    packages: list[Wanted] = []
    skipped: list[str] = []
    own = 0
    for each in listed.elements() if listed is not None else ():
        own += each.mapping is None and not (each.text or "").startswith(("python", "pip"))
        under_pip = each.get("pip")
        for line in under_pip.elements() if under_pip is not None else ():
            found = wanted(line.text or "")
            if found is None:
                skipped.append(left_out(f"{path}:{line.line}", line.text or ""))
            else:
                packages.append(found)
    if own:
        skipped.append(
            f"{path}: {own} conda packages were left out: only wheels are installed; list them "
            "under pip: or in requirements.txt."
        )
    return Requirements(path, tuple(packages), (), tuple(skipped))
