"""Opens what `skops.io.dump` wrote. Run as text inside the child, never imported.

skops loads only types that it was told to trust. Here all are loaded, because the child is what
protects, and those that skops does not trust by itself are named for the reader; what the file
names is listed without loading by the security check.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

SHOWN = 5


class Unfit(Exception):  # noqa: N818 - a sentence for a person
    """Why the model cannot be used."""


class Noted:
    """The model, and what is to be said about it; everything else is the model's own."""

    def __init__(self, model: Any, notes: list[str]) -> None:
        self.model, self.notes_ = model, notes

    def __getattr__(self, name: str) -> Any:
        return getattr(self.model, name)


def load(payload: bytes, options: dict[str, Any]) -> Any:  # noqa: ARG001 - as every loader
    skops = import_module("skops.io")
    try:
        untrusted = skops.get_untrusted_types(data=payload)
    except KeyError as error:
        raise Unfit("the archive holds no schema.json, so skops did not write it") from error
    model = skops.loads(payload, trusted=untrusted)
    if not untrusted:
        return model
    shown = ", ".join(untrusted[:SHOWN]) + (" and more" if len(untrusted) > SHOWN else "")
    return Noted(model, [f"skops itself does not trust {shown}: loading it needs trusted=[...]."])
