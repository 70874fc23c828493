"""Opens what `skops.io.dump` wrote. Run as text inside the child, never imported.

skops loads only types that it was told to trust. Here all are loaded, because the child is what
protects, and those that skops does not trust by itself are named for the reader; what the file
names is listed without loading by the security check.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

SHOWN = 5
NOTES: list[str] = []  # for the reader of the report


class Unfit(Exception):  # noqa: N818 - a sentence for a person
    """Why the model cannot be used."""


def load(payload: bytes, options: dict[str, Any]) -> Any:  # noqa: ARG001 - as every loader
    skops = import_module("skops.io")
    try:
        untrusted = skops.get_untrusted_types(data=payload)
    except KeyError as error:
        raise Unfit("the archive holds no schema.json, so skops did not write it") from error
    model = skops.loads(payload, trusted=untrusted)
    if untrusted:
        shown = ", ".join(untrusted[:SHOWN]) + (" and more" if len(untrusted) > SHOWN else "")
        NOTES.append(f"skops itself does not trust {shown}: loading it needs trusted=[...].")
    return model
