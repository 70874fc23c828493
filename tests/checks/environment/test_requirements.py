"""What a repository asks for, from each kind of file: what is installed, kept to and left out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from checks import models
from checks.environment.code import import_roots
from checks.environment.decide import contents, differences, same
from checks.environment.find import find
from checks.environment.installed import Installed
from checks.environment.needs import Needs, needs
from checks.environment.wanted import Requirements, RequirementsError, Wanted
from checks.evidence.model_runs import ModelFile
from checks.evidence.repository import scan
from tests.checks.trees import write

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

DIGEST = "sha256:" + "a" * 64
UV_LOCK = """\
version = 1
[[package]]
name = "shop"
version = "0.1"
source = { virtual = "." }
dependencies = [
    { name = "scikit-learn" },
    { name = "xgboost", marker = "sys_platform == 'linux'", extra = ["pandas"] },
    { name = "ours" },
]
[package.dev-dependencies]
dev = [{ name = "pytest" }]
[[package]]
name = "scikit-learn"
version = "1.5.2"
source = { registry = "https://registry.example/simple" }
[[package]]
name = "xgboost"
version = "2.1.1"
source = { registry = "https://registry.example/simple" }
[[package]]
name = "pytest"
version = "8.0.0"
source = { registry = "https://registry.example/simple" }
[[package]]
name = "numpy"
version = "1.26.4"
source = { registry = "https://registry.example/simple" }
[[package]]
name = "numpy"
version = "2.0.0"
source = { registry = "https://registry.example/simple" }
[[package]]
name = "ours"
version = "1.0"
source = { git = "https://example.com/ours?rev=1" }
"""
POETRY_LOCK = """\
[[package]]
name = "scikit-learn"
version = "1.5.2"
groups = ["main"]
[[package]]
name = "pytest"
version = "8.0.0"
groups = ["dev"]
[[package]]
name = "ours"
version = "1.0"
[package.source]
type = "git"
url = "https://example.com/ours"
"""
POETRY = '[tool.poetry.dependencies]\npython = "^3.11"\nscikit-learn = "^1.4"\nours = {git = "x"}\n'
PIPFILE_LOCK = """\
{"default": {"scikit-learn": {"version": "==1.5.2", "hashes": []},
             "uvicorn": {"version": "==0.30", "extras": ["standard"], "markers": "os_name == 'x'"},
             "ours": {"git": "https://example.com/ours"}},
 "develop": {"pytest": {"version": "==8.0.0"}}}
"""
CONDA = """\
dependencies:
  - python=3.11
  - scikit-learn=1.5.2
  - pip
  - pip: [xgboost==2.1.1, "git+https://example.com/ours"]
"""


def found(root: Path, files: Mapping[str, str], model: str = "m.pkl", **more: str) -> Requirements:
    """What is found in a repository of these files."""
    return find(scan(write(root, files)), model, more.get("configured"))


def lines(asked: Requirements) -> list[str]:
    """The packages, as they would be installed."""
    return [each.as_text() for each in asked.packages]


def test_a_requirements_file(tmp_path: Path) -> None:
    text = f"""\
--index-url https://evil.example/simple
--extra-index-url=https://evil.example/simple
--find-links ./wheels
# a comment
Scikit_Learn[a]==1.5.2 ; python_version > "3"  # why
pandas==2.2.3 \\
    --hash={DIGEST} \\
    --hash={DIGEST}
