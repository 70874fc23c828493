"""The buttons of a live message that are valid now, and what they ask before they act."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.blocks.parts import Block, plain_text
from bot.buttons import ACTION, value
from bot.live import Stage

if TYPE_CHECKING:
    from bot.live import LiveView

PAUSED = "Paused"
_LABELS = {
    "approve": ("Approve", "primary"),
    "reject": ("Reject", "danger"),
    "promote": ("Promote", "primary"),
    "pause": ("Pause", ""),
    "resume": ("Resume", ""),
    "abort": ("Abort", "danger"),
    "rollback": ("Roll back", "danger"),
}
_SURE = {
    "promote": "Gives the candidate all of the traffic.",
    "abort": "Takes the candidate back to 0% of the traffic.",
    "rollback": "Returns to the revision that was stable before.",
    "approve": "It is verified once more, and your name stands on it.",
}


def actions(view: LiveView) -> list[Block]:
    """One block of buttons, or none."""
    verbs = valid(view)
    if not verbs:
        return []
    return [{"type": "actions", "elements": [_button(verb, view) for verb in verbs]}]


def valid(view: LiveView) -> tuple[str, ...]:
    """The verbs that make sense in this state."""
    if view.stage is Stage.WAITING:
        asks = view.standing is not None and not view.standing.rejected_by
        return ("approve", "reject") if asks else ()
    if view.stage is Stage.HOLDING and view.reason == PAUSED:
        return ("resume", "abort")
    if view.stage in (Stage.RUNNING, Stage.HOLDING):
        return ("promote", "pause", "abort")
    if view.stage is Stage.PROMOTING:
        return ("abort",)
    return ("rollback",) if view.stage is Stage.BAKING else ()


def _button(verb: str, view: LiveView) -> Block:
    label, style = _LABELS[verb]
    named = view.request if verb in ("approve", "reject") else ""
    text = " ".join(word for word in (verb, named, view.target, view.environment) if word)
    button: Block = {
        "type": "button",
        "text": plain_text(label, 75),
        "action_id": f"{ACTION}:{verb}",
        "value": value(text, view.request)[:2000],
        **({"style": style} if style else {}),
    }
    if verb in _SURE:
        button["confirm"] = _confirm(label, verb, view)
    return button


def _confirm(label: str, verb: str, view: LiveView) -> Block:
    where = f" in {view.environment}" if view.environment else ""
    return {
        "title": plain_text(f"{label} {view.target}{where}?", 100),
        "text": plain_text(_SURE[verb], 300),
        "confirm": plain_text(label, 30),
        "deny": plain_text("Cancel", 30),
    }
