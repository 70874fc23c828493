"""Copies of example repositories with a git history of their own, dated as a test wants it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
WHO = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}


def git(root: Path, *arguments: str, date: str = "2024-01-01T00:00:00Z") -> str:
    """Runs git there, as nobody in particular, at that time."""
    dates = {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}
    who = ("-c", "user.name=nobody", "-c", "user.email=nobody@example.invalid")
    done = subprocess.run(
        ["git", *who, *arguments],
        cwd=root,
        env={**os.environ, **WHO, **dates},
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


def commit_all(root: Path) -> Path:
    """Makes a folder a repository with everything in it committed."""
    git(root, "init", "-q", "-b", "main")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "The repository")
    return root


def copy_of(name: str, target: Path, *later: str, date: str = "2024-07-01T00:00:00Z") -> Path:
    """An example as a repository; the paths `later` are committed later, at `date`."""
    ignore = shutil.ignore_patterns("__pycache__", ".pytest_cache")
    shutil.copytree(EXAMPLES / name, target, ignore=ignore)
    git(target, "init", "-q", "-b", "main")
    git(target, "add", "-A", "--", ".", *(f":!{path}" for path in later))
    git(target, "commit", "-q", "-m", "The repository")
    if later:
        git(target, "add", "--", *later)
        git(target, "commit", "-q", "-m", "The model", date=date)
    return target