-r more/others.txt
-c limits.txt
-e .
./local
git+https://example.com/ours.git#egg=ours
ours @ https://example.com/ours.whl
--require-hashes
"""
    files = {
        "requirements.txt": text,
        "more/others.txt": "six\n-r ../requirements.txt\n",
        "limits.txt": "numpy==1.26.4\n",
    }
    asked = found(tmp_path, files)
    assert lines(asked) == [
        'Scikit_Learn[a]==1.5.2; python_version > "3"',
        f"pandas==2.2.3 --hash={DIGEST} --hash={DIGEST}",
        "six",
    ]
    assert asked.pins() == {"scikit-learn": "1.5.2", "pandas": "2.2.3", "numpy": "1.26.4"}
    said = [sentence.split("`")[0] + sentence.split("`")[1] for sentence in asked.left_out]
    assert said == [
        "requirements.txt:1: --index-url https://evil.example/simple",
        "requirements.txt:2: --extra-index-url=https://evil.example/simple",
        "requirements.txt:3: --find-links ./wheels",
        "requirements.txt:11: -e .",
        "requirements.txt:12: ./local",
        "requirements.txt:13: git+https://example.com/ours.git#egg=ours",
        "requirements.txt:14: ours @ https://example.com/ours.whl",
    ]


def test_uv_lock(tmp_path: Path) -> None:
    asked = found(tmp_path, {"uv.lock": UV_LOCK, "requirements.txt": "six"})
    assert lines(asked) == ["scikit-learn", 'xgboost[pandas]; sys_platform == "linux"']
    assert asked.pins() == {"scikit-learn": "1.5.2", "xgboost": "2.1.1", "pytest": "8.0.0"}
    assert asked.left_out == (
        "uv.lock: `ours` was left out: it comes from another place than a registry.",
    )


def test_poetry_lock(tmp_path: Path) -> None:
    asked = found(tmp_path, {"poetry.lock": POETRY_LOCK, "pyproject.toml": POETRY})
    assert lines(asked) == ["scikit-learn<2,>=1.4"]
    assert asked.pins()["scikit-learn"] == "1.5.2"
    alone = found(tmp_path / "alone", {"poetry.lock": POETRY_LOCK})
    assert lines(alone) == ["scikit-learn==1.5.2"]


def test_pipfile_lock(tmp_path: Path) -> None:
    asked = found(tmp_path, {"Pipfile.lock": PIPFILE_LOCK})
    assert lines(asked) == ["scikit-learn==1.5.2", 'uvicorn[standard]==0.30; os_name == "x"']
    assert len(asked.left_out) == 1


def test_pyproject(tmp_path: Path) -> None:
    text = '[project]\nname = "x"\ndependencies = ["scikit-learn>=1.4", "ours @ file:///x"]\n'
    asked = found(tmp_path, {"pyproject.toml": text})
    assert lines(asked) == ["scikit-learn>=1.4"]
    assert "ours @ file:///x" in asked.left_out[0]
    both = found(tmp_path / "both", {"pyproject.toml": "[tool.x]\n", "environment.yml": CONDA})
    assert both.source == "environment.yml", "a pyproject.toml that asks for nothing counts nothing"


def test_poetrys_ways_to_write_a_range(tmp_path: Path) -> None:
    ranges = {"a": "^1.5", "b": "~1.5.2", "c": "1.5", "d": "*", "e": ">=1,<2", "f": "^0.4.1"}
    text = "[tool.poetry.dependencies]\n" + "".join(f'{n} = "{v}"\n' for n, v in ranges.items())
    asked = found(tmp_path, {"pyproject.toml": text})
    allowed = {each.name: each.requirement.specifier for each in asked.packages}
    assert [version in allowed["a"] for version in ("1.4", "1.9", "2.0")] == [False, True, False]
    assert [version in allowed["b"] for version in ("1.5.1", "1.5.9", "1.6")] == [
        False,
        True,
        False,
    ]
    assert [version in allowed["f"] for version in ("0.4.0", "0.4.9", "0.5")] == [
        False,
        True,
        False,
    ]
    assert asked.pins() == {"c": "1.5"}
    assert str(allowed["d"]) == ""
    assert "1.7" in allowed["e"]


def test_conda_is_said_to_be_left_out(tmp_path: Path) -> None:
    asked = found(tmp_path, {"environment.yml": CONDA})
    assert lines(asked) == ["xgboost==2.1.1"]
    assert len(asked.left_out) == 2
    assert "1 conda packages were left out" in asked.left_out[1]


def test_the_models_own_folder_comes_first(tmp_path: Path) -> None:
    files = {"requirements.txt": "six==1.0", "a/uv.lock": UV_LOCK, "b/requirements.txt": "six==2.0"}
    assert found(tmp_path, files, "b/models/m.pkl").source == "b/requirements.txt"
    assert found(tmp_path, files, "a/m.pkl").source == "a/uv.lock"
    assert found(tmp_path, files, "c/m.pkl").source == "requirements.txt"
    assert found(tmp_path, files, "c/m.pkl", configured="b/requirements.txt").pins() == {
        "six": "2.0"
    }


@pytest.mark.parametrize(
    ("files", "what"),
    [
        ({"uv.lock": "package = ["}, "uv.lock: not TOML"),
        ({"Pipfile.lock": "[]"}, "Pipfile.lock: not a lock file of pipenv"),
        ({"requirements.txt": "-r missing.txt"}, "missing.txt does not exist"),
        ({"requirements.txt": "-r ../../etc/passwd"}, "not a path below"),
        ({"requirements.txt": "six\n" * 3000}, "more than 2000 lines"),
        ({"environment.yml": "a: [b"}, "environment.yml:"),
    ],
)
def test_what_cannot_be_read_is_said(files: Mapping[str, str], what: str, tmp_path: Path) -> None:
    with pytest.raises(RequirementsError, match=what.replace(".", r"\.")):
        found(tmp_path, files)


def asked_for(*texts: str) -> Requirements:
    """Requirements of these lines."""
    return Requirements("requirements.txt", tuple(map(Wanted, texts)))


HERE = Installed({"scikit-learn": "1.9.1", "numpy": "2.4.6"}, frozenset({"sklearn", "numpy"}))
SKLEARN = frozenset({"sklearn", "numpy"})


@pytest.mark.parametrize(
    ("modules", "recorded", "asked", "why"),
    [
        (SKLEARN, {"scikit-learn": "1.9.1"}, [], ()),
        (SKLEARN, {"scikit-learn": "1.9.0"}, ["scikit-learn==1.9.2"], ()),
        (SKLEARN, {"scikit-learn": "1.5.2"}, [], ("scikit-learn 1.5.2",)),
        (SKLEARN, {}, ["scikit-learn==1.5.2"], ("scikit-learn 1.5.2",)),
        (SKLEARN, {"scikit-learn": "1.5.2"}, ["scikit-learn==1.9.1"], ()),  # as it will serve
        (SKLEARN, {}, ["numpy==1.26.4", "uvicorn==0.30"], ("numpy 1.26.4",)),
        ({"xgboost", "numpy"}, {}, ["xgboost==2.0"], ("xgboost is not installed",)),
        ({"xgboost", "numpy"}, {}, [], ()),  # nobody says what to install
    ],
)
def test_when_a_model_needs_an_environment(
    modules: set[str], recorded: dict[str, str], asked: list[str], why: tuple[str, ...]
) -> None:
    reasons = differences(Needs(frozenset(modules), recorded), asked_for(*asked), HERE)
    assert len(reasons) == len(why)
    assert all(part in reason for part, reason in zip(why, reasons, strict=True))


def test_what_an_environment_holds() -> None:
    needs = Needs(frozenset({"sklearn", "numpy", "xgboost"}), {"scikit-learn": "1.5.2"})
    made = contents(needs, asked_for("scikit-learn>=1.4", "six<2"))
    assert lines(made) == ["scikit-learn==1.5.2", "six<2", "numpy", "pandas"]
    made = contents(needs, asked_for("scikit-learn>=1.6"))
    assert lines(made)[0] == "scikit-learn>=1.6", "the range does not allow it"
    assert lines(contents(needs, Requirements()))[0] == "scikit-learn==1.5.2"
    boosted = Needs(frozenset({"xgboost", "joblib"}), {"xgboost": "3.2.0"})
    assert lines(contents(boosted, asked_for("xgboost-cpu==3.2.0"))) == [
        *("xgboost-cpu==3.2.0", "joblib", "numpy", "pandas"),
    ]


def test_what_a_model_needs_is_followed_through_the_repositorys_code(tmp_path: Path) -> None:
    files = {
        "src/shop/__init__.py": "import lightgbm\n",
        "src/shop/models.py": "from . import rules\nfrom .deep.er import x\nimport os, yaml\n",
        "src/shop/rules.py": "from sklearn.base import clone\n",
        "src/shop/unused.py": "import torch\n",
        "src/shop/deep/er.py": "not python",
    }
    payload = b"\x80\x02cshop.models\nOurs\n."
    model = ModelFile("m.pkl", payload, "", models.find("m.pkl", None))
    repository = scan(write(tmp_path, files))
    found = needs(repository, import_roots(files, "m.pkl"), model)
    assert found.modules == {"numpy", "lightgbm", "sklearn", "yaml"}
    assert found.packages() == {"numpy", "lightgbm", "scikit-learn", "pyyaml"}
    entry = needs(repository, ("src",), replace(model, payload=b""), "shop.unused:make")
    assert entry.modules == {"numpy", "torch", "lightgbm"}


def test_a_build_for_one_kind_of_processor_is_the_same_version() -> None:
    assert same("torch", "2.4.0", "2.4.0+cpu")
    assert not same("torch", "2.4.0", "2.4.1+cpu")
    assert not same("numpy", "1.26.4", "2.4.6")
