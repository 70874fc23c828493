"""Weights in the safetensors format, put into the module that `model.constructor` makes.

Loading the weights runs nothing; the constructor is code of the repository.
"""

from __future__ import annotations

from checks.models import Adapter

ADAPTER = Adapter(
    name="safetensors",
    suffixes=(".safetensors",),
    loader="torch",
    imports=("numpy",),
    requires=("torch", "safetensors.torch"),
    extra="holdpoint[torch]",
    address_space=8 << 30,
)
