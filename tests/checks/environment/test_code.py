"""Code of the repository: found where training found it, standing in for nothing of ours."""

from __future__ import annotations

import stat
import tempfile
from pathlib import Path

import pytest

from checks.environment import code as code_module
from checks.environment.code import import_roots, snapshot
from checks.evidence.repository import scan
from checks.sandbox import Code, ModelSession
from tests.checks.conftest import judge, verdict_of
from tests.checks.environment.repositories import OWN, SAVE, THRESHOLD, run, thresholds
from tests.checks.sandbox.environments import public_environment, require_real_root
from tests.checks.sandbox.payloads import table
from tests.checks.trees import write

TOUCH = "import pathlib; pathlib.Path({0!r}).write_text('here')\n"
IMPORTED = """\
import pickle
class Named:
    def __reduce__(self):
        import importlib
        return importlib.import_module, ({module!r},)
pickle.dump(Named(), open("m.pkl", "wb"))
"""


def accuracy(root: Path) -> float:
    """What the performance check measured."""
    verdict = verdict_of(judge(root, "model_performance"), "model_performance")
    assert verdict.score is not None, verdict.message
    return {figure.name: figure.value for figure in verdict.figures}["accuracy"]


@pytest.mark.parametrize(
    ("module", "path", "source"),
    [
        ("pricing", "pricing.py", ""),
        ("pricing.rules", "pricing/rules.py", ""),  # a package without __init__.py
        ("pricing.rules", "src/pricing/rules.py", "src"),
        ("helper", "training/helper.py", "training"),  # beside the script that was run
    ],
)
def test_a_class_of_the_repository_is_judged(
    module: str, path: str, source: str, tmp_path: Path
) -> None:
    assert accuracy(thresholds(tmp_path / "r", module, path, source)) == 1.0


def test_of_two_models_each_finds_its_own_modules() -> None:
    paths = ["a/features.py", "b/features.py", "b/src/deep/__init__.py", "train.py"]
    assert import_roots(paths, "b/artifacts/m.pkl") == ("b", "b/src", "", "a")
    assert import_roots(paths, "a/m.pkl") == ("a", "", "b", "b/src")
    assert import_roots(["pkg/__init__.py", "pkg/x.py"], "m.pkl") == ("",)


def test_another_uid_reads_the_code_too(tmp_path: Path) -> None:
    require_real_root()
    root = thresholds(tmp_path / "r", "pricing", "pricing.py")
    with (
        public_environment() as interpreter,
        snapshot(scan(root), "m.pkl") as copied,
        ModelSession(interpreter, only=frozenset({"uid"}), code=copied.code) as session,
    ):
        assert session.layers.uid
        session.load((root / "m.pkl").read_bytes(), "pickle")


def test_no_module_of_the_repository_stands_in_for_an_installed_one(tmp_path: Path) -> None:
    """With a hostile numpy, sklearn, json and checks, and with a package that hides a namespace."""
    root = thresholds(tmp_path / "r", "pricing", "pricing.py")
    canary = tmp_path / "canary"
    hostile = TOUCH.format(str(canary)) + "raise SystemExit('hostile')\n"
    names = ("numpy.py", "pandas/__init__.py", "sklearn/__init__.py", "json.py", "joblib.py")
    write(root, dict.fromkeys((*names, "checks/__init__.py", "src/numpy.py"), hostile))
    assert accuracy(root) == 1.0
    assert not canary.exists()
    assert run(OWN, TOUCH.format(str(canary)), root) == ""
    assert canary.exists(), "the positive control had no effect"


def test_an_installed_namespace_package_is_not_hidden_either(tmp_path: Path) -> None:
    require_real_root()
    write(tmp_path / "r", {"shared/__init__.py": "raise SystemExit('hostile')\n"})
    with public_environment() as interpreter, snapshot(scan(tmp_path / "r"), "m.pkl") as copied:
        packages = next(interpreter.parent.parent.glob("lib/python3*/site-packages"))
        write(packages, {"shared/part.py": THRESHOLD})
        write(tmp_path / "w", {"x.py": ""})
        run(OWN, SAVE.format(module="shared.part"), tmp_path / "w", packages)
        with ModelSession(interpreter, code=copied.code) as session:
            session.load((tmp_path / "w" / "m.pkl").read_bytes(), "pickle")


def test_what_a_module_does_when_imported_is_confined(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    root = thresholds(tmp_path / "r", "pricing", "pricing.py")
    quiet = f"try:\n    {TOUCH.format(str(canary))}except OSError:\n    pass\n"
    (root / "pricing.py").write_text(quiet + THRESHOLD)
    assert accuracy(root) == 1.0
    assert not canary.exists()
    run(OWN, "import pickle; pickle.load(open('m.pkl', 'rb'))", root, root)
    assert canary.exists(), "the positive control had no effect"


def test_the_copy_holds_regular_python_files_only_and_is_removed(tmp_path: Path) -> None:
    secret = tmp_path / "secret.py"
    secret.write_text("password = 1\n")
    root = write(tmp_path / "r", {"a/b.py": "", ".env": "x", "data.csv": "", "venv/c.py": ""})
    (root / "link.py").symlink_to(secret)
    (root / "folder").symlink_to(tmp_path)
    (root / "large.py").write_bytes(b"#" * (code_module.MAX_SIZE + 1))
    with snapshot(scan(root), "m.pkl") as copied:
        folder = copied.code.folder
        kept = [path for path in folder.rglob("*") if path.is_file()]
        assert [str(path.relative_to(folder)) for path in kept] == ["a/b.py"]
        assert stat.S_IMODE(kept[0].stat().st_mode) == 0o444
        assert root not in folder.parents
        assert copied.notes == ("1 large or surplus Python files were not given to the model.",)
    assert not folder.exists()


def test_a_run_leaves_no_copy_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = thresholds(tmp_path / "r", "pricing", "pricing.py")
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "scratch"))
    assert accuracy(root) == 1.0
    assert list((tmp_path / "scratch").iterdir()) == []


def test_a_module_that_is_missing_is_named_with_what_to_do(tmp_path: Path) -> None:
    root = thresholds(tmp_path / "r", "pricing", "pricing.py")
    (root / "pricing.py").unlink()
    fix = judge(root, "model_performance").recommendations[0]
    assert "needs the module 'pricing', which is neither installed nor in this repository" in fix
    assert "add pricing to requirements.txt" in fix


def test_a_package_is_named_as_it_is_installed(tmp_path: Path) -> None:
    root = thresholds(tmp_path / "r", "pricing", "pricing.py")
    run(OWN, IMPORTED.format(module="imblearn.pipeline"), root)
    fix = judge(root, "model_performance").recommendations[0]
    assert "'imblearn'" in fix
    assert "add imbalanced-learn to requirements.txt" in fix


def test_a_class_of_the_script_itself_says_to_move_it(tmp_path: Path) -> None:
    root = thresholds(tmp_path / "r", "pricing", "pricing.py")
    run(OWN, THRESHOLD + SAVE.replace("from {module} import Threshold\n", ""), root)
    fix = judge(root, "model_performance").recommendations[0]
    assert "Threshold, which was defined in the script that saved it: move it" in fix


def test_a_session_may_be_given_a_folder_of_modules(tmp_path: Path) -> None:
    root = thresholds(tmp_path / "r", "pricing", "pricing.py")
    with ModelSession(OWN, code=Code.at(root)) as session:
        session.load((root / "m.pkl").read_bytes(), "pickle")
        assert list(session.predict(table(2)).values) == ["n", "p"]
