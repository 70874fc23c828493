"""The lending example is ready, honestly; and every way to damage it gives the right finding."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn import metrics

from checks import catalog
from checks.errors import CannotJudgeError
from checks.report import Grade, Report, Severity
from tests.checks.conftest import LENDING, finding_of, judge, verdict_of


@pytest.fixture(scope="module")
def report() -> Report:
    """The example as it is, judged once."""
    return judge(LENDING)


def test_it_is_ready(report: Report) -> None:
    assert report.is_ready
    assert report.critical_issues == ()
    assert report.overall_score is not None
    assert report.overall_score >= 0.8
    assert [v.check_name for v in report.verdicts] == [c.name for c in catalog.discover()]
    # What one small service does without is said and not hidden.
    lacking = {"scalability", "model_fairness"}
    assert {v.check_name for v in report.verdicts if not v.passed} == lacking
    assert not any("of 12 checks are built" in note for note in report.notes)
    assert report.models[0].digest in (LENDING / "k8s" / "modeldeployment.yaml").read_text()


def test_its_figures_are_those_computed_here(report: Report) -> None:
    data = pd.read_csv(LENDING / "data" / "evaluation.csv")
    model = joblib.load(LENDING / "model" / "model.joblib")
    inputs = data[list(model.feature_names_in_)]
    truth, predicted = data["deny"], model.predict(inputs)
    chances = model.predict_proba(inputs)
    precision, recall, f1, _ = metrics.precision_recall_fscore_support(
        truth, predicted, average="weighted"
    )
    expected = {
        "accuracy": metrics.accuracy_score(truth, predicted),
        "precision": precision,
        "recall": recall,
        "f1": f1,
        "roc_auc": metrics.roc_auc_score(truth == "yes", chances[:, 1]),
        "log_loss": metrics.log_loss(truth, chances),
        "accuracy_gain": metrics.accuracy_score(truth, predicted) - (truth == "no").mean(),
    }
    verdict = verdict_of(report, "model_performance")
    figures = {figure.name: figure for figure in verdict.figures}
    for name, value in expected.items():
        assert figures[name].value == pytest.approx(value, abs=1e-9), name
        assert figures[name].samples == len(data)
        low, high = figures[name].low, figures[name].high
        assert low is not None
        assert high is not None
        assert low < value < high
    confusion = metrics.confusion_matrix(truth, predicted).tolist()
    assert verdict.details["confusion"] == confusion


def test_the_slow_answers_were_counted(report: Report) -> None:
    figures = {f.name: f for f in verdict_of(report, "inference_performance").figures}
    assert (figures["p99_ms"].samples or 0) >= 100
    assert figures["mean_ms"].value <= figures["p95_ms"].value <= figures["p99_ms"].value
    assert figures["file_size_mb"].value == pytest.approx(
        (LENDING / "model" / "model.joblib").stat().st_size / 1e6, abs=1e-6
    )


def test_everything_found_names_a_place_that_exists(report: Report) -> None:
    for finding in (finding for verdict in report.verdicts for finding in verdict.findings):
        if finding.grade is not Grade.FOUND:
            continue
        assert finding.where is not None, finding
        lines = (LENDING / finding.where.path).read_bytes().splitlines()  # a model has lines too
        assert 1 <= (finding.where.line or 1) <= len(lines)


def test_its_environment_is_this_repositorys() -> None:
    def version(path: Path) -> str:
        match = re.search(r"^scikit-learn==(\S+)", path.read_text(), re.MULTILINE)
        assert match
        return match[1]

    root = LENDING.parents[1]
    assert version(LENDING / "requirements.lock") == version(root / "requirements.lock")
    assert version(LENDING / "requirements.txt") == version(root / "requirements.lock")


def test_training_makes_the_committed_bytes(lending: Path) -> None:
    committed = (lending / "model" / "model.joblib").read_bytes()
    data = {path.name: path.read_bytes() for path in (lending / "data").iterdir()}
    shutil.rmtree(lending / "data")
    (lending / "data").mkdir()
    explained = (lending / "model" / "importance.json").read_bytes()
    (lending / "model" / "importance.json").unlink()
    (lending / "model" / "model.joblib").unlink()
    for script in ("prepare.py", "train.py"):
        subprocess.run([sys.executable, script], cwd=lending, check=True, capture_output=True)
    assert {path.name: path.read_bytes() for path in (lending / "data").iterdir()} == data
    again = joblib.load(lending / "model" / "model.joblib")
    rows = pd.read_csv(lending / "data" / "evaluation.csv")[list(again.feature_names_in_)]
    before = joblib.load(LENDING / "model" / "model.joblib").predict_proba(rows)
    np.testing.assert_allclose(again.predict_proba(rows), before)
    # The same machine and versions give the same bytes; the digest in the manifest relies on it.
    assert (lending / "model" / "model.joblib").read_bytes() == committed
    assert (lending / "model" / "importance.json").read_bytes() == explained


def test_its_own_tests_pass(lending: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=lending,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


Damage = Callable[[Path], object]


def replace(path: str, before: str, after: str) -> Damage:
    """Replaces text in one file; it must be there."""

    def change(root: Path) -> None:
        text = (root / path).read_text(encoding="utf-8")
        assert before in text
        (root / path).write_text(text.replace(before, after), encoding="utf-8")

    return change


def remove(path: str) -> Damage:
    """Removes a file."""
    return lambda root: (root / path).unlink()


MANIFEST, DOCKERFILE = "k8s/modeldeployment.yaml", "Dockerfile"
PROBES = """\
  probes:
    startup: {path: /readyz, periodSeconds: 2, failureThreshold: 30}
    readiness: {path: /readyz, periodSeconds: 2, failureThreshold: 2}
    liveness: {path: /healthz, periodSeconds: 10, failureThreshold: 3}
