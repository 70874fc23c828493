"""Whatever lies in a tree, there is a report or a sentence: never an exception of ours.

The trees are files of the examples under each other's names, cut, spliced and spoilt. Only what
reads the tree runs here; the model and the data have their own hostile cases.
"""

from __future__ import annotations

import pickle
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checks import init, run
from checks.errors import HoldpointError
from checks.render import markdown, text
from tests.checks.histories import EXAMPLES

READ_ONLY = ("scalability", "monitoring", "deployment", "documentation", "testing", "security")
POOL = {
    path.relative_to(root).as_posix(): path.read_bytes()[:20_000]
    for root in (EXAMPLES / "lending", EXAMPLES / "unready")
    for path in sorted(root.rglob("*"))
    if path.is_file() and "cache" not in str(path) and path.suffix not in {".pkl", ".joblib"}
}
PATHS = st.sampled_from(
    [*sorted(POOL), "a.ipynb", "chart/templates/x.yaml", "config.pbtxt", "uv.lock", "Jenkinsfile",
     ".gitlab-ci.yml", "environment.yml", "tests/test_x.py", "coverage.xml", "k8s/ä b.yaml",
     "model.onnx", "old.pt", "data/x.parquet", "k6.js", ".pre-commit-config.yaml"]
)  # fmt: skip
NASTY = st.sampled_from(
    [b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\r", b"\x85", b"{{", b"&a [*a]", b"- " * 500,
     b"[" * 2000, b"(" * 2000, b"9" * 5000, b"\xed\xa0\x80", b"!!python/object:os.system {}",
     b"? ", b"---\n", b"1e999", b".nan", b"\xe2\x80\xae", b"<!--", b"```", b"null", b"!!binary x",
     b"2024-13-45", b"0o9", b": :", b"<<: [1]", b"%YAML 9.9\n"]
)  # fmt: skip


@st.composite
def contents(draw: st.DrawFn) -> bytes:
    """A file of the examples, spoilt in up to three places."""
    body = POOL[draw(st.sampled_from(sorted(POOL)))]
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(body)))
        until = draw(st.integers(at, min(len(body), at + 200)))
        body = body[:at] + draw(NASTY | st.binary(max_size=8)) + body[until:]
    return body


TREES = st.dictionaries(PATHS, contents(), min_size=1, max_size=8)
OFTEN = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow,
                                                           HealthCheck.data_too_large]
)  # fmt: skip


def grown(root: Path, files: dict[str, bytes]) -> Path:
    """The tree, with something that could be a model."""
    for name, body in {**files, "model.pkl": pickle.dumps([1])}.items():
        path = root / name
        if not any(parent.is_file() for parent in path.parents) and not path.is_dir():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(body)
    return root


def _one_sentence(error: HoldpointError) -> None:
    assert str(error)
    assert "\n" not in str(error)


@OFTEN
@given(TREES)
def test_any_tree_gives_a_report_or_a_sentence(files: dict[str, bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = grown(Path(folder), files)
        try:
            found = run.find_config(root)
            config = run.load_config(*found) if found else run.load_config(b"", "holdpoint.yml")
            report = run.run(root, config=config, options=run.Options(only=READ_ONLY))
        except HoldpointError as error:
            return _one_sentence(error)
    assert not report.is_ready
    assert len(report.verdicts) == len(READ_ONLY)
    assert all(0 <= (verdict.score or 0) <= 1 for verdict in report.verdicts)
    assert text.text(report)
    assert len(markdown.comment(report)) < 65_536
    return None


@OFTEN
@given(TREES)
def test_any_tree_can_be_begun_with(files: dict[str, bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = grown(Path(folder), files)
        try:
            told = init.init(root, force=True)
        except HoldpointError as error:
            return _one_sentence(error)
        assert "holdpoint check" in told
        found = run.find_config(root)
        assert found is not None
        assert run.load_config(*found).model.path
        return None
