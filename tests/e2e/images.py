"""Images of the lending example for the test cluster, by digest."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.testbed.oci import ImageStore

EXAMPLE = Path(__file__).parents[2] / "examples" / "lending"
MODEL_PATH = "/model/model.joblib"


def lending(
    store: ImageStore, *, build: str, model: bytes | None = None, env: dict[str, str] | None = None
) -> str:
    """The served model with its fault switch; another `build` gives another digest."""
    files = {
        "/app/serve.py": (EXAMPLE / "serve.py").read_bytes(),
        "/app/explain.py": (EXAMPLE / "explain.py").read_bytes(),
        "/app/faulty.py": (Path(__file__).parent / "faulty.py").read_bytes(),
        "/app/build": build.encode(),
    }
    weights = model if model is not None else (EXAMPLE / "model/model.joblib").read_bytes()
    return store.build(
        [files, {MODEL_PATH: weights}], command=("python3", "/app/faulty.py"), env=env or {}
    )


def light(store: ImageStore, *, build: str, fault_rate: float = 0.0) -> str:
    """The same server without a model: for tests about traffic, not about predictions."""
    env = {"LIGHT": "1", "FAULT_RATE": str(fault_rate)}
    return lending(store, build=build, model=b"", env=env)
