"""What a ModelDeployment asks for, parsed.

Made from raw JSON by `parse_spec`, read by the engine and the builders of `rollouts.revisions`.
The strategy's, the router's and the analysis's own fields stay raw: their rooms parse them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from rollouts.model.fields import FieldError, Fields

if TYPE_CHECKING:
    from rollouts.jsontypes import Json, JsonObject

IMAGE_BY_DIGEST = re.compile(r"[^\s@]+@sha256:[0-9a-f]{64}")
DEFAULT_PORT = 8080
DEFAULT_PROGRESS_DEADLINE_S = 600
DEFAULT_HISTORY_LIMIT = 3

# What a user puts into the pods of a revision: these fields, and no others, name the revision.
TEMPLATE_FIELDS = ("model", "image", "port", "resources", "env", "probes", "template")


class Start(StrEnum):
    """What starts a rollout: the changed spec by itself, or a request only."""

    AUTO = "Auto"
    ON_REQUEST = "OnRequest"


class OnUndecided(StrEnum):
    """What becomes of a step that the analysis cannot judge within its horizon."""

    HOLD = "Hold"
    PROMOTE = "Promote"
    ROLL_BACK = "RollBack"


class Gate(StrEnum):
    """Whether a gate stands."""

    REQUIRED = "Required"
    NONE = "None"


@dataclass(frozen=True)
class Spec:
    """`template`: the fields that name a revision, raw. Seconds are whole."""

    image: str
    template: JsonObject
    replicas: int
    port: int
    start: Start
    request_gate: Gate
    strategy: str
    strategy_options: JsonObject
    analysis: JsonObject
    on_undecided: OnUndecided
    horizon_s: int
    progress_deadline_s: int
    history_limit: int

    @property
    def needs_request(self) -> bool:
        """True when a changed image waits for somebody to ask for it."""
        return self.request_gate is Gate.REQUIRED or self.start is Start.ON_REQUEST


def parse_spec(data: Json) -> Spec:
    """Raises FieldError. The CRD's schema refuses most of it earlier; this does not rely on it."""
    spec = Fields.of(data, "spec")
    strategy, analysis = spec.section("strategy"), spec.section("analysis")
    kind = strategy.text("type", "Canary")
    return Spec(
        image=image_of(spec),
        template={name: spec.data[name] for name in TEMPLATE_FIELDS if name in spec.data},
        replicas=spec.whole("replicas", 1, low=1),
        port=spec.whole("port", DEFAULT_PORT, low=1),
        start=spec.one_of("start", Start, Start.AUTO),
        request_gate=spec.section("gates").one_of("request", Gate, Gate.NONE),
        strategy=kind,
        strategy_options=strategy.section(f"{kind[:1].lower()}{kind[1:]}").data,
        analysis=analysis.data,
        on_undecided=analysis.one_of("onUndecided", OnUndecided, OnUndecided.HOLD),
        horizon_s=analysis.whole("horizonSeconds", 3600, low=1),
        progress_deadline_s=spec.whole(
            "progressDeadlineSeconds", DEFAULT_PROGRESS_DEADLINE_S, low=1
        ),
        history_limit=spec.whole("revisionHistoryLimit", DEFAULT_HISTORY_LIMIT),
    )


def image_of(spec: Fields) -> str:
    """The image; raises FieldError when it is named by tag, which may change its meaning."""
    image = spec.text("image")
    if not IMAGE_BY_DIGEST.fullmatch(image):
        raise FieldError(
            f"{spec.path}.image must name its digest (host/name@sha256:<64 hex>), this is {image!r}"
        )
    return image


def digest_of(image: str) -> str:
    """The `sha256:...` of an image by digest."""
    return image.rpartition("@")[2]
