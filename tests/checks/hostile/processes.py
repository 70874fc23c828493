"""Judges hostile repositories in a process of its own, and loads their models as a naive tool."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ROOT = Path(__file__).resolve().parents[3]
# What a person would write: load, ask, compare, take the time.
NAIVE = """
import csv, json, sys, time
import joblib, numpy
model = joblib.load(sys.argv[1])
rows = list(csv.DictReader(open(sys.argv[2])))
begun = time.perf_counter()
answers = model.predict([[float(row["amount"])] for row in rows])
seconds = time.perf_counter() - begun
right = numpy.asarray(answers) == numpy.array([row["deny"] for row in rows])
print("NAIVE " + json.dumps({"accuracy": float(numpy.mean(right)), "seconds": seconds}))
"""
LIMITED = "import resource; resource.setrlimit(resource.RLIMIT_CPU, (4, 4))\n"


@dataclass(frozen=True)
class Done:
    """What became of a judgement: exit code, words, and how many processes were left behind."""

    code: int
    stdout: str
    stderr: str
    left: int

    @property
    def report(self) -> dict[str, Any]:
        """The readiness report that it wrote."""
        found: dict[str, Any] = json.loads(self.stdout)
        return found


def judge(roots: Iterable[Path], folder: Path, patience: Mapping[str, float]) -> dict[str, Done]:
    """Every repository judged by the command; by name, as long as `patience` says where it does."""
    named = [f"{root}={patience[root.name]}" if root.name in patience else root for root in roots]
    command = [sys.executable, "-m", "tests.checks.hostile.batch", folder, *named]
    subprocess.run(list(map(str, command)), cwd=ROOT, check=True, stdin=subprocess.DEVNULL)
    found = {}
    for path in sorted(folder.glob("*.json")):
        told = json.loads(path.read_text())
        stdout, stderr = (path.with_suffix(end).read_text() for end in (".out", ".err"))
        found[path.stem] = Done(told["code"], stdout, stderr, told["left"])
    return found


def naively(root: Path, model: Path, before: str = "") -> subprocess.CompletedProcess[bytes]:
    """The model loaded and asked without any sandbox."""
    command = [sys.executable, "-I", "-c", before + NAIVE, str(model), str(root / "rows.csv")]
    return subprocess.run(command, capture_output=True, check=False, timeout=300)


def evaluated(done: subprocess.CompletedProcess[bytes]) -> dict[str, float]:
    """What the naive evaluation believes."""
    found: dict[str, float] = json.loads(done.stdout.rpartition(b"NAIVE ")[2])
    return found
