"""Loads what `joblib.dump` wrote, compressed or not. Run as text inside the child, never imported.

A plain pickle under that name is loaded too: joblib reads both.
"""

from __future__ import annotations

import io
from importlib import import_module
from typing import Any


class Unfit(Exception):  # noqa: N818 - a sentence for a person
    """Why the model cannot be used."""


def load(payload: bytes, options: dict[str, Any]) -> Any:  # noqa: ARG001 - as every loader
    try:
        return import_module("joblib").load(io.BytesIO(payload))
    except EOFError as error:  # below a compression nobody sees it earlier
        raise Unfit("the file is cut off: its data end before they should") from error
