"""Builds hostile and odd models at test time: nothing dangerous lies in the repository.

A model here is a pickle that runs Python text when it is loaded; the text binds `model`.
"""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np

from checks.sandbox import Table, column_of


class _Text:
    def __init__(self, text: str) -> None:
        self.text = text

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        run = f"(lambda names: (exec({self.text!r}, names), names.get('model'))[1])({{}})"
        return eval, (run,)


def model_of(text: str) -> bytes:
    """A pickle whose loading runs `text` and gives what that binds to `model`."""
    return pickle.dumps(_Text(text))


def predictor(body: str, before: str = "") -> bytes:
    """A model whose `predict(self, X)` has this body."""
    indented = "\n".join(f"        {line}" for line in body.splitlines())
    return model_of(
        f"{before}\nclass Model:\n    def predict(self, X):\n{indented}\nmodel = Model()"
    )


def table(rows: int = 3) -> Table:
    """One column of numbers."""
    return Table((column_of("x", np.arange(rows, dtype=float)),))
