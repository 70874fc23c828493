"""Every hostile repository, built and judged once for all tests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from examples.hostile import build
from tests.checks.hostile import processes
from tests.checks.hostile.outside import Outside

if TYPE_CHECKING:
    from tests.checks.hostile.processes import Done

# Seconds that a model gets which would use up the command's two minutes.
PATIENCE = dict.fromkeys(("endless-loop", "stop-itself"), 20.0)
DATA = {
    "data-pointer": build.POINTER,
    "data-empty": b"",
    "data-zip": b"PK\3\4" + bytes(100),
    "data-without-rows": b"amount,deny\n",
}


@dataclass(frozen=True)
class Judged:
    """The repositories and their judgements, by the cases' names."""

    folder: Path
    done: Mapping[str, Done]
    outside: Outside

    def root(self, name: str) -> Path:
        """A case's repository."""
        return self.folder / name

    def model(self, name: str) -> Path:
        """A case's model file."""
        return next(self.root(name).glob("model.*"))

    def verdict(self, name: str) -> dict[str, Any]:
        """The one verdict of a report; the command ended accordingly."""
        done = self.done[name]
        assert done.code == (0 if done.report["overall_score"] >= 0.8 else 1), done.stderr
        assert "Traceback" not in done.stderr
        assert done.left == 0, "processes were left behind"
        assert done.report["is_ready"] is False
        (found,) = done.report["checks"]
        return dict(found)

    def refused(self, name: str) -> str:
        """The sentence of the critical finding that says why the model could not be judged."""
        found = self.verdict(name)
        assert (found["score"], found["critical"], found["figures"]) == (None, True, [])
        (finding,) = found["findings"]
        assert finding["severity"] == "critical"
        assert finding["recommendation"]
        return str(finding["message"])

    def figure(self, name: str, which: str = "accuracy") -> float:
        """What was measured."""
        figures = self.verdict(name)["figures"]
        return float(next(each["value"] for each in figures if each["name"] == which))

    def canaries(self, name: str) -> list[str]:
        """What the model managed to leave; taken away again."""
        found = sorted((self.root(name) / "canaries").iterdir())
        for each in found:
            each.unlink()
        return [each.name for each in found]


@pytest.fixture(scope="session")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    """What some models go for."""
    found = Outside(tmp_path_factory.mktemp("outside"))
    yield found
    found.close()


@pytest.fixture(scope="session")
def judged(tmp_path_factory: pytest.TempPathFactory, outside: Outside) -> Judged:
    """All of them."""
    folder, answers = (tmp_path_factory.mktemp(name) for name in ("hostile", "answers"))
    for name in build.CASES:
        build.build(name, folder / name, target=outside.targets.get(name, "0"))
    for name, content in DATA.items():
        build.build("benign", folder / name)
        (folder / name / "rows.csv").write_bytes(content)
    return Judged(folder, processes.judge(sorted(folder.iterdir()), answers, PATIENCE), outside)
