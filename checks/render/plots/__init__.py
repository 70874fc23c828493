"""The plots, one file each: a module with `of_verdict` draws one from a check's details.

Used by the HTML page, which gives every check to every plot; one that finds nothing to draw, or
details of another shape than it knows, returns None. Pure: no clock, no network; the folder is
only looked through to find the modules.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Callable

    from checks.render.svg import Plot
    from checks.report import Verdict

    Draw = Callable[[Verdict, str], Plot | None]


@cache
def discover() -> tuple[Draw, ...]:
    """Every plot of a check, in the order of the files' names."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    modules = [importlib.import_module(f"{__name__}.{name}") for name in names]
    return tuple(
        cast("Draw", module.of_verdict) for module in modules if hasattr(module, "of_verdict")
    )


def of_verdict(verdict: Verdict, key: str) -> tuple[Plot, ...]:
    """The plots of one check. `key` is unique on the page."""
    drawn = (draw(verdict, f"{key}-{index}") for index, draw in enumerate(discover()))
    return tuple(plot for plot in drawn if plot is not None)
