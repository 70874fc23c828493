"""The fake's routes, one file an area. A new file is found by itself."""

from __future__ import annotations

import importlib
import pkgutil

from tests.fakes.github.routing import ROUTES

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

__all__ = ["ROUTES"]
