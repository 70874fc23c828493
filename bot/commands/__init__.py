"""The verbs of the slash command: one file each, found by looking into this folder.

`bot.app` calls `catalogue()` once. A verb's module is called like the verb (hyphens become
underscores) and holds one `VERB`; adding a verb is adding its file.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping

from bot.desk import Verb

__all__ = ["catalogue"]


def catalogue() -> Mapping[str, Verb]:
    """Every verb by its name, in alphabetical order. Raises TypeError for a module without one."""
    verbs = {}
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda found: found.name):
        verb = getattr(importlib.import_module(f"{__name__}.{module.name}"), "VERB", None)
        if not isinstance(verb, Verb) or verb.name.replace("-", "_") != module.name:
            raise TypeError(f"bot/commands/{module.name}.py must hold VERB, called like its file")
        verbs[verb.name] = verb
    return verbs
