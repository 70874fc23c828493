"""Calls a function of the repository that returns the model. Run as text inside the child.

`model.path: python:package.module:function`. The function is given the bytes of `model.weights`
where that is set, and nothing otherwise. What it returns has `predict`, or is called itself.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any


class Unfit(Exception):  # noqa: N818 - a sentence for a person
    """Why the model cannot be used."""


class Called:
    """A function that answers rows is a model without further ado."""

    def __init__(self, function: Any) -> None:
        self.predict = function


def load(payload: bytes, options: dict[str, Any]) -> Any:
    entry = str(options.get("entry") or "")
    module, _, name = entry.partition(":")
    try:
        function = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise Unfit(
            f"{entry!r} cannot be found among the Python files of the repository: {error}"
        ) from error
    model = function(payload) if options.get("weights") else function()
    if callable(getattr(model, "predict", None)):
        return model
    if callable(model):
        return Called(model)
    raise Unfit(f"{entry!r} returned a {type(model).__name__}, expected an object with predict")
