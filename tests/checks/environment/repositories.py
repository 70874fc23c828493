"""Small repositories whose model needs their own code; the models are made by running it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from tests.checks.trees import write

OWN = Path(sys.executable)
CONFIG = "model: {path: m.pkl}\ndata: {evaluation: e.csv, target: y}\n"
THRESHOLD = """\
import numpy as np


class Threshold:
    def __init__(self, at):
        self.at = at

    def predict(self, rows):
        return np.where(np.asarray(rows)[:, 0] > self.at, "p", "n")
"""
SAVE = """\
import pickle
from {module} import Threshold
pickle.dump(Threshold(0.25), open("m.pkl", "wb"))
"""


def rows(count: int = 200) -> str:
    """A CSV file whose label is what Threshold(0.25) answers."""
    values = np.random.default_rng(3).normal(size=(count, 2))
    lines = [f"{a:.6f},{b:.6f},{'p' if a > 0.25 else 'n'}" for a, b in values]
    return "\n".join(["a,b,y", *lines, ""])


def thresholds(root: Path, module: str, path: str, source: str = "") -> Path:
    """A repository whose pickled model is a class of `module`, which lies at `path`."""
    root.mkdir(exist_ok=True)
    write(root, {path: THRESHOLD, "holdpoint.yml": CONFIG, "e.csv": rows()})
    run(OWN, SAVE.format(module=module), root, root / source)
    return root


def run(interpreter: Path, code: str, where: Path, *paths: Path) -> str:
    """Runs Python text in a folder as its owner would, with `paths` to import from."""
    done = subprocess.run(
        [interpreter, "-c", code],
        cwd=where,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(map(str, paths))},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout
