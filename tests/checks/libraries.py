"""Libraries that a test needs and that may be missing: that is a failure, never a skip."""

from __future__ import annotations

import importlib
from typing import Any

import pytest


def need(name: str) -> Any:
    """The imported module; the test or the whole file fails where it is not installed."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name.partition(".")[0]:
            raise  # the library is there and broken
    pytest.fail(f"{name} is not installed: `make test` installs it first", pytrace=False)
