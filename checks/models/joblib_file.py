"""Models saved by `joblib.dump`, compressed or not."""

from __future__ import annotations

from checks.models import Adapter

ADAPTER = Adapter(
    name="joblib",
    suffixes=(".joblib",),
    loader="joblib",
    imports=("numpy", "joblib", "pandas", "sklearn.pipeline"),
)
