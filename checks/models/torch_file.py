"""What torch saves: TorchScript, whole modules, state dicts; torch.export by that suffix too."""

from __future__ import annotations

from checks.models import Adapter

ADAPTER = Adapter(
    name="torch",
    suffixes=(".pt", ".pth", ".ckpt"),
    loader="torch",
    imports=("numpy",),
    requires=("torch",),
    extra="holdpoint[torch]",
    address_space=8 << 30,  # its libraries alone map 3 GiB
)
