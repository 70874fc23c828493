"""The repository is read within its root: no links, no devices, no more than the bounds."""

from __future__ import annotations

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from checks.evidence import git, syntax
from checks.evidence.repository import FileError, read_regular, scan

if TYPE_CHECKING:
    from pathlib import Path


def test_lists_files_and_leaves_out_what_is_not_the_authors(tmp_path: Path) -> None:
    for path in ("a.py", "k8s/x.yaml", ".github/workflows/ci.yml", ".git/config", ".venv/lib/b.py"):
        target = tmp_path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text("x")
    (tmp_path / "link.py").symlink_to(tmp_path / "a.py")
    (tmp_path / "out").symlink_to("/etc")
    os.mkfifo(tmp_path / "pipe")
    found = [file.path for file in scan(tmp_path).files]
    assert found == [".github/workflows/ci.yml", "a.py", "k8s/x.yaml"]


def test_a_loop_of_links_ends(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path)
    assert scan(tmp_path).files == ()


def test_too_many_files_are_said(tmp_path: Path) -> None:
    for number in range(5):
        (tmp_path / f"{number}").write_text("")
    found = scan(tmp_path, limit=3)
    assert len(found.files) == 3
    assert "first 3 files" in found.notes[0]


@pytest.mark.parametrize(
    "path",
    ["../secret", "/etc/passwd", "a/../../secret", "", "out/secret", "link", "sub/link", "."],
)
def test_nothing_outside_the_root_is_read(tmp_path: Path, path: str) -> None:
    (tmp_path / "secret").write_text("secret")
    root = tmp_path / "root"
    (root / "sub").mkdir(parents=True)
    (root / "a").mkdir()
    (root / "out").symlink_to(tmp_path)
    (root / "link").symlink_to(tmp_path / "secret")
    (root / "sub" / "link").symlink_to("../../secret")
    with pytest.raises(FileError):
        read_regular(root, path, 100)


def test_a_pipe_does_not_hang_and_a_large_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FileError, match="not a regular file"):
        read_regular(tmp_path, "pipe", 100)
    (tmp_path / "large").write_bytes(b"x" * 101)
    with pytest.raises(FileError, match="101 bytes, at most 100"):
        read_regular(tmp_path, "large", 100)
    assert read_regular(tmp_path, "large", 101) == b"x" * 101


def make_repository(root: Path) -> str:
    """A commit with one file, without any configuration of this machine."""
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    commands = [["init", "-q"], ["add", "."], [*identity, "commit", "-q", "-m", "one"]]
    for command in commands:
        subprocess.run(["git", *command], cwd=root, check=True, env=git.environment())
    done = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=root, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def test_the_commit_and_whether_a_file_is_in_it(tmp_path: Path) -> None:
    assert git.head_commit(tmp_path) is None
    (tmp_path / "model").write_bytes(b"\x00bytes\r\n")
    commit = make_repository(tmp_path)
    assert git.head_commit(tmp_path) == commit
    assert git.is_committed(tmp_path, "model", b"\x00bytes\r\n")
    assert not git.is_committed(tmp_path, "model", b"other")
    assert not git.is_committed(tmp_path, "absent", b"")


def test_a_checkouts_own_configuration_starts_nothing(tmp_path: Path) -> None:
    root, canary = tmp_path / "root", tmp_path / "canary"
    root.mkdir()
    (root / "model").write_bytes(b"x")
    make_repository(root)
    script = tmp_path / "evil.sh"
    script.write_text(f"#!/bin/sh\ntouch {canary}\n")
    script.chmod(0o755)
    hooks = root / ".git" / "hooks"
    for name in ("post-index-change", "reference-transaction", "fsmonitor-watchman"):
        (hooks / name).write_text(script.read_text())
        (hooks / name).chmod(0o755)
    with (root / ".git" / "config").open("a") as file:
        file.write(f"[core]\n fsmonitor = {script}\n hooksPath = {hooks}\n sshCommand = {script}\n")
        file.write(f' pager = {script}\n[filter "x"]\n clean = {script}\n smudge = {script}\n')
        file.write(f"[diff]\n external = {script}\n")
    (root / ".gitattributes").write_text("* filter=x diff=x\n")
    assert git.head_commit(root) is not None
    assert git.is_committed(root, "model", b"x")
    assert not canary.exists()
    # The positive control: git itself, asked plainly, starts the script.
    subprocess.run(["git", "status"], cwd=root, check=False, capture_output=True)
    assert canary.exists()


def test_files_are_parsed_by_several_threads_at_once() -> None:
    source = "\n".join(
        f"def f{n}(x): return [x for x in (x, {{'a': (1, (2, (3,)))}})]" for n in range(500)
    )
    with ThreadPoolExecutor(4) as pool:
        trees = list(pool.map(lambda _: syntax.parse(source), range(24)))
    assert {len(tree.body) for tree in trees} == {500}


@pytest.mark.parametrize("source", ["(" * 3000, "\0", "def", b"\xff\xfe\xff"])
def test_what_is_no_python_is_one_kind_of_error(source: str | bytes) -> None:
    with pytest.raises(SyntaxError):
        syntax.parse(source)
