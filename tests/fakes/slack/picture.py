"""Blocks as a page that looks about as Slack shows them, to be looked at.

    python -m tests.fakes.slack.picture OUT.html   # then open it, or let a browser make a picture

It draws the kinds of blocks that the bot uses; fonts and colours are near enough to judge by.
"""

from __future__ import annotations

import html
import re
import sys
from pathlib import Path
from typing import Any

from bot.blocks import live as live_blocks
from bot.live import Stage
from tests.bot.test_blocks import view

STYLE = """
body{font:15px/1.46 Lato,Helvetica,Arial,sans-serif;color:#1d1c1d;width:680px;margin:20px}
h3{font-size:18px;margin:4px 0}.m{border-left:4px solid #ddd;padding:6px 12px;margin:0 0 22px}
pre{background:#f8f8f8;border:1px solid #ddd;border-radius:4px;padding:8px;
font-size:12px;margin:4px 0}
code{background:#f6f6f6;border:1px solid #ddd;border-radius:3px;color:#c01343;
font-size:12px;padding:1px 3px}
small{color:#616061;font-size:13px}button{border:1px solid #bbb;border-radius:4px;background:#fff;
font-weight:700;padding:6px 12px;margin:6px 8px 0 0}.primary{background:#007a5a;color:#fff}
.danger{background:#e01e5a;color:#fff}a,.at{color:#1264a3}
"""


def page(messages: list[list[dict[str, Any]]]) -> str:
    """The messages below each other."""
    body = "".join(f'<div class="m">{"".join(map(_block, blocks))}</div>' for blocks in messages)
    return f'<!doctype html><meta charset="utf-8"><style>{STYLE}</style>{body}'


def _block(block: dict[str, Any]) -> str:
    if block["type"] == "header":
        return f"<h3>{html.escape(block['text']['text'])}</h3>"
    if block["type"] == "actions":
        return "".join(
            f'<button class="{e.get("style", "")}">{html.escape(e["text"]["text"])}</button>'
            for e in block["elements"]
        )
    if block["type"] == "context":
        return "".join(f"<small>{_mrkdwn(e['text'])}</small>" for e in block["elements"])
    return f"<div>{_mrkdwn(block['text']['text'])}</div>"


def _mrkdwn(text: str) -> str:
    shown = re.sub(r"<(?:!date\^[^|]*|https?:[^|>]*)\|([^>]*)>", r"[[\1]]", text)
    shown = re.sub(r"<@([^>]*)>", r"[[@\1]]", shown)
    shown = re.sub(r"```(.*?)```", r"<pre>\1</pre>", shown, flags=re.DOTALL)
    shown = re.sub(r"`([^`]*)`", r"<code>\1</code>", shown)
    shown = re.sub(r"\*([^*\n]+)\*", r"<b>\1</b>", shown)
    shown = re.sub(r"\[\[(.*?)\]\]", r'<span class="at">\1</span>', shown)
    parts = re.split(r"(<pre>.*?</pre>)", shown, flags=re.DOTALL)
    return "".join(p if p.startswith("<pre>") else p.replace("\n", "<br>") for p in parts)


def samples() -> list[list[dict[str, Any]]]:
    """One message a stage that people see most."""
    return [
        live_blocks.render(view(stage=Stage.RUNNING, environment="prod")),
        live_blocks.render(view(stage=Stage.HOLDING, reason="Paused", target="a-" * 26 + "b")),
        live_blocks.render(
            view(
                stage=Stage.ROLLED_BACK, reason="CandidateWorse", asked=0, confirmed=0,
                message="31 of 212 requests failed.", lasted_s=74.0, decided_s=0.4,
            )
        ),
    ]  # fmt: skip


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(samples()), encoding="utf-8")
