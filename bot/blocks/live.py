"""A rollout's message: what it is, where it is, how it compares, and why it ended."""

from __future__ import annotations

from bot.blocks.parts import Block, context, header, seconds, section, told, who
from bot.escape import code, escaped, name, plain, short
from bot.live import Counts, Figures, FollowUp, LiveView, Stage

BAR = 20  # cells
MOST_FOLLOW_UPS = 5
_TITLES = {"Canary": "Canary", "Promote": "Promotion", "RollBack": "Rollback"}
_WORDS = {
    Stage.WAITING: (":hourglass_flowing_sand:", "Recorded, not taken up yet"),
    Stage.REFUSED: (":no_entry:", "Refused, nothing was changed"),
    Stage.RUNNING: (":large_blue_circle:", "Running"),
    Stage.HOLDING: (":double_vertical_bar:", "Holding"),
    Stage.PROMOTING: (":large_blue_circle:", "Promoting"),
    Stage.BAKING: (":large_blue_circle:", "Promoted, still watched"),
    Stage.ROLLING_BACK: (":rewind:", "Rolling back"),
    Stage.DEGRADED: (":rotating_light:", "Stuck, someone has to look"),
    Stage.PROMOTED: (":white_check_mark:", "Promoted"),
    Stage.ROLLED_BACK: (":rewind:", "Rolled back"),
    Stage.SUPERSEDED: (":fast_forward:", "Replaced by a newer request"),
    Stage.ENDED: (":black_circle:", "Ended"),
    Stage.UNKNOWN: (":grey_question:", "Not known yet whether this was recorded"),
}
_VERDICTS = {
    "worse": "the candidate is *worse* than stable",
    "fine": "the candidate is *fine*",
    "undecided": "*not decided yet*",
}


def render(view: LiveView) -> list[Block]:
    """The blocks, at most nine."""
    blocks = [header(_title(view)), section(_state(view))]
    if view.asked is not None or view.figures is not None:
        blocks.append(section(_chart(view)))
    if view.figures is not None and not view.final:
        blocks.append(section(_verdict(view.figures)))
    if view.follow_ups:
        shown = view.follow_ups[-MOST_FOLLOW_UPS:]
        blocks.append(section("\n".join(_follow_up(follow_up) for follow_up in shown)))
    blocks.append(context(_origin(view)))
    return blocks


def summary(view: LiveView) -> str:
    """One line for notifications and screen readers."""
    words = _WORDS[view.stage][1]
    reason = f" ({view.reason})" if view.reason else ""
    return escaped(f"{_title(view)}: {words}{reason}", 300)


def essence(view: LiveView) -> tuple[object, ...]:
    """What deserves an edit at once; figures that merely grow can wait a little."""
    return (view.stage, view.reason, view.asked, view.confirmed, view.follow_ups)


def _title(view: LiveView) -> str:
    weight = f" {view.wanted}%" if view.wanted is not None else ""
    return plain(f"{view.target}: {_TITLES.get(view.verb, view.verb)}{weight}", 140)


def _state(view: LiveView) -> str:
    sign, words = _WORDS[view.stage]
    lines = [f"{sign} *{words}*{_where(view)}"]
    if view.message:
        lines.append(told(view.message, 1000))
    if view.stage is Stage.UNKNOWN:
        lines.append(
            "The cluster did not answer. If it was recorded, this message goes on by itself."
        )
    if view.reason:
        lines.append(f"Reason: {code(view.reason, 60)}")
    if view.final and view.lasted_s is not None:
        lines.append(_duration(view))
    return "\n".join(lines)


def _where(view: LiveView) -> str:
    if view.final or view.asked is None:
        return ""
    if view.asked == view.confirmed:
        return f" · {view.confirmed}% of the traffic, confirmed by the gateway"
    was = 0 if view.confirmed is None else view.confirmed
    return f" · {view.asked}% of the traffic asked for, {was}% confirmed"


def _duration(view: LiveView) -> str:
    lasted = f"The rollout lasted {seconds(view.lasted_s or 0.0)}."
    if view.stage is Stage.ROLLED_BACK and view.decided_s is not None:
        return f"Traffic was back at 0% {_after(view.decided_s)} the decision. {lasted}"
    return lasted


def _after(span: float) -> str:
    return "within a second of" if span < 1 else f"{seconds(span)} after"


def _chart(view: LiveView) -> str:
    lines = []
    if view.asked is not None:
        confirmed = view.confirmed or 0
        lines.append(f"traffic    {_bar(view.asked, confirmed)} {confirmed:>3}%")
    if view.figures is not None:
        lines.append(_counts("candidate", view.figures.candidate))
        lines.append(_counts("stable", view.figures.stable))
    return "```" + "\n".join(lines) + "```"


def _bar(asked: int, confirmed: int) -> str:
    """Confirmed cells are solid, asked-for ones shaded; anything above 0 shows at least one."""
    full = _cells(confirmed)
    coming = max(0, _cells(asked) - full)
    return "█" * full + "▒" * coming + "░" * (BAR - full - coming)


def _cells(weight: int) -> int:
    return 0 if weight <= 0 else min(BAR, max(1, round(weight * BAR / 100)))


def _counts(side: str, counts: Counts) -> str:
    rate = f"{100 * counts.errors / counts.requests:.2f}%" if counts.requests else "-"
    return f"{side:<10} {counts.requests:>11,} requests {counts.errors:>9,} errors {rate:>8}"


def _verdict(figures: Figures) -> str:
    words = _VERDICTS.get(figures.verdict, name(figures.verdict))
    more = ""
    if figures.verdict == "undecided" and figures.more is not None:
        more = f" About {figures.more:,} more requests to the candidate will tell."
    detail = f"\n{escaped(figures.message, 500)}" if figures.message else ""
    return f"So far: {words}.{more}{detail}"


def _follow_up(follow_up: FollowUp) -> str:
    verb = _TITLES.get(follow_up.verb, name(follow_up.verb))
    state = "recorded" if follow_up.phase == "Pending" else follow_up.phase.lower()
    reason = f", {code(follow_up.reason, 60)}" if follow_up.reason else ""
    asked = f"{verb} asked for by {who(follow_up.by, follow_up.name)}: {escaped(state)}{reason}"
    refused = follow_up.phase == "Refused" and follow_up.message
    return f"{asked}. {told(follow_up.message, 300)}" if refused else f"{asked}."


def _origin(view: LiveView) -> str:
    parts = [f"Asked for by {who(view.by, view.name)}"]
    if view.commit:
        parts.append(f"commit {code(short(view.commit))}")
    if view.model_digest:
        parts.append(f"model {code(short(view.model_digest))}")
    if view.image:
        parts.append(f"image {code(short(view.image.rpartition('@')[2]))}")
    if view.score:
        parts.append(_score(view))
    parts.append(f"request {code(view.request)}")
    return " · ".join(parts)


def _score(view: LiveView) -> str:
    score = f"score {escaped(view.score.rstrip('0'), 10)}"
    address = view.report
    if address.startswith(("https://", "http://")) and not set(address) & set("<>| "):
        return f"<{escaped(address, 500)}|{score}>"
    return score
