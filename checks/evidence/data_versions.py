"""Which version of the data belongs to this commit: DVC, Git LFS, lakeFS, or a digest in the tree.

Used by the data_quality check. A digest counts when it is that of the data as they are; one that
stands beside the name of a data file and is another's is a defect, because it promises what is not
so. Text files only, within bounds.
"""

from __future__ import annotations

import re
from fnmatch import fnmatch
from typing import TYPE_CHECKING

from checks.evidence.release import Defect
from checks.evidence.repository import FileError
from checks.report import Evidence, Location, Severity, State

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from checks.evidence.repository import Repository

MAX_FILES = 500
MAX_BYTES = 256 << 10  # of one file that may hold a digest
TEXTS = (
    *("*SUMS", "*sums.txt", "*.sha256", "*.md", "*.txt", "*.yml", "*.yaml", "*.json", "*.toml"),
    *("*.lock", "*.py", "*.cfg", "*.csv.*", "*.parquet.*"),
)
DATA = re.compile(r"\.(?:csv|tsv|parquet|arrow|feather|ipc|jsonl?|ndjson|npz|npy)\b|(?:^|/)data\b")
_LAKE = re.compile(r"\blakefs://|^\s*(?:import|from)\s+lakefs\b|\blakectl\b", re.MULTILINE)
_DIGEST = re.compile(r"\b[0-9a-f]{64}\b")


def collect(repository: Repository, digests: Mapping[str, str]) -> tuple[Evidence, ...]:
    """Evidence in order of place. `digests` are those of the data files, by path."""
    return (*_dvc(repository), *_lfs(repository), *_texts(repository, digests))


def defects(repository: Repository, digests: Mapping[str, str]) -> Iterator[Defect]:
    """Digests beside a data file's name that are not that file's."""
    for path, line, text in _lines(repository):
        for name, digest in digests.items():
            written = _DIGEST.findall(text)
            said = text.split()[-1:] or [""]
            named = said[0].lstrip("*./") in {name, name.rpartition("/")[2]}
            if written and named and digest.removeprefix("sha256:") not in written:
                yield Defect(
                    "digest",
                    Severity.MAJOR,
                    f"the digest of {name} is another: the data changed after it was written",
                    Location(path, line),
                    f"{path}: write the digest anew, or bring back the data that it is of",
                )


def _dvc(repository: Repository) -> Iterator[Evidence]:
    for file in repository.matching("*.dvc", "dvc.yaml"):
        line = _line(repository, file.path, re.compile(r"^\s*-?\s*(?:outs|deps|stages)\s*:"))
        if line and not file.path.startswith(".dvc/"):
            yield _found("DVC", file.path, line)


def _lfs(repository: Repository) -> Iterator[Evidence]:
    data = [file.path for file in repository.files if DATA.search(file.path)]
    for file in repository.matching(".gitattributes"):
        folder = file.path.rpartition("/")[0]
        for number, line in enumerate(_read(repository, file.path).splitlines(), start=1):
            pattern, *attributes = line.split() or [""]
            if "filter=lfs" in attributes and _covers(pattern, folder, data):
                yield _found("Git LFS", file.path, number)


def _covers(pattern: str, folder: str, data: list[str]) -> bool:
    inside = [path.removeprefix(f"{folder}/") for path in data if path.startswith(folder)]
    plain = pattern.lstrip("/").replace("**", "*")
    return any(fnmatch(path, plain) or fnmatch(path.rpartition("/")[2], plain) for path in inside)


def _texts(repository: Repository, digests: Mapping[str, str]) -> Iterator[Evidence]:
    wanted = {digest.removeprefix("sha256:"): name for name, digest in digests.items()}
    for path, line, text in _lines(repository):
        for digest in _DIGEST.findall(text):
            if digest in wanted:
                yield _found(f"the SHA-256 of {wanted[digest]}", path, line)
        if _LAKE.search(text):
            yield _found("lakeFS", path, line)


def _lines(repository: Repository) -> Iterator[tuple[str, int, str]]:
    """The lines that may say something, of the files that may hold them."""
    for file in list(repository.matching(*TEXTS))[:MAX_FILES]:
        if file.size <= MAX_BYTES:
            for number, line in enumerate(_read(repository, file.path).splitlines(), start=1):
                short = line[:2000]
                if "lake" in short or _DIGEST.search(short):
                    yield file.path, number, short


def _line(repository: Repository, path: str, pattern: re.Pattern[str]) -> int | None:
    lines = _read(repository, path).splitlines()
    return next((n for n, line in enumerate(lines, start=1) if pattern.search(line)), None)


def _read(repository: Repository, path: str) -> str:
    try:
        return repository.read_text(path)
    except FileError:
        return ""


def _found(what: str, path: str, line: int) -> Evidence:
    return Evidence("found", State.FOUND, what, Location(path, line))
