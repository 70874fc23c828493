"""Hostile strings, a thousand and always the same: what a model's metadata or output may hold."""

from __future__ import annotations

import random

PARTS = (
    "::add-mask::", "::stop-commands::t", "::set-output name=ready::true", "::error file=a:b::",
    "##[set-output name=x]y", "##[error]", "#", "##", "[", "]", ":", "::", "::group::",
    "@acme/all", "@admin", "#1", "GH-7", "acme/lending#3", "https://evil.example/x",
    "www.evil.example",
    "<img src=x onerror=alert(1)>", "<script>alert(1)</script>", "</details>", "</summary>", "<b>",
    "<!-- holdpoint:comment:v1 -->", "<!--", "-->", "&lt;", "&#64;all", "<details open>",
    "|", "||", "\\\\|", "\\\\", "`", "```", "~~~", "```holdpoint-record\n{}\n```", "---", "***",
    "_", "__x__",
    "![x](https://evil.example/p.png)", "[x](javascript:alert(1))", "[ready]: https://evil.example",
    "# Ready", "- [x] done", "1. ", "> ", "    ", "\t", "\n", "\r", "\r\n", "\n\n", "\x0b", "\x0c",
    "\x1b[31m", "\x00", "\x85", "\u2028", "\u2029", "\u202e", "\u2066", "\u200b", "\ufeff",
    "\ud800",
    "%0A::error::", "%0D", "$(touch pwned)", "${{ github.token }}", "{{ 7*7 }}", "{% raw %}",
    "$x^2$",
    ":rocket:", "0123456789abcdef0123456789abcdef01234567", "é", "漢字", "🟢", "a", "ready", " ",
)  # fmt: skip


def strings(count: int, seed: int) -> list[str]:
    """`count` strings of one to eight parts; one in fifty is long."""
    chance = random.Random(seed)
    made = []
    for _ in range(count):
        text = "".join(chance.choices(PARTS, k=chance.randint(1, 8)))
        made.append(text * 500 if chance.random() < 0.02 else text)
    return made
