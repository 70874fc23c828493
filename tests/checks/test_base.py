"""The base that a change is judged against, from real git repositories: its files, rows and model.

What a change says about itself improves nothing; that is tried here on the command line and, in
`tests/action`, on the Action.
"""

from __future__ import annotations

import json
import os
import pickle
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from checks.base import extract, lfs, objects
from checks.base.objects import Base, BaseFile
from checks.errors import CannotJudgeError, ConfigError
from checks.evidence import git
from checks.evidence.repository import digest, scan
from tests.action.checkouts import Checkout
from tests.checks.conftest import LENDING, finding_of, judge, verdict_of
from tests.checks.test_cli import holdpoint
from tests.checks.test_model_runs import INPUTS, SIGNAL, repository
from tests.patience import patient

if TYPE_CHECKING:
    from checks.report import Report

TARGET = np.where(SIGNAL > 0, "p", "n")
GOOD = LogisticRegression().fit(INPUTS, TARGET)
BAD = LogisticRegression().fit(INPUTS[["c", "b", "a"]].set_axis(INPUTS.columns, axis=1), TARGET)
POINTER = "version https://git-lfs.github.com/spec/v1\noid {}\nsize {}\n"


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path / "work")


def start(checkout: Checkout, model: object = GOOD) -> str:
    """The base: a model, its rows, a configuration; a branch for the change is checked out."""
    repository(checkout.root, model, TARGET)
    base = checkout.commit({}, "base")
    checkout.git("checkout", "-q", "-b", "change")
    return base


def performance(checkout: Checkout) -> Report:
    return judge(checkout.root, "model_performance", base="main")


# Its files


def test_every_file_as_it_was_and_no_link(checkout: Checkout, tmp_path: Path) -> None:
    files = {"a.txt": "one", "models/b c.txt": "two\n" * 9999, "models/ü.txt": "", ".venv/x": "no"}
    base = checkout.commit(files, "base")
    (checkout.root / "link").symlink_to("/etc/passwd")
    checkout.commit({"a.txt": "changed"}, "a link, and a later change")
    found = objects.find(checkout.root, "main~1")
    assert found.commit == base
    root = extract.extract(found, tmp_path / "tree")
    assert [file.path for file in scan(root).files] == ["a.txt", "models/b c.txt", "models/ü.txt"]
    assert (root / "a.txt").read_text() == "one"
    assert (root / "models/b c.txt").read_text() == "two\n" * 9999
    later = extract.extract(objects.find(checkout.root, "main"), tmp_path / "later")
    assert not (later / "link").is_symlink()


def test_a_part_of_a_repository_with_its_history(checkout: Checkout, tmp_path: Path) -> None:
    checkout.commit({"models/fraud/card.md": "1", "top.txt": "x"}, "first")
    checkout.commit({"models/fraud/model.bin": "1"}, "second")
    here = checkout.root / "models" / "fraud"
    base = objects.find(here, "main")
    assert base.folder == "models/fraud/"
    assert base.file("card.md") == BaseFile(b"1")
    assert base.file("../../top.txt") == BaseFile(None)
    root = extract.extract(base, tmp_path / "tree")
    assert [file.path for file in scan(root).files] == ["card.md", "model.bin"]
    assert git.head_commit(root) == checkout.head()
    assert git.committed_at(root, "card.md") == git.committed_at(here, "card.md") is not None


