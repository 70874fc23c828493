"""Loads what `joblib.dump` wrote, compressed or not. Run as text inside the child, never imported.

A plain pickle under that name is loaded too: joblib reads both.
"""

from __future__ import annotations

import io
from importlib import import_module
from typing import Any


def load(payload: bytes, options: dict[str, Any]) -> Any:  # noqa: ARG001 - as every loader
    return import_module("joblib").load(io.BytesIO(payload))
