"""Requirements that an image is built from and that fix no version."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.evidence import unpinned
from checks.evidence.repository import scan
from tests.checks.trees import write

if TYPE_CHECKING:
    from pathlib import Path

FROM = "FROM python:3.11\n"


@pytest.mark.parametrize(
    ("requirements", "loose"),
    [
        ("flask\n", ["flask"]),
        ("flask>=2\npandas==2.2.0\nnumpy~=1.26\n", ["flask", "numpy"]),
        ("flask==3.0.0\npandas[parquet] == 2.2.0  # exactly\n", []),
        ("# flask\n-r other.txt\n--hash=sha256:0\n\n", []),
        ("tool @ https://example.invalid/tool.whl\n", []),
        ('flask==3.0.0 ; python_version < "3.12"\ntomli; python_version < "3.11"\n', ["tomli"]),
    ],
)
def test_what_fixes_no_version(tmp_path: Path, requirements: str, loose: list[str]) -> None:
    docker = f"{FROM}RUN pip install --no-cache-dir -r requirements.txt\n"
    write(tmp_path, {"Dockerfile": docker, "requirements.txt": requirements})
    found = [name for each in unpinned.collect(scan(tmp_path)) for name in each.packages]
    assert found == loose


def test_only_what_the_image_installs_counts(tmp_path: Path) -> None:
    files = {"requirements.txt": "flask\n", "requirements-dev.txt": "pytest\n"}
    write(tmp_path, {**files, "Dockerfile": f"{FROM}RUN pip install flask==3.0.0\n"})
    assert unpinned.collect(scan(tmp_path)) == ()


def test_the_file_is_found_where_the_image_is_built(tmp_path: Path) -> None:
    docker = (
        f"{FROM}COPY a/requirements.txt /tmp/\nRUN pip install -r /tmp/requirements.txt && true\n"
    )
    write(tmp_path, {"a/Dockerfile": docker, "a/requirements.txt": "six==1.0\nflask\n"})
    (found,) = unpinned.collect(scan(tmp_path))
    assert (found.dockerfile, found.where.path, found.where.line) == (
        "a/Dockerfile", "a/requirements.txt", 2,
    )  # fmt: skip


def test_two_images_of_one_file_say_it_once(tmp_path: Path) -> None:
    docker = f"{FROM}RUN pip install --requirement=requirements.txt\n"
    files = {"Dockerfile": docker, "Dockerfile.gpu": docker, "requirements.txt": "flask\n"}
    assert len(unpinned.collect(scan(write(tmp_path, files)))) == 1
