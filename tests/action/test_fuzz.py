"""A thousand hostile strings in every place that a repository or a model can fill.

The oracles know nothing of our escaping: the runner's own rules for commands, and a CommonMark
parser with GitHub's tables for what is live in a comment.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import itertools
import json
import random
import re
import unicodedata
from collections import Counter
from typing import TYPE_CHECKING

from markdown_it import MarkdownIt

from checks.action_log import inert_streams
from checks.publish.bodies import COMMENT_LIMIT, MARKER, publication, unjudged
from checks.render import markdown
from checks.report import Figure, Finding, Grade, Location, ModelIdentity, Report, Severity, Verdict
from tests.action.acting import REPO, Job
from tests.action.hostile_text import strings
from tests.action.runner_files import commands
from tests.action.test_hostile import put_model
from tests.publish.reports import report

if TYPE_CHECKING:
    from tests.fakes.github import FakeGitHub

COUNT = 1000
PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
OURS = re.compile(
    r"</?(?:details|summary|code|b|strong|sub|br|p)(?: open)?/?>|<!-- holdpoint:comment:v1 -->"
)
MENTION = re.compile(r"(?<![\w`])@[A-Za-z0-9]")
LINK = re.compile(r"https?://|www\.[a-z]", re.IGNORECASE)


def filled(texts: list[str]) -> Report:
    """A report whose every free field holds one of the strings."""
    next_text = itertools.cycle(texts)
    finding = Finding(
        rule="deployment.probes", grade=Grade.MISSING, severity=Severity.CRITICAL,
        message=next(next_text), worth=0.1, where=Location(next(next_text), 3),
        recommendation=next(next_text),
    )  # fmt: skip
    figure = Figure(next(next_text), 0.5, next(next_text), 0.4, 0.6, 0.8, met=False, samples=3)
    verdict = Verdict(
        "deployment", False, 0.2, next(next_text), critical=True,
        recommendations=(next(next_text),), findings=(finding, finding), figures=(figure,),
    )  # fmt: skip
    model = ModelIdentity(next(next_text), "sha256:" + "1" * 64, next(next_text), 10)
    return dataclasses.replace(
        report(ready=False),
        models=(model,),
        verdicts=(verdict,),
        critical_issues=(next(next_text),),
        recommendations=(next(next_text),),
        next_steps=(next(next_text),),
        versions={next(next_text): next(next_text)},
        notes=(next(next_text), next(next_text)),
    )


def shape(text: str) -> Counter[str]:
    """What the parser sees, without the words: the same for every filling, or something is live."""
    return Counter(
        token.type for block in PARSER.parse(text) for token in (block, *(block.children or []))
    )


def live(text: str) -> list[str]:
    """Everything in a comment that does something, or is not ours."""
    found = []
    for block in PARSER.parse(text):
        for token in (block, *(block.children or [])):
            if token.type in {"html_block", "html_inline"}:
                found += [OURS.sub("", token.content)] if "<" in OURS.sub("", token.content) else []
            elif token.type in {"link_open", "image"}:
                found.append(str(token.attrs))
            elif token.type == "text":
                found += MENTION.findall(token.content) + LINK.findall(token.content)
    return found


def test_the_oracle_sees_what_is_live() -> None:
    assert live("hello @acme") == ["@a"]
    assert live("<img src=x>\n") == ["<img src=x>\n"]
    assert live("[x](https://evil.example)")
    assert live("see https://evil.example") == ["https://"]
    assert shape("| a |\n| - |\n| b |") != shape("| a |\n| - |\n| b |\n| c |")
    assert commands("  ::error file=a:b::x") == ["error"]
    assert commands("said ##[set-output name=x]y") == ["set-output"]
    assert commands(":: ##[ ::") == [""]


def test_a2_a_thousand_strings_of_metadata_are_inert() -> None:
    plain = shape(markdown.comment(filled(["plain"])))
    for seed, text in enumerate(strings(COUNT, 1)):
        around = [text, *strings(6, seed)]
        hostile = filled(around)
        made = publication(hostile, markdown.comment(hostile))
        assert made.comment.startswith(f"{MARKER}\n")
        assert made.comment.count(MARKER) == 1
        assert len(made.comment.encode()) <= COMMENT_LIMIT
        assert live(made.comment) == [], repr(around)
        if all(map(visible, around)):
            seen = shape(made.comment.removeprefix(f"{MARKER}\n"))
            assert_structure(plain, seen, repr(around))


def visible(text: str) -> bool:
    """Whether anything is left to see; an empty list item is another structure, and harmless."""
    return any(unicodedata.category(letter)[0] in "LNPS" for letter in text)


def assert_structure(plain: Counter[str], seen: Counter[str], about: str) -> None:
    """No table, list, heading or quotation more or less than with plain words."""
    kinds = {kind for kind in plain | seen if kind.endswith("_open") or kind in {"fence", "hr"}}
    assert {kind: plain[kind] for kind in kinds} == {kind: seen[kind] for kind in kinds}, about


def test_a_thousand_reasons_why_nothing_was_judged_are_inert() -> None:
    for text in strings(COUNT, 2):
        made = unjudged(text)
        assert live(made.comment) == [], repr(text)
        assert made.comment.count(MARKER) == 1 or MARKER in text


def test_a4_a_thousand_outputs_are_no_commands() -> None:
    for seed, text in enumerate(strings(COUNT, 3)):
        cut = random.Random(seed).randint(0, len(text))
        out, err = io.StringIO(), io.StringIO()
        with (
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
            inert_streams() as log,
        ):
            for stream in ("out", "err"):
                print(text[:cut], end="", file=log_stream(stream), flush=True)
                print(text[cut:], file=log_stream(stream))
            log.say(text)
            log.error(text)
            log.warning(text)
        assert commands(out.getvalue()) == ["error", "warning"], repr(text)
        assert commands(err.getvalue()) == [], repr(text)


def log_stream(name: str) -> io.TextIOBase:
    import sys  # noqa: PLC0415 - the streams of this moment

    return sys.stdout if name == "out" else sys.stderr  # type: ignore[return-value] # redirected


def test_a4_a_model_that_says_all_of_it(github: FakeGitHub, job: Job) -> None:
    texts = json.dumps(strings(COUNT, 4))
    job.start(example=True)
    put_model(
        job,
        f"import json, os, sys\ntexts = json.loads({texts!r})\n"
        "for text in texts:\n"
        "    raw = text.encode('utf-8', 'replace') + b'\\n'\n"
        "    for fd in (1, 2):\n"
        "        try: os.write(fd, raw)\n"
        "        except OSError: pass\n"
        "    print(text.encode('utf-8', 'replace').decode())\n"
        "raise ValueError(''.join(texts))\n",
    )
    head = job.push({})
    result = job.run()
    assert result.commands() in ([], ["error"])  # the error is ours
    assert [run.conclusion for run in github.check_runs(REPO, head)] == ["failure"]
    assert live(github.comments(REPO, 7)[0].body) == []
