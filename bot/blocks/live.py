"""A rollout's message: what it is, where it is, how it compares, and why it ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.blocks.buttons import actions
from bot.blocks.chart import chart, ladder
from bot.blocks.parts import Block, context, header, seconds, section, told, who
from bot.escape import code, escaped, name, plain, short
from bot.live import FollowUp, LiveView, Stage

if TYPE_CHECKING:
    from rollouts.model import Standing

MOST_FOLLOW_UPS = 5
_TITLES = {
    "Canary": "Canary",
    "Promote": "Promotion",
    "RollBack": "Rollback",
    "Pause": "Pause",
    "Resume": "Resumption",
    "Abort": "Abort",
}
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
_ASKS = (":raised_hand:", "Waits for approval by somebody else than who asked")
_VERDICTS = {
    "worse": "the candidate is *worse* than stable",
    "fine": "the candidate is *fine*",
    "undecided": "*not decided yet*",
}


def render(view: LiveView) -> list[Block]:
    """The blocks, at most nine."""
    blocks = [header(_title(view)), section(_state(view))]
    if view.asked is not None or view.figures is not None:
        blocks.append(section(chart(view.asked, view.confirmed, view.figures)))
    if view.figures is not None and not view.final:
        blocks.append(section(_verdict(view)))
    if view.follow_ups:
        shown = view.follow_ups[-MOST_FOLLOW_UPS:]
        blocks.append(section("\n".join(_follow_up(follow_up) for follow_up in shown)))
    blocks += actions(view)
    blocks.append(context(_origin(view)))
    return blocks


def summary(view: LiveView) -> str:
    """One line for notifications and screen readers."""
    words = _words(view)[1]
    reason = f" ({view.reason})" if view.reason else ""
    return escaped(f"{_title(view)}: {words}{reason}", 300)


def essence(view: LiveView) -> tuple[object, ...]:
    """What deserves an edit at once; figures that merely grow can wait a little."""
    return (
        view.stage,
        view.reason,
        view.asked,
        view.confirmed,
        view.follow_ups,
        view.standing,
        view.progress.at,
    )


def _title(view: LiveView) -> str:
    weight = f" {view.wanted}%" if view.wanted is not None else ""
    where = f" in {view.environment}" if view.environment else ""
    return plain(f"{view.target}{where}: {_TITLES.get(view.verb, view.verb)}{weight}", 140)


def _state(view: LiveView) -> str:
    sign, words = _words(view)
    lines = [f"{sign} *{words}*{_where(view)}"]
    if view.override:
        lines.append(
            f":rotating_light: *Break-glass*: locks were overridden by {code(view.override)}."
        )
    if view.standing is not None:
        lines.append(_consent(view.standing))
    if not view.final and (steps := ladder(view.progress)):
        lines.append(f"Steps: {steps}{_due(view)}")
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


def _words(view: LiveView) -> tuple[str, str]:
    standing = view.standing
    if view.stage is Stage.WAITING and standing and not (standing.enough or standing.rejected_by):
        return _ASKS
    return _WORDS[view.stage]


def _consent(standing: Standing) -> str:
    if standing.rejected_by:
        return f":no_entry: Rejected by *{name(standing.rejected_by)}*."
    given = ", ".join(f"*{name(each)}*" for each in standing.given[:5])
    by = f", by {given}" if given else ""
    missing = max(0, standing.required - len(standing.given))
    wait = f"; waits for {missing} more" if missing else ""
    return (
        f":busts_in_silhouette: {len(standing.given)} of {standing.required} approvals{by}{wait}."
    )


def _due(view: LiveView) -> str:
    """In each reader's own time zone; the text behind the bar is for clients that cannot."""
    due = view.progress.due
    if due is None:
        return ""
    at = f"<!date^{int(due.timestamp())}^{{time_secs}}|{due:%H:%M:%S} UTC>"
    return f"; the next one not before {at}"


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


def _verdict(view: LiveView) -> str:
    figures = view.figures
    if figures is None:
        return ""
    words = _VERDICTS.get(figures.verdict, name(figures.verdict))
    more = ""
    if figures.verdict == "undecided" and figures.more is not None:
        eta = view.progress.eta_s
        about = f", about {seconds(eta)} at this rate" if eta is not None else ""
        more = f" About {figures.more:,} more requests to the candidate will tell{about}."
    detail = f"\n{escaped(figures.message, 500)}" if figures.message else ""
    return f"So far: {words}.{more}{detail}"


def _follow_up(follow_up: FollowUp) -> str:
    verb = _TITLES.get(follow_up.verb, name(follow_up.verb))
    state = "recorded" if follow_up.phase == "Pending" else follow_up.phase.lower()
    reason = f", {code(follow_up.reason, 60)}" if follow_up.reason else ""
    asked = f"{verb} asked for by {who(follow_up.by, follow_up.name)}: {escaped(state)}{reason}"
    refused = follow_up.phase == "Refused" and follow_up.message
    if follow_up.phase == "Pending" and follow_up.reason == "AwaitingApproval":
        then = code(f"approve {follow_up.request}", 100)
        return f":raised_hand: {asked}. {told(follow_up.message, 300)}. An approver says {then}."
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