def test_no_filter_hook_or_program_of_the_checkout_runs(checkout: Checkout, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    checkout.commit({".gitattributes": "* filter=evil\n", "a.txt": "x"}, "base")
    for key in ("filter.evil.smudge", "filter.evil.clean", "core.fsmonitor", "core.pager"):
        checkout.git("config", key, f"sh -c 'touch {canary}; cat'")
    root = extract.extract(objects.find(checkout.root, "main"), tmp_path / "tree")
    assert (root / "a.txt").read_text() == "x"
    assert not canary.exists()
    # The positive control: a checkout would have run the filter.
    (checkout.root / "a.txt").unlink()
    checkout.git("checkout", "-q", "--", "a.txt")
    assert canary.exists()


def test_too_much_is_not_taken_out(
    checkout: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout.commit({f"{n}.txt": "x" for n in range(5)}, "base")
    monkeypatch.setattr(extract, "MAX_FILES", 4)  # a bound, instead of 20,000 files
    with pytest.raises(extract.TreeError, match="has 5 files, more than the 4 files"):
        extract.extract(objects.find(checkout.root, "main"), tmp_path / "tree")


@pytest.mark.parametrize("ref", ["nothing", "--help", "", "a\0b", "main:m.pkl"])
def test_a_base_that_is_not_there_says_what_to_do(checkout: Checkout, ref: str) -> None:
    checkout.commit({}, "base")
    with pytest.raises(CannotJudgeError, match=r"there is no commit .*`git fetch origin"):
        objects.find(checkout.root, ref)


def test_a_folder_without_git_has_no_base(tmp_path: Path) -> None:
    with pytest.raises(CannotJudgeError, match="is no git checkout"):
        objects.find(tmp_path, "main")


# Its model


def test_paired_differences_of_both_models_on_the_same_rows(checkout: Checkout) -> None:
    start(checkout)
    (checkout.root / "m.pkl").write_bytes(pickle.dumps(BAD))
    report = performance(checkout)
    change = next(f for f in report.verdicts[0].figures if f.name == "accuracy_change")
    expected = (BAD.predict(INPUTS) == TARGET).mean() - (GOOD.predict(INPUTS) == TARGET).mean()
    assert change.value == pytest.approx(expected)
    assert change.low is not None
    assert change.low < change.value
    assert finding_of(report, "model_performance.change.accuracy").severity.value == "major"
    assert report.base is not None
    assert report.base.models[0].digest == digest(pickle.dumps(GOOD))
    assert report.base.checks[0].score == 1.0
    assert report.base.overall_score is None, "only one check was asked for"


def test_the_same_model_is_not_run_twice(checkout: Checkout) -> None:
    start(checkout)
    report = performance(checkout)
    assert report.base is not None
    assert report.base.checks[0].score == verdict_of(report, "model_performance").score
    assert not any(f.name.endswith("_change") for f in report.verdicts[0].figures)


def test_a_model_that_moved_is_compared_with_where_it_was(checkout: Checkout) -> None:
    start(checkout)
    checkout.git("mv", "m.pkl", "new.pkl")
    (checkout.root / "new.pkl").write_bytes(pickle.dumps(BAD))
    config = (checkout.root / "holdpoint.yml").read_text().replace("m.pkl", "new.pkl")
    checkout.commit({"holdpoint.yml": config}, "moved")
    report = performance(checkout)
    assert report.base is not None
    assert [model.path for model in (*report.models, *report.base.models)] == ["new.pkl", "m.pkl"]
    assert "model.path: m.pkl becomes new.pkl" in report.base.changes


def test_a_new_model_is_said_to_be_new(checkout: Checkout) -> None:
    checkout.commit({"README.md": "soon"}, "base")
    checkout.git("checkout", "-q", "-b", "change")
    repository(checkout.root, GOOD, TARGET)
    report = performance(checkout)
    assert report.verdicts[0].score == 1.0
    assert report.base is not None
    assert (report.base.models, report.base.checks) == ((), ())
    assert report.base.why == ("main has no model: this one is new.",)


@pytest.mark.parametrize("stored", [False, True])
def test_an_lfs_pointer_is_named_or_resolved(checkout: Checkout, stored: bool) -> None:
    payload = pickle.dumps(GOOD)
    name = digest(payload)
    start(checkout)
    checkout.git("checkout", "-q", "main")
    checkout.commit({"m.pkl": POINTER.format(name, len(payload))}, "the model in LFS")
    checkout.git("checkout", "-q", "change")
    (checkout.root / "m.pkl").write_bytes(pickle.dumps(BAD))
    if stored:
        kept = checkout.root / ".git/lfs/objects" / name[7:9] / name[9:11] / name[7:]
        kept.parent.mkdir(parents=True)
        kept.write_bytes(payload)
    report = performance(checkout)
    assert report.base is not None
    if stored:
        assert report.base.models[0].digest == name
        assert any(f.name == "accuracy_change" for f in report.verdicts[0].figures)
    else:
        assert report.base.models == ()
        assert "m.pkl of main is a Git LFS pointer whose content is not here" in report.base.why[0]


def test_a_store_that_holds_something_else_is_not_believed(checkout: Checkout) -> None:
    start(checkout)
    name = digest(b"the model")
    kept = checkout.root / ".git/lfs/objects" / name[7:9] / name[9:11] / name[7:]
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"another")
    base = objects.find(checkout.root, "main")
    assert lfs.pointed_at(POINTER.format(name, 9).encode()) == name
    assert lfs.content(base, name, 1000) is None
    kept.write_bytes(b"the model")
    assert lfs.content(base, name, 1000) == b"the model"
    assert lfs.content(base, name, 8) is None


# Its rows


def test_rows_that_flatter_count_from_the_merge_on(checkout: Checkout) -> None:
    start(checkout)
    (checkout.root / "m.pkl").write_bytes(pickle.dumps(BAD))
    honest = performance(checkout)
    INPUTS.assign(y=BAD.predict(INPUTS)).to_csv(checkout.root / "e.csv", index=False)
    flattered = judge(checkout.root, "model_performance")
    assert flattered.verdicts[0].score == 1.0, "the positive control: its own rows would do"
    report = performance(checkout)
    assert report.verdicts[0].score == honest.verdicts[0].score
    assert report.data_digest == honest.data_digest != flattered.data_digest
    assert report.base is not None
    assert "This change changes e.csv; both models were judged on the rows" in str(report.base)


def test_rows_that_were_deleted_are_still_the_bases(checkout: Checkout) -> None:
    start(checkout)
    (checkout.root / "e.csv").unlink()
    report = performance(checkout)
    assert report.verdicts[0].score == 1.0
    assert "This change deletes e.csv" in str(report.base)


def test_rows_in_lfs_that_cannot_be_had_fail_closed(checkout: Checkout) -> None:
    start(checkout)
    rows = (checkout.root / "e.csv").read_bytes()
    checkout.git("checkout", "-q", "main")
    checkout.commit({"e.csv": POINTER.format(digest(rows), len(rows))}, "the rows in LFS")
    checkout.git("checkout", "-q", "change")
    assert performance(checkout).verdicts[0].score == 1.0, "the pointer names the very same rows"
    INPUTS.assign(y=GOOD.predict(INPUTS)).to_csv(checkout.root / "e.csv", index=False)
    report = performance(checkout)
    assert report.verdicts[0].score is None
    assert report.verdicts[0].critical
    assert "must not be judged on rows of its own" in report.critical_issues[0]


def test_rows_that_the_base_never_had_are_the_changes_own(checkout: Checkout) -> None:
    start(checkout)
    checkout.git("checkout", "-q", "main")
    checkout.git("rm", "-q", "--cached", "e.csv")
    checkout.commit({".gitignore": "e.csv\n"}, "rows are kept elsewhere")
    checkout.git("checkout", "-q", "-b", "other")
    report = performance(checkout)
    assert report.verdicts[0].score == 1.0
    assert report.base is not None
    assert report.base.changes == ("main holds no e.csv, so this change's own rows judge it.",)


# On the command line


@pytest.fixture(scope="module")
def lending_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The lending example as a repository with a branch for a change checked out."""
    checkout = Checkout(tmp_path_factory.mktemp("base") / "lending")
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(LENDING, checkout.root, dirs_exist_ok=True, ignore=ignore)
    own = patient((LENDING / "holdpoint.yml").read_bytes()).decode()
    checkout.commit({"holdpoint.yml": own}, "base")
    checkout.git("checkout", "-q", "-b", "change")
    return checkout.root


def compared(root: Path, *arguments: str) -> tuple[int, dict[str, object]]:
    done = holdpoint(root, "--base", "main", "--only", "deployment", "--format=json", *arguments)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


TRICKS = {
    "tolerance": "checks:\n  deployment: {passed_at: 0.0, critical_below: 0.0}\n",
    "waiver": "waivers:\n  - {rule: deployment.strategy, reason: r, owner: o, "
    "expires: 2999-01-01}\nchecks:\n",
    "declaration": "declarations:\n  deployment.container: {says: it is}\nchecks:\n",
}


@pytest.mark.parametrize("trick", TRICKS)
def test_a_change_cannot_grade_itself(lending_base: Path, tmp_path: Path, trick: str) -> None:
    root = tmp_path / "change"
    shutil.copytree(lending_base, root)
    shutil.rmtree(root / "k8s")
    (root / "Dockerfile").unlink()
    code, honest = compared(root)
    before = (root / "holdpoint.yml").read_text()
    (root / "holdpoint.yml").write_text(before.replace("checks:\n", TRICKS[trick], 1))
    judged_by_itself = holdpoint(root, "--only", "deployment", "--format=json")
    gamed = json.loads(judged_by_itself.stdout)
    assert gamed["checks"][0] != honest["checks"][0], "the positive control"  # type: ignore[index] # JSON
    tricked_code, tricked = compared(root)
    assert tricked_code == code == 1
    for key in ("overall_score", "critical_issues", "is_ready"):
        assert tricked[key] == honest[key]
    assert tricked["base"]["changes"], "and it is shown"  # type: ignore[index] # JSON


def test_deleting_manifests_is_worse_and_shown_first(lending_base: Path, tmp_path: Path) -> None:
    root = tmp_path / "change"
    shutil.copytree(lending_base, root)
    shutil.rmtree(root / "k8s")
    done = holdpoint(root, "--base=main", "--only=security", "--only=deployment", "--only=testing")
    assert done.returncode == 1
    positions = [done.stdout.index(name) for name in ("  deployment  ", "  testing  ")]
    assert positions == sorted(positions)
    assert "▼ -0." in done.stdout


def test_a_named_configuration_of_the_tree_is_the_bases(lending_base: Path, tmp_path: Path) -> None:
    root = tmp_path / "change"
    shutil.copytree(lending_base, root)
    (root / "holdpoint.yml").write_text("checks: {deployment: {passed_at: 0.123}}\n")
    _, report = compared(root, "--config", str(root / "holdpoint.yml"))
    assert any("0.123" in str(change) for change in report["base"]["changes"])  # type: ignore[index] # JSON
    outside = tmp_path / "ours.yml"
    outside.write_text("model: {path: model/model.joblib}\n")
    _, report = compared(root, "--config", str(outside))
    assert report["base"]["changes"] == []  # type: ignore[index] # JSON


def test_a_configuration_that_would_break_the_base_is_an_error(checkout: Checkout) -> None:
    start(checkout)
    (checkout.root / "holdpoint.yml").write_text("modle: {}\n")
    with pytest.raises(ConfigError, match="did you mean 'model'"):
        performance(checkout)


def test_a_missing_base_is_2_and_one_sentence(lending_base: Path) -> None:
    done = holdpoint(lending_base, "--base", "nowhere")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("holdpoint: there is no commit 'nowhere' in this checkout; fetch")
    assert len(done.stderr.splitlines()) == 1


def test_a_checkout_without_the_bases_objects(checkout: Checkout, tmp_path: Path) -> None:
    base = start(checkout)
    checkout.commit({"a.txt": "x"}, "a change")
    shallow = tmp_path / "shallow"
    url = checkout.root.as_uri()
    subprocess.run(
        ["git", "clone", "-q", "--depth=1", url, str(shallow)], check=True, env={**os.environ}
    )
    found = Base(shallow, base, "main")
    assert found.files() is None
    assert found.file("m.pkl") is None
