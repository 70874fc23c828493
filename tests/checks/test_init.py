"""`holdpoint init` and `holdpoint config`, as a person uses them on repositories of many shapes."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest

from checks import catalog, config, config_cli, init, run
from checks.errors import HoldpointError
from checks.evidence import layout
from checks.evidence.repository import scan
from checks.init_text import Guess, quoted, render
from tests.checks.conftest import LENDING, judge
from tests.patience import with_settings

COLUMNS = "id,age,income,churned\n1,2,3,no\n"


def write(root: Path, files: dict[str, str | bytes]) -> Path:
    """A repository with these files."""
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        body = content if isinstance(content, bytes) else content.encode()
        (root / name).write_bytes(body)
    return root


def made(root: Path) -> config.Config:
    """The configuration that `init` writes there."""
    init.init(root)
    return config.load((root / "holdpoint.yml").read_bytes(), "holdpoint.yml", catalog.discover())


MODEL = pickle.dumps([1, 2, 3])


def test_artifacts_and_raw_data(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "artifacts/model.pkl": MODEL,
            "artifacts/scaler.pkl": MODEL,
            "data/raw/customers_train.csv": COLUMNS,
            "data/raw/customers_test.csv": COLUMNS,
            "notebooks/look.ipynb": "{}",
            "chart/templates/deployment.yaml": "{{ .Values.x }}",
        },
    )
    found = made(tmp_path)
    assert found.model.path == "artifacts/model.pkl"
    assert found.data.evaluation == "data/raw/customers_test.csv"
    assert found.data.training == "data/raw/customers_train.csv"
    assert found.data.target == "churned"
    assert "ignore: [id]" in (tmp_path / "holdpoint.yml").read_text()


def test_two_models_are_listed_and_each_keeps_to_its_own_data(tmp_path: Path) -> None:
    for name in ("churn", "fraud"):
        write(tmp_path / name, {"model.joblib": MODEL, f"{name}.csv": COLUMNS})
    told = init.init(tmp_path)
    assert "2 models were found: churn/model.joblib (taken), fraud/model.joblib." in told
    assert f"`holdpoint init {tmp_path}/fraud` is for the other" in " ".join(told.split())
    assert run.load_config(*existing(tmp_path)).data.evaluation == "churn/churn.csv"
    init.init(tmp_path, "fraud/model.joblib", force=True)
    assert run.load_config(*existing(tmp_path)).data.evaluation == "fraud/fraud.csv"


def existing(root: Path) -> tuple[bytes, str]:
    """The configuration there."""
    found = run.find_config(root)
    assert found is not None
    return found


def test_the_target_is_what_the_code_says(tmp_path: Path) -> None:
    code = 'import pandas\nframe = pandas.read_csv("e.csv")\ny = frame["income"]\n'
    write(tmp_path, {"m.pkl": MODEL, "e.csv": COLUMNS, "train.py": code})
    assert made(tmp_path).data.target == "income"
    assert "train.py:3 uses it as the target" in (tmp_path / "holdpoint.yml").read_text()


def test_what_is_not_clear_is_left_to_the_person(tmp_path: Path) -> None:
    write(tmp_path, {"m.pkl": MODEL, "one.csv": "a,b\n1,2\n", "two.csv": "a,b\n1,2\n"})
    told = init.init(tmp_path)
    assert "none named like held-out data" in told
    found = run.load_config(*existing(tmp_path))
    assert (found.data.evaluation, found.data.target) == (None, None)
    assert "# found: one.csv" in (tmp_path / "holdpoint.yml").read_text()


def test_training_data_is_never_taken_for_evaluation(tmp_path: Path) -> None:
    write(tmp_path, {"m.pkl": MODEL, "train.csv": COLUMNS})
    assert made(tmp_path).data.evaluation is None


def test_init_then_check_gives_a_report(lending: Path) -> None:
    (lending / "holdpoint.yml").unlink()
    assert init.main([str(lending)]) == 0
    found = run.load_config(*existing(lending))
    told = (LENDING / "holdpoint.yml").read_text()
    assert found.data.target == "deny"
    assert f"evaluation: {found.data.evaluation}" in told
    assert f"training: {found.data.training}" in told
    assert judge(lending, "deployment").overall_score is not None


def test_no_model_is_2_and_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert init.main([str(tmp_path)]) == 2
    assert "no model file was found below" in capsys.readouterr().err
    write(tmp_path, {"net.h5": b"x"})
    assert init.main([str(tmp_path)]) == 2
    assert "net.h5: this version reads model files of" in capsys.readouterr().err
    assert not (tmp_path / "holdpoint.yml").exists()


def test_nothing_is_overwritten_unless_told_to(tmp_path: Path) -> None:
    write(tmp_path, {"m.pkl": MODEL, "holdpoint.yml": "version: 1\n"})
    with pytest.raises(HoldpointError, match="--force replaces it"):
        init.init(tmp_path)
    assert (tmp_path / "holdpoint.yml").read_text() == "version: 1\n"
    init.init(tmp_path, force=True)
    assert "path: m.pkl" in (tmp_path / "holdpoint.yml").read_text()
    assert not (tmp_path / ".holdpoint.yml.new").exists()


def test_a_link_is_not_written_through(tmp_path: Path) -> None:
    root = write(tmp_path / "r", {"m.pkl": MODEL})
    (root / "holdpoint.yml").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(HoldpointError, match="exists already"):
        init.init(root)
    init.init(root, force=True)
    assert not (tmp_path / "elsewhere").exists()
    assert not (root / "holdpoint.yml").is_symlink()


@pytest.mark.parametrize("name", [".github/holdpoint.yml", "holdpoint.json"])
def test_a_second_configuration_is_never_written(tmp_path: Path, name: str) -> None:
    write(tmp_path, {"m.pkl": MODEL, name: "{}"})
    for force in (False, True):
        with pytest.raises(HoldpointError, match="two at once are an error"):
            init.init(tmp_path, force=force)
    assert run.load_config(*existing(tmp_path)).source == name
    write(tmp_path, {"holdpoint.yml": ""})
    with pytest.raises(HoldpointError, match=f"holdpoint.yml and {name} both exist"):
        run.find_config(tmp_path)


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"\0" * 100,
        b"a" * (layout.HEAD + 10),
        b"," * 5000 + b"\n1",
        b'"' * 999 + b"\n",
        b"\xff\xfe\xfd\n",
        b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n",
        b"a;b;c\n1;2;3\n",
        b'"x\nmodel: {path: /etc/passwd}\n',
    ],
)
def test_hostile_data_yields_no_columns_or_harmless_ones(tmp_path: Path, header: bytes) -> None:
    write(tmp_path, {"m.pkl": MODEL, "test.csv": header})
    assert made(tmp_path).model.path == "m.pkl"


def test_hostile_names_add_no_line(tmp_path: Path) -> None:
    names = ["x\nmodel: {path: evil}.csv", "test #: {}.csv", "- [a].csv", "\u202etest.csv", "é.csv"]
    write(tmp_path, {"yes.pkl": MODEL, "a: b.pkl": MODEL, **dict.fromkeys(names, COLUMNS)})
    os.symlink("/etc/passwd", tmp_path / "link.csv")
    with (tmp_path / "\udcff.pkl").open("wb") as file:  # a name that is not UTF-8
        file.write(MODEL)
    found = made(tmp_path)
    assert found.model.path == "a: b.pkl"
    assert found.data.evaluation == "test #: {}.csv"
    assert len(layout.look(scan(tmp_path)).tables) == 3


@pytest.mark.parametrize("name", ["yes", "1", "null", "a b", "#x", "a\nb", '"', "\\", "é", "\x85"])
def test_what_is_quoted_is_read_back(name: str) -> None:
    text = render(Guess("m.pkl", (name,), name, name, name, "", (name,), (name, "z"), (name,)))
    data = config.load(text.encode(), "holdpoint.yml", catalog.discover()).data
    assert (data.evaluation, data.training, data.target) == (name, name, name)
    assert "\n" not in quoted(name)


def test_the_commented_lines_are_sound_too() -> None:
    lines = render(Guess("m.pkl", target="y", evaluation="e.csv")).splitlines()
    start = lines.index("# checks:")
    uncommented = [line.removeprefix("# ") for line in lines[start:] if not line.endswith(".")]
    text = "\n".join([*lines[:start], *uncommented])
    found = config.load(text.encode(), "holdpoint.yml", catalog.discover())
    assert found.declarations
    assert found.waivers
    assert found.of(catalog.find("deployment")).risk == "high"


def test_explain_shows_every_setting_with_its_place(
    lending: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = lending / "holdpoint.yml"
    more = (
        b"waivers:\n- {rule: deployment.risk, reason: r, owner: o, expires: 2999-01-01}\n"
        b"monitoring: {alerting_enabled: true}\n"
    )
    settings = with_settings(config.read_bytes(), b"  model_performance: {accuracy: 0.8}\n")
    config.write_bytes(settings + more)
    line = (lending / "holdpoint.yml").read_text().split("accuracy")[0].count("\n") + 1
    assert config_cli.main([str(lending), "--explain"]) == 0
    said = capsys.readouterr().out
    rows = {tuple(row.split()[:3]) for row in said.splitlines()}
    assert ("accuracy", "0.8", f"holdpoint.yml:{line}") in rows
    assert ("risk", "medium", "default") in rows
    assert ("path", "model/model.joblib", "holdpoint.yml:5") in rows
    for check in catalog.discover():
        assert f"checks.{check.name}: " in said
        assert all(f"  {name} " in said for name in check.settings.__dataclass_fields__)
    assert "how it is scored: " in said
    assert "waived: deployment.risk until 2999-01-01 by o: r" in said
    assert "monitoring.alerting_enabled" in said


def test_config_says_whether_it_can_be_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert config_cli.main([str(tmp_path)]) == 0
    assert "everything is a default" in capsys.readouterr().out
    write(tmp_path, {".github/holdpoint.yml": "modle: {}\n"})
    assert config_cli.main([str(tmp_path)]) == 2
    assert ".github/holdpoint.yml:1: modle is no key" in capsys.readouterr().err
    write(tmp_path, {".github/holdpoint.yml": "model: {path: m.pkl}\n"})
    assert config_cli.main([str(tmp_path)]) == 0
    assert (
        ".github/holdpoint.yml can be used: 1 setting, no declarations, no waivers."
        in capsys.readouterr().out
    )
    assert config_cli.main([str(tmp_path), "--only", "deploiment"]) == 2
