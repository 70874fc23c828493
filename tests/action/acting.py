"""Runs the Action as the runner does: the real entry point as a process, with an event's file."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from tests.action.checkouts import Checkout
from tests.action.runner_files import commands, parse_outputs
from tests.patience import patient

if TYPE_CHECKING:
    from tests.fakes.github import FakeGitHub

REPO = "acme/lending"
TOKEN = "ghs_token"
WORKFLOW = {"checks": "write", "pull_requests": "write", "contents": "read"}
READ_ONLY = {"contents": "read"}
EVENTS = Path(__file__).parent / "events"
ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "lending"


@functools.cache
def defaults() -> dict[str, str]:
    """The inputs as the runner hands them over where a workflow sets none but the token."""
    inputs = yaml.safe_load((ROOT / "action.yml").read_text())["inputs"]
    return {name: str(each["default"]) for name, each in inputs.items()} | {"token": TOKEN}


def flat(text: str | None) -> str:
    """The text without its line breaks: where a sentence is folded says nothing."""
    return " ".join((text or "").split())


@dataclass(frozen=True)
class Result:
    """What one run left behind."""

    code: int
    out: str
    err: str
    outputs: dict[str, str]
    summary: str

    def commands(self) -> list[str]:
        """Every workflow command in either stream, by the runner's rules."""
        return commands(self.out) + commands(self.err)


class Job:
    """A pull request of a repository, and the runner that judges it. `root` is the workspace."""

    def __init__(self, github: FakeGitHub, folder: Path) -> None:
        self.github = github
        self.folder = folder
        self.checkout = Checkout(folder / "workspace")
        self.root = self.checkout.root
        self.output = folder / "output"
        self.summary = folder / "summary"
        self.pushed = ""

    def start(self, files: dict[str, str] | None = None, *, example: bool = False) -> str:
        """The base branch: these files, or the lending example with them on top."""
        if example:
            shutil.copytree(EXAMPLE, self.root, dirs_exist_ok=True)
            own = (EXAMPLE / "holdpoint.yml").read_bytes()
            files = {"holdpoint.yml": patient(own).decode(), **(files or {})}
        base = self.checkout.commit({"README.md": "A model.\n", **(files or {})}, "base")
        self.github.add_repository(REPO)
        self.github.add_commit(REPO, base, branch="main")
        self.github.add_token(TOKEN, app="github-actions", permissions=WORKFLOW)
        self.checkout.git("checkout", "-q", "-b", "change")
        return base

    def push(self, files: dict[str, str]) -> str:
        """A commit on the pull request's branch, checked out; opens it with the first one."""
        self.pushed = self.checkout.commit(files, "a change")
        if 7 in self.github.repository(REPO).pulls:
            self.github.push(REPO, 7, self.pushed)
        else:
            self.github.open_pull(REPO, 7, head=self.pushed, base=self.checkout.base)
        return self.pushed

    def environment(self, event: str = "pull_request", **inputs: str) -> dict[str, str]:
        # A pull request's event is the same file, whichever of the two names it comes under.
        text = (EVENTS / f"{event.removesuffix('_target')}.json").read_text()
        path = self.folder / "event.json"
        text = text.replace("HEAD_SHA", self.pushed).replace("BASE_SHA", self.checkout.base)
        path.write_text(text)
        for file in (self.output, self.summary):
            file.write_text("")
        # One job that judges and publishes: the workflow has to say that it means that.
        given = {**defaults(), "allow-write-token": "true"}
        given |= {name.replace("_", "-"): value for name, value in inputs.items()}
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            "GITHUB_API_URL": self.github.url,
            "GITHUB_EVENT_NAME": event,
            "GITHUB_EVENT_PATH": str(path),
            "GITHUB_OUTPUT": str(self.output),
            "GITHUB_REPOSITORY": REPO,
            "GITHUB_RUN_ID": "4711",
            "GITHUB_SERVER_URL": self.github.url,
            "GITHUB_SHA": self.pushed,
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "GITHUB_WORKSPACE": str(self.root),
            **{f"INPUT_{name.upper()}": value for name, value in given.items()},
        }

    def process(self, event: str = "pull_request", **inputs: str) -> subprocess.Popen[str]:
        """The entry point, running in the checkout as in the image."""
        return subprocess.Popen(
            [sys.executable, "-I", "-m", "holdpoint", "action"],
            cwd=self.root,
            env=self.environment(event, **inputs),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, event: str = "pull_request", **inputs: str) -> Result:
        with self.process(event, **inputs) as process:
            try:
                out, err = process.communicate(timeout=240)
            finally:
                process.kill()
        return Result(
            process.returncode, out, err, parse_outputs(self.output), self.summary.read_text()
        )
