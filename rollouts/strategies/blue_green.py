"""Blue-green: the candidate (green) at full size beside stable (blue), checked, then all at once.

Options (`spec.strategy.blueGreen`): `checks` [{path, port, times}] that every green pod has to
answer with 200 before the switch, `switch: Auto | Manual`, `bakeSeconds`, `warmReplicas`,
`warmSeconds`. The Service `<name>-preview` reaches green before it has traffic. Blue keeps all its
pods until the bake is over, and some after it, so that switching back is one write of the route.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from rollouts.model.fields import FieldError, Fields
from rollouts.reasons import Reason
from rollouts.strategies.interface import (
    Beside,
    Check,
    Finish,
    GoTo,
    Move,
    Progress,
    Stay,
    StrategyError,
)

if TYPE_CHECKING:
    from rollouts.jsontypes import JsonObject

DEFAULT_BAKE_S = 300
DEFAULT_WARM_REPLICAS = 1
DEFAULT_TIMES = 3


class Switch(StrEnum):
    """Who decides that green takes over once its checks pass."""

    AUTO = "Auto"
    MANUAL = "Manual"


@dataclass(frozen=True)
class Settings:
    """`checks` come on top of the pods' own readiness."""

    checks: tuple[Check, ...] = ()
    switch: Switch = Switch.AUTO
    bake_s: int = DEFAULT_BAKE_S
    warm_replicas: int = DEFAULT_WARM_REPLICAS
    warm_s: int | None = None


class BlueGreen(Beside):
    """See the module."""

    type = "BlueGreen"
    judged = False  # before the switch there is no traffic to judge; in the bake it is taken back
    switches = True
    previews = True

    def parse(self, options: JsonObject) -> Settings:
        """Raises StrategyError."""
        fields = Fields(options, "spec.strategy.blueGreen")
        try:
            return Settings(
                checks=tuple(map(_check, fields.children("checks"))),
                switch=fields.one_of("switch", Switch, Switch.AUTO),
                bake_s=fields.whole("bakeSeconds", DEFAULT_BAKE_S),
                warm_replicas=fields.whole("warmReplicas", DEFAULT_WARM_REPLICAS),
                warm_s=fields.whole("warmSeconds") if "warmSeconds" in options else None,
            )
        except FieldError as error:
            raise StrategyError(str(error)) from error

    def next(self, settings: Any, progress: Progress) -> Move:
        """Everything, once it may; a weight in between was asked for by somebody."""
        if progress.weight >= 100:
            return Finish()
        if progress.weight == 0 and settings.switch is Switch.MANUAL:
            message = "ready beside stable; it gets the traffic when somebody promotes it"
            return Stay(Reason.AWAITING_PROMOTION, message)
        return GoTo(100, 1)

    def candidate_size(self, settings: Any, weight: int, replicas: int) -> int:  # noqa: ARG002 - other strategies need them
        """Full size from the beginning: what is checked is what will serve."""
        return replicas

    def checks(self, settings: Any) -> tuple[Check, ...]:
        """`checks`."""
        return tuple(settings.checks)

    def bake_s(self, settings: Any) -> float:
        """`bakeSeconds`."""
        return float(settings.bake_s)

    def warm_replicas(self, settings: Any) -> int:
        """`warmReplicas`."""
        return int(settings.warm_replicas)


def _check(fields: Fields) -> Check:
    path = fields.text("path")
    if not (path.startswith("/") and path.isascii() and path.isprintable() and " " not in path):
        raise FieldError(f"{fields.path}.path must be a URL path from / on, this is {path!r:.80}")
    port = fields.whole("port", 0)
    if port > 65535:
        raise FieldError(f"{fields.path}.port must be at most 65535, this is {port}")
    return Check(path, port or None, fields.whole("times", DEFAULT_TIMES, low=1))


STRATEGY = BlueGreen()
