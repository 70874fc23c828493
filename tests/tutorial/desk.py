"""A GitHub on a desk, for the tutorial: a repository to push to, whose hook is GitHub and runner.

    python -m tests.tutorial.desk new FOLDER      # makes FOLDER/lending.git
    python -m tests.tutorial.desk comment FOLDER  # what the pull request's page says

Every push to it is told to the fake GitHub of the tests: `main` moves, another branch opens (or
moves) one pull request, and the workflow of the pushed commit runs: its `holdpoint` steps, with
their inputs and the job's permissions, as processes of the real entry point. The progress of the
run and what came of it are printed, so that git shows them to who pushed.
"""

from __future__ import annotations

import itertools
import json
import os
import pickle
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

from tests.action.acting import EVENTS, ROOT, defaults
from tests.fakes.github import FakeGitHub

REPO, NUMBER, TOKEN = "acme/lending", 7, "ghs_of_this_run"
HOOK = """#!/bin/sh
unset GIT_DIR GIT_QUARANTINE_PATH
cd {root} && exec {python} -u -m tests.tutorial.desk pushed {hub}
"""


def new(hub: Path) -> None:
    """The repository and an empty GitHub that requires the check on `main`."""
    bare = hub / "lending.git"
    git("init", "--quiet", "--bare", "--initial-branch=main", str(bare))
    hook = bare / "hooks" / "post-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(HOOK.format(root=ROOT, python=sys.executable, hub=hub))
    hook.chmod(0o755)
    github = FakeGitHub()
    github.add_repository(REPO)
    github.require_check(REPO, "holdpoint", app="github-actions")
    save(hub, github)
    print(f"{REPO} is at {bare}; its main branch requires the check holdpoint")


def pushed(hub: Path) -> None:
    """The hook: git says on standard input what moved."""
    for line in sys.stdin.read().splitlines():
        _, sha, ref = line.split()
        branch = ref.removeprefix("refs/heads/")
        with load(hub) as github:
            if branch == "main":
                github.add_commit(REPO, sha, branch="main")
                print("main moved")
            else:
                propose(hub, github, sha)
            save(hub, github)


def propose(hub: Path, github: FakeGitHub, sha: str) -> None:
    """Opens or moves the pull request, runs the workflow, and says what came of it."""
    repo = github.repository(REPO)
    if NUMBER in repo.pulls:
        github.push(REPO, NUMBER, sha)
        print(f"pull request {NUMBER} moved to {sha[:7]}")
    else:
        github.open_pull(REPO, NUMBER, head=sha, base=repo.branches["main"])
        print(f"opened pull request {NUMBER}")
    known = {each.id for each in github.comments(REPO, NUMBER)}
    with tempfile.TemporaryDirectory() as folder:
        runner(hub, github, sha, Path(folder))
    for run in github.check_runs(REPO, sha):
        print(f"check {run.name}: {run.conclusion} ({run.title})")
        for note in run.annotations:
            if note["annotation_level"] == "failure":
                print(f"  {note['path']}:{note['start_line']} {note['message'].splitlines()[0]}")
    for each in github.comments(REPO, NUMBER):
        print(f"{'edited' if each.id in known else 'new'} comment {each.id}")
    why = github.blockers(REPO, NUMBER)
    print(f"cannot be merged: {'; '.join(why)}" if why else "can be merged")


def comment(hub: Path) -> None:
    """The comments as Markdown, as they are now."""
    with load(hub) as github:
        for each in github.comments(REPO, NUMBER):
            print(each.body)


def runner(hub: Path, github: FakeGitHub, sha: str, folder: Path) -> None:
    """Runs the `holdpoint` steps of the workflow in a checkout of the commit."""
    workspace = folder / "workspace"
    git("clone", "--quiet", str(hub / "lending.git"), str(workspace))
    git("checkout", "--quiet", "--detach", sha, cwd=workspace)
    for path in sorted((workspace / ".github" / "workflows").glob("*.yml")):
        for job in yaml.safe_load(path.read_text())["jobs"].values():
            asked = job.get("permissions", {})
            held = {name.replace("-", "_"): level for name, level in asked.items()}
            github.add_token(TOKEN, app="github-actions", permissions=held)
            for step in job["steps"]:
                if step.get("uses", "").startswith("holdpoint/holdpoint@"):
                    act(github, sha, folder, step.get("with", {}))


def act(github: FakeGitHub, sha: str, folder: Path, given: dict[str, Any]) -> None:
    """One step: the entry point with an event's file, as the runner starts it."""
    text = (EVENTS / "pull_request.json").read_text().replace("HEAD_SHA", sha)
    base = github.repository(REPO).pulls[NUMBER].base
    (folder / "event.json").write_text(text.replace("BASE_SHA", base))
    for name in ("output", "summary"):
        (folder / name).touch()
    inputs = {**defaults(), "token": TOKEN, **{k: json_text(v) for k, v in given.items()}}
    subprocess.run(
        [sys.executable, "-I", "-m", "holdpoint", "action"],
        cwd=folder / "workspace",
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            "GITHUB_API_URL": github.url,
            "GITHUB_SERVER_URL": github.url,
            "GITHUB_EVENT_NAME": "pull_request",
            "GITHUB_EVENT_PATH": str(folder / "event.json"),
            "GITHUB_OUTPUT": str(folder / "output"),
            "GITHUB_STEP_SUMMARY": str(folder / "summary"),
            "GITHUB_WORKSPACE": str(folder / "workspace"),
            **{f"INPUT_{name.upper()}": value for name, value in inputs.items()},
        },
        stdout=subprocess.DEVNULL,
        check=False,  # its verdict is on the pull request
    )


def json_text(value: object) -> str:
    """A YAML scalar as the runner hands it over."""
    return value if isinstance(value, str) else json.dumps(value)


def load(hub: Path) -> FakeGitHub:
    """The GitHub as the last push left it."""
    github = FakeGitHub()
    kept = pickle.loads((hub / "github.state").read_bytes())
    vars(github.state).update(kept, ids=itertools.count(kept["ids"]))
    return github


def save(hub: Path, github: FakeGitHub) -> None:
    kept = {**vars(github.state), "ids": next(github.state.ids)}
    (hub / "github.state").write_bytes(pickle.dumps(kept))


def git(*arguments: str, cwd: Path | None = None) -> None:
    subprocess.run(["git", *arguments], cwd=cwd, check=True)


if __name__ == "__main__":
    {"new": new, "pushed": pushed, "comment": comment}[sys.argv[1]](Path(sys.argv[2]).resolve())
