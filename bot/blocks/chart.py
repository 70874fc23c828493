"""The small chart of a live message, as text: traffic, steps, and the two revisions compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.escape import plain

if TYPE_CHECKING:
    from bot.live import Counts, Figures
    from bot.progress import Progress

BAR = 20  # cells


def chart(asked: int | None, confirmed: int | None, figures: Figures | None) -> str:
    """A fenced block, at most five lines."""
    lines = []
    if asked is not None:
        sure = confirmed or 0
        lines.append(f"traffic    {bar(asked, sure)} {sure:>3}%")
    if figures is not None:
        worst = max(_rate(figures.candidate), _rate(figures.stable))
        lines += [
            _counts("candidate", figures.candidate, worst),
            _counts("stable", figures.stable, worst),
        ]
    return "```" + "\n".join(lines) + "```"


def ladder(progress: Progress) -> str:
    """`10% ✓ → *25%* → 50% → 100%`, or "" without steps."""
    if not progress.steps or progress.at is None:
        return ""
    shown = []
    for number, weight in enumerate((*progress.steps, 100)):
        if number < progress.at:
            shown.append(f"{weight}% ✓")
        else:
            shown.append(f"*{weight}%*" if number == progress.at else f"{weight}%")
    return " → ".join(shown)


def bar(asked: int, confirmed: int) -> str:
    """Confirmed cells are solid, asked-for ones shaded; anything above 0 shows at least one."""
    full = _cells(confirmed)
    coming = max(0, _cells(asked) - full)
    return "█" * full + "▒" * coming + "░" * (BAR - full - coming)


def _cells(weight: int) -> int:
    return 0 if weight <= 0 else min(BAR, max(1, round(weight * BAR / 100)))


def _counts(side: str, counts: Counts, worst: float) -> str:
    share = _rate(counts)
    rate = f"{100 * share:.2f}%" if counts.requests else "-"
    cells = 0 if share <= 0 else max(1, round(8 * share / worst))
    latency = f" {plain(counts.latency, 8)} s" if counts.latency else ""
    figures = f"{counts.requests:>11,} requests {counts.errors:>9,} errors {rate:>8}"
    return f"{side:<10} {figures} {'▮' * cells}{latency}".rstrip()


def _rate(counts: Counts) -> float:
    return counts.errors / counts.requests if counts.requests else 0.0
