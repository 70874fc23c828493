"""Models saved by `skops.io.dump`."""

from __future__ import annotations

from checks.models import Adapter

ADAPTER = Adapter(
    name="skops",
    suffixes=(".skops",),
    loader="skops",
    imports=("numpy", "pandas", "sklearn.pipeline"),
    requires=("skops.io",),
    extra="holdpoint[skops]",
)
