"""Graphs that `torch.export.save` wrote."""

from __future__ import annotations

from checks.models import Adapter

ADAPTER = Adapter(
    name="torch.export",
    suffixes=(".pt2",),
    loader="torch",
    imports=("numpy", "torch.export.pt2_archive"),
    requires=("torch",),
    extra="holdpoint[torch]",
    address_space=8 << 30,
)
