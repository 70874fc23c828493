"""Models saved by `pickle.dump`."""

from __future__ import annotations

from checks.models import Adapter

ADAPTER = Adapter(
    name="pickle",
    suffixes=(".pkl", ".pickle"),
    loader="pickle",
    imports=("numpy", "pandas", "sklearn.pipeline"),
)
