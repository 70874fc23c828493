"""The checkout against real git repositories: the right commit, and the base's files."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path, PurePosixPath

import pytest

from checks.action_checkout import inside, require_commit
from checks.base.objects import BaseFile, base_file
from checks.errors import CannotJudgeError
from tests.action.checkouts import Checkout


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    made = Checkout(tmp_path / "workspace")
    made.commit({"holdpoint.yml": "version: 1\n", "a.txt": "base"}, "base")
    return made


def test_the_commit_of_the_event_is_accepted(checkout: Checkout) -> None:
    assert require_commit(checkout.root, checkout.head()) == checkout.head()


def test_githubs_merge_of_it_is_accepted_in_a_shallow_clone(
    checkout: Checkout, tmp_path: Path
) -> None:
    head = checkout.branch("change", {"b.txt": "new"})
    merge = checkout.merge("main", "change")
    shallow = tmp_path / "shallow"
    url = checkout.root.as_uri()
    subprocess.run(["git", "clone", "-q", "--depth=1", url, str(shallow)], check=True)
    assert require_commit(shallow, head) == merge
    assert base_file(shallow, checkout.base, "holdpoint.yml") is None  # its objects are not there


def test_a8_any_other_commit_is_refused(checkout: Checkout) -> None:
    head = checkout.branch("change", {"b.txt": "new"})
    later = checkout.commit({"b.txt": "newer"}, "a commit on top")
    with pytest.raises(CannotJudgeError, match=f"{later[:12]}.*{head[:12]}"):
        require_commit(checkout.root, head)


def test_a_merge_into_the_head_is_refused(checkout: Checkout) -> None:
    head = checkout.branch("change", {"b.txt": "new"})
    checkout.git("checkout", "-q", "main")
    checkout.commit({"c.txt": "main goes on"}, "main")
    checkout.merge("change", "main")  # the head is the first parent: a later push, not GitHub's
    with pytest.raises(CannotJudgeError):
        require_commit(checkout.root, head)


def test_no_checkout_says_so(tmp_path: Path) -> None:
    with pytest.raises(CannotJudgeError, match="actions/checkout"):
        require_commit(tmp_path, "b" * 40)


def test_a_file_of_the_base_is_read_from_its_objects(checkout: Checkout) -> None:
    base = checkout.head()
    checkout.branch("change", {"holdpoint.yml": "version: 2\n"})
    assert base_file(checkout.root, base, "holdpoint.yml") == BaseFile(b"version: 1\n")
    assert base_file(checkout.root, base, "missing.yml") == BaseFile(None)
    assert base_file(checkout.root, "f" * 40, "holdpoint.yml") is None


def test_a_link_of_the_base_is_not_followed(checkout: Checkout) -> None:
    (checkout.root / "link.yml").symlink_to("/etc/passwd")
    base = checkout.commit({}, "a link")
    assert base_file(checkout.root, base, "link.yml") == BaseFile(None)


def test_a_link_leads_the_judge_nowhere(checkout: Checkout, tmp_path: Path) -> None:
    (checkout.root / "models" / "fraud").mkdir(parents=True)
    (checkout.root / "models" / "link").symlink_to(tmp_path)
    (checkout.root / "out").symlink_to("models")
    assert inside(checkout.root, PurePosixPath("models/fraud")).name == "fraud"
    assert inside(checkout.root, PurePosixPath()) == checkout.root
    for folder in ("models/link", "out", "out/fraud", "missing"):
        with pytest.raises(CannotJudgeError, match=f"names {folder}"):
            inside(checkout.root, PurePosixPath(folder))


def test_the_checkouts_own_git_configuration_starts_nothing(
    checkout: Checkout, tmp_path: Path
) -> None:
    proof = tmp_path / "proof"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {proof}\ncat\n")
    program.chmod(0o755)
    for key in ("core.fsmonitor", "core.pager", "filter.x.smudge", "diff.external"):
        checkout.git("config", key, str(program))
    hooks = checkout.root / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    for hook in ("post-checkout", "reference-transaction", "post-index-change"):
        (hooks / hook).write_text(f"#!/bin/sh\ntouch {proof}\n")
        (hooks / hook).chmod(0o755)
    (checkout.root / ".gitattributes").write_text("* filter=x\n")
    require_commit(checkout.root, checkout.head())
    base_file(checkout.root, checkout.head(), "holdpoint.yml")
    assert not proof.exists()
    # The positive control: a plain git command does start it.
    subprocess.run(["git", "status"], cwd=checkout.root, capture_output=True, check=False)
    assert proof.exists()
    assert os.access(program, os.X_OK)
