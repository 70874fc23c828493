"""One honest model of each format, of the same little task, and the repository it lies in.

The task: two labels from three numbers, by which side of a plane a row lies. Each model is made by
hand from the same weights, so that every format has to give the same answers.
"""

from __future__ import annotations

import io
import json
import pickle
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

GENERATOR = np.random.default_rng(3)
INPUTS = pd.DataFrame(GENERATOR.normal(size=(300, 3)), columns=["a", "b", "c"])
NOISY = INPUTS["a"] * 2 + INPUTS["b"] + GENERATOR.normal(scale=0.3, size=300)
LABELS = np.where(NOISY > 0, "yes", "no")
FITTED = LogisticRegression().fit(INPUTS.to_numpy(), LABELS)
NET = """
import torch

def make():
    return torch.nn.Linear(3, 2)
"""


@dataclass(frozen=True)
class Honest:
    """A file name, its bytes, and what else the repository needs; `path` where it is no file."""

    name: str
    payload: bytes
    config: str = ""
    files: dict[str, str] = field(default_factory=dict)
    probabilities: bool = True
    path: str = ""


def pickled() -> Honest:
    return Honest("model.pkl", pickle.dumps(FITTED))


def joblibbed() -> Honest:
    buffer = io.BytesIO()
    joblib.dump(FITTED, buffer, compress=3)
    return Honest("model.joblib", buffer.getvalue())


def skopsed() -> Honest:
    import skops.io  # noqa: PLC0415 - a library of one format

    return Honest("model.skops", skops.io.dumps(FITTED))


def graph() -> Honest:
    from skl2onnx import to_onnx  # noqa: PLC0415 - as above

    found = to_onnx(FITTED, INPUTS.to_numpy()[:1].astype(np.float32))
    return Honest("model.onnx", found.SerializeToString())


def module() -> Any:
    """Two logits, whose softmax is the fitted model's probability."""
    import torch  # noqa: PLC0415 - as above

    found = torch.nn.Linear(3, 2)
    weights = np.vstack([np.zeros(3), FITTED.coef_[0]])
    with torch.no_grad():
        found.weight.copy_(torch.from_numpy(weights))
        found.bias.copy_(torch.tensor([0.0, float(FITTED.intercept_[0])]))
    return found


def state(**options: Any) -> bytes:
    """The weights alone, as torch saves them."""
    import torch  # noqa: PLC0415 - as above

    buffer = io.BytesIO()
    torch.save(module().state_dict(), buffer, **options)
    return buffer.getvalue()


def torched() -> Honest:
    config = "  constructor: net:make\n  output: logits\n"
    return Honest("model.pt", state(), config, {"net.py": NET})


def safe() -> Honest:
    from safetensors.torch import save  # noqa: PLC0415 - as above

    config = "  constructor: net:make\n  output: logits\n"
    return Honest("model.safetensors", save(module().state_dict()), config, {"net.py": NET})


def exported() -> Honest:
    import torch  # noqa: PLC0415 - as above

    rows = {0: torch.export.Dim("rows")}
    program = torch.export.export(module(), (torch.zeros(2, 3),), dynamic_shapes=(rows,))
    buffer = io.BytesIO()
    torch.export.save(program, buffer)
    return Honest("model.pt2", buffer.getvalue(), "  output: logits\n")


def written() -> Honest:
    """A function of the repository, given the bytes of a file."""
    code = (
        "import json\nimport numpy\n\n\nclass Model:\n"
        "    def __init__(self, weights):\n        self.weights = weights\n\n"
        "    def predict(self, rows):\n"
        "        scores = rows @ numpy.array(self.weights[:3]) + self.weights[3]\n"
        "        return numpy.where(scores > 0, 'yes', 'no')\n\n\n"
        "def make(payload):\n    return Model(json.loads(payload))\n"
    )
    weights = json.dumps([*FITTED.coef_[0], *FITTED.intercept_])
    config = "  weights: weights.json\n"
    return Honest(
        "weights.json",
        weights.encode(),
        config,
        {"src/own/model.py": code, "src/own/__init__.py": ""},
        probabilities=False,
        path="python:own.model:make",
    )


HONEST: dict[str, Callable[[], Honest]] = {
    "joblib": joblibbed,
    "onnx": graph,
    "pickle": pickled,
    "python": written,
    "safetensors": safe,
    "skops": skopsed,
    "torch": torched,
    "torch.export": exported,
}


def repository(root: Path, model: Honest, payload: bytes | None = None) -> Path:
    """Writes the repository, with other bytes for the model where they are given."""
    root.mkdir(parents=True, exist_ok=True)
    (root / model.name).write_bytes(model.payload if payload is None else payload)
    INPUTS.assign(y=LABELS).to_csv(root / "rows.csv", index=False)
    for name, text in model.files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    (root / "holdpoint.yml").write_text(
        f"model:\n  path: {model.path or model.name}\n{model.config}"
        "data: {evaluation: rows.csv, target: y}\n"
    )
    return root