"""


@pytest.mark.parametrize(
    ("damage", "rule", "where", "severity", "score"),
    [
        (remove(DOCKERFILE), "container.dockerfile", None, Severity.MAJOR, 0.85),
        (
            replace(DOCKERFILE, "python:3.11.14-slim-bookworm", "python:latest"),
            "container.base",
            (DOCKERFILE, 1),
            Severity.MAJOR,
            0.95,
        ),
        (
            replace(DOCKERFILE, "USER 10001", "USER root"),
            "container.user",
            (DOCKERFILE, 11),
            Severity.MAJOR,
            0.95,
        ),
        (replace(MANIFEST, PROBES, ""), "health.readiness", (MANIFEST, 4), Severity.MAJOR, 0.9),
        (replace(MANIFEST, PROBES, ""), "health.liveness", (MANIFEST, None), Severity.MINOR, 0.9),
        (
            replace(MANIFEST, "@sha256:0", ":latest # "),
            "defect.manifest",
            (MANIFEST, 14),
            Severity.MAJOR,
            0.5,
        ),
        (remove(MANIFEST), "strategy.any", None, Severity.MAJOR, 0.5),
        (remove(".github/workflows/deploy.yml"), "cicd.deploy", None, Severity.MAJOR, 0.8),
        (
            replace(MANIFEST, "type: Canary", "type: RollingUpdate"),
            "advanced.strategy",
            (MANIFEST, None),
            Severity.MINOR,
            0.9,
        ),
        (
            replace(MANIFEST, "sha256:e", "sha256:f"),
            "defect.digest",
            (MANIFEST, 13),
            Severity.MAJOR,
            1.0,
        ),
        (
            replace("requirements.lock", "scikit-learn==1", "scikit-learn==0"),
            "defect.versions",
            ("requirements.lock", 143),
            Severity.MAJOR,
            1.0,
        ),
        (
            replace("k8s/httproute.yaml", "name: lending, port", "name: landing, port"),
            "defect.route",
            ("k8s/httproute.yaml", 16),
            Severity.MAJOR,
            1.0,
        ),
    ],
)
def test_damage_to_the_release(
    lending: Path,
    damage: Damage,
    rule: str,
    where: tuple[str, int | None] | None,
    severity: Severity,
    score: float,
) -> None:
    damage(lending)
    report = judge(lending, "deployment")
    found = finding_of(report, f"deployment.{rule}")
    assert found.severity is severity
    assert (found.where and (found.where.path, found.where.line)) == where
    assert found.recommendation in report.recommendations
    assert verdict_of(report, "deployment").score == pytest.approx(score)


def test_removing_any_file_never_raises_the_score(lending: Path) -> None:
    def scores() -> dict[str, float]:
        report = judge(lending, "deployment", "documentation", "testing")
        return {v.check_name: v.score or 0.0 for v in report.verdicts}

    whole = scores()
    for path in sorted(lending.rglob("*")):
        if path.is_file() and path.name not in {"model.joblib", "holdpoint.yml"}:
            content = path.read_bytes()
            path.unlink()
            for name, score in scores().items():
                assert score <= whole[name], (name, path)
            path.write_bytes(content)


MODEL, DATA = "model/model.joblib", "data/evaluation.csv"
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64 + "\nsize 35308\n"


def write(path: str, content: bytes) -> Damage:
    """Overwrites a file."""
    return lambda root: (root / path).write_bytes(content)


def cut(root: Path) -> None:
    """Keeps the first half of the model."""
    payload = (root / MODEL).read_bytes()
    (root / MODEL).write_bytes(payload[: len(payload) // 2])


@pytest.mark.parametrize(
    ("damage", "sentence", "fix"),
    [
        (write(MODEL, b""), "empty", MODEL),
        (write(MODEL, POINTER.encode()), "LFS", MODEL),
        (write(MODEL, b"not a model at all"), MODEL, MODEL),
        (cut, MODEL, MODEL),
        (write(DATA, b""), "empty", DATA),
        (write(DATA, b"deny,pirat,afam,single\n"), "has no rows", DATA),
        (write(DATA, POINTER.encode()), "LFS", DATA),
        (remove(DATA), "does not exist", "data.evaluation"),
        (replace("holdpoint.yml", "target: deny", "target: denny"), "nearest name is 'deny'", DATA),
        (replace("holdpoint.yml", '"yes"', "maybe"), "labels are 'no', 'yes'", "positive_label"),
        (replace("holdpoint.yml", "target: deny", ""), "no target column", "data.target"),
        (replace("holdpoint.yml", "evaluation:", "#"), "no evaluation data", "data.evaluation"),
        (
            replace("holdpoint.yml", "[afam, single]", "[pirat]"),
            "wants the column 'pirat'",
            "pirat",
        ),
        (replace(DATA, "pirat", "piratt"), "nearest name is 'piratt'", DATA),
    ],
)
def test_what_cannot_be_measured_is_critical(
    lending: Path, damage: Damage, sentence: str, fix: str
) -> None:
    damage(lending)
    report = judge(lending, "model_performance")
    (verdict,) = report.verdicts
    assert verdict.score is None
    assert verdict.critical
    assert not report.is_ready
    assert report.overall_score == 0.0
    assert sentence in report.critical_issues[0]
    assert "Traceback" not in report.critical_issues[0]
    assert fix in report.recommendations[0]


def test_without_a_model_there_is_nothing_to_judge(lending: Path) -> None:
    (lending / MODEL).unlink()
    with pytest.raises(CannotJudgeError, match=r"model\.path in holdpoint\.yml names it"):
        judge(lending)
    (lending / "holdpoint.yml").unlink()
    with pytest.raises(CannotJudgeError, match="no model file was found"):
        judge(lending)


def test_shuffled_labels_are_noticed(lending: Path) -> None:
    data = pd.read_csv(lending / DATA)
    data["deny"] = data["deny"].sample(frac=1, random_state=1).to_numpy()
    data.to_csv(lending / DATA, index=False)
    report = judge(lending, "model_performance")
    assert any("no better than" in issue for issue in report.critical_issues)
