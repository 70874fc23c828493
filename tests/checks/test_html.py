"""The HTML page: it stands alone, shows the report, and quoted text does nothing in it."""

from __future__ import annotations

import base64
import hashlib
import re
import subprocess
import sys
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from checks.render import html
from checks.render.inert import plain
from checks.report import BaseCheck, BaseReport, Grade, Report, Severity, Verdict
from tests.checks.test_render import HOSTILE, compared, finding, report

if TYPE_CHECKING:
    from collections.abc import Sequence

VOID = {"meta", "br"}
MAY_LOAD = {"src", "srcset", "href", "xlink:href", "data", "action", "poster", "background"}
PAGE = (
    "html head meta title style body header main section div h1 h2 h3 p ul ol li span a b br code"
)
PARTS = "table thead tbody tr th td dl dt dd details summary figure figcaption"
SVG = "svg desc text line rect circle polyline"
ALLOWED = set(f"{PAGE} {PARTS} {SVG}".split())
DETAILS: dict[str, object] = {
    "classes": ["no", "yes"],
    "confusion": [[616, 13], [58, 27]],
    "single_ms": [1.0, 2.0, 3.5],
    "calibration": [
        {"bin": 14, "confidence": 0.97, "accuracy": 0.9, "low": 0.8, "high": 0.95, "rows": 714}
    ],
}


@dataclass
class Node:
    """An element with its text, without its children's."""

    tag: str
    attributes: dict[str, str | None]
    text: str = ""
    children: list[Node] = field(default_factory=list)

    def all(self, tag: str) -> list[Node]:
        """Every element of that name below this one, in order."""
        below = [found for child in self.children for found in child.all(tag)]
        return [self, *below] if self.tag == tag else below

    def shown(self) -> str:
        """The text of this element and all below."""
        return " ".join([self.text, *(child.shown() for child in self.children)]).strip()


class Tree(HTMLParser):
    """Parses strictly: every element that is opened is closed, in order."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Node("", {})
        self.open = [self.root]
        self.feed(page)
        self.close()
        assert self.open == [self.root], [node.tag for node in self.open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = Node(tag, dict(attrs))
        assert len(node.attributes) == len(attrs)
        self.open[-1].children.append(node)
        if tag not in VOID:
            self.open.append(node)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop().tag == tag

    def handle_data(self, data: str) -> None:
        self.open[-1].text += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)


def tree(page: str) -> Node:
    """The page's elements."""
    return Tree(page).root


def everything(node: Node) -> list[Node]:
    """The element and all below it."""
    return [node, *(found for child in node.children for found in everything(child))]


def with_details(details: dict[str, object]) -> Report:
    """A report whose only check has these details."""
    base = report(finding("runs as root"))
    return replace(base, verdicts=(replace(base.verdicts[0], details=details),))


def rows_of(root: Node) -> list[list[str]]:
    """The cells of every table row."""
    return [[cell.shown() for cell in row.all("td")] for row in root.all("tr")]


def test_it_says_what_matters_in_this_order() -> None:
    shown = html.page(report(finding("runs as root")))
    order = ["0.70</div>", "Not ready</h1>", "What to fix first", "mend it", "<h2>Checks", "Score"]
    order += ["<h2>Deployment", "runs as root", "0.85 to 0.95", "Notes"]
    positions = [shown.find(each) for each in order]
    assert -1 not in positions
    assert positions == sorted(positions)


def test_a_finding_has_grade_place_points_and_what_to_do() -> None:
    rows = rows_of(tree(html.page(report(finding("runs as root")))))
    row = next(row for row in rows if row and row[0] == "major")
    assert "runs as root" in row[1]
    assert "mend it" in row[1]
    assert row[2:] == ["found", "k8s/a.yaml:7", "0.10 of 0.20"]


def test_a_figure_has_interval_threshold_and_count() -> None:
    rows = rows_of(tree(html.page(report())))
    assert ["accuracy", "0.9", "0.85 to 0.95", "≥ 0.8 ✓", "714"] in rows


def test_what_is_in_order_is_folded_and_what_is_missing_is_not() -> None:
    calm = finding("pinned base", severity=Severity.INFO)
    missing = finding("no budget", severity=Severity.INFO, grade=Grade.MISSING)
    root = tree(html.page(report(calm, missing, finding("runs as root"))))
    folded = " ".join(node.shown() for node in root.all("details"))
    assert "pinned base" in folded
    assert "no budget" not in folded
    assert "runs as root" not in folded
    assert "1 finding in order" in folded


def test_links_of_the_table_lead_to_the_checks() -> None:
    base = report()
    verdicts = tuple(replace(base.verdicts[0], check_name=f"check_{n}") for n in range(12))
    root = tree(html.page(replace(base, verdicts=verdicts)))
    targets = [node.attributes["href"] for node in root.all("a")]
    assert targets == [f"#check-{n}" for n in range(1, 13)]
    identities = [node.attributes["id"] for node in everything(root) if "id" in node.attributes]
    assert {f"#{identity}" for identity in identities} >= set(targets)
    assert len(identities) == len(set(identities))


def test_the_change_against_the_base_is_shown() -> None:
    root = tree(html.page(compared(0.9)))
    assert "▼ -0.20 against main" in " ".join(root.all("header")[0].shown().split())
    assert ["Deployment", "failed", "0.70", "▼ -0.20", "half of it"] in rows_of(root)


def test_it_stands_alone() -> None:
    page = html.page(with_details(DETAILS))
    nodes = everything(tree(page))
    assert {node.tag for node in nodes} - {""} <= ALLOWED
    for node in nodes:
        assert "style" not in node.attributes, "the policy refuses style attributes"
        assert not any(name.startswith("on") for name in node.attributes)
        for name in MAY_LOAD & set(node.attributes):
            assert (node.attributes[name] or "").startswith("#")
    assert "http:" not in page
    assert "https:" not in page
    assert "@import" not in page
    assert "url(" not in page


def test_its_policy_lets_in_exactly_its_own_style() -> None:
    root = tree(html.page(report()))
    metas = root.all("meta")
    contents = {m.attributes.get("http-equiv"): m.attributes.get("content") for m in metas}
    style = root.all("style")
    assert len(style) == 1
    digest = base64.b64encode(hashlib.sha256(style[0].text.encode()).digest()).decode()
    wanted = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert contents["Content-Security-Policy"] == wanted
    assert "prefers-color-scheme: dark" in style[0].text


def test_every_class_that_is_used_has_a_style() -> None:
    root = tree(html.page(with_details(DETAILS)))
    style = root.all("style")[0].text
    used = {
        name for node in everything(root) for name in (node.attributes.get("class") or "").split()
    }
    assert used
    known = set(re.findall(r"\.([a-z]+)", style))
    assert used - known <= {"info"}, "which looks as every tag does"


MORE_HOSTILE = [
    '"><script>alert(1)</script>',
    "' onload='x",
    "{{ 7 * 7 }}",
    "</style></svg></title>",
]


@pytest.mark.parametrize("text", [*HOSTILE, *MORE_HOSTILE])
def test_quoted_text_does_nothing_and_can_be_read(text: str) -> None:
    hostile = _hostile(text)
    nodes = everything(tree(html.page(hostile)))
    harmless = _hostile("x" * len(plain(text)))
    calm = everything(tree(html.page(harmless)))
    assert [node.tag for node in nodes] == [node.tag for node in calm]
    assert [set(node.attributes) for node in nodes] == [set(node.attributes) for node in calm]
    assert sum(plain(text) in node.text for node in nodes) > 10


def _hostile(text: str) -> Report:
    base = report(finding(text, recommendation=text))
    verdict = base.verdicts[0]
    figure = replace(verdict.figures[0], name=text, unit=text)
    details = {**DETAILS, "classes": [text, "yes"]}
    changed = replace(verdict, check_name=text, message=text, figures=(figure,), details=details)
    return replace(
        base,
        verdicts=(changed,),
        critical_issues=(text,),
        next_steps=(text,),
        notes=(text,),
        models=tuple(replace(model, path=text, format=text) for model in base.models),
        timestamp=text,
        commit=text,
        repository=text,
        data_digest=text,
        versions={text: text},
        base=BaseReport(
            text, text, 0.5, False, (BaseCheck(text, True, 0.5),), (), (text,), (text,)
        ),
    )


def test_control_and_direction_characters_are_gone() -> None:
    page = html.page(_hostile("a\x1b[2Jb\u202ec\x00d\ud800e"))
    assert not set(page) & {"\x1b", "\u202e", "\x00", "\ud800"}
    page.encode()


def test_long_lists_are_cut_and_it_is_said() -> None:
    many = report(*[finding(f"thing {n}", recommendation=f"fix {n}") for n in range(600)])
    page = html.page(many)
    assert "100 more findings in the JSON report" in page
    assert "…and 400 more in the JSON report" in page


def test_what_to_fix_after_the_first_few_is_folded() -> None:
    root = tree(html.page(report(*[finding(f"{n}", recommendation=f"fix {n}") for n in range(9)])))
    assert root.all("summary")[0].text == "3 more"
    first, rest = root.all("ol")
    assert [each.text for each in rest.all("li")] == ["fix 6", "fix 7", "fix 8"]
    assert (len(first.all("li")), rest.attributes["start"]) == (6, "7")


def test_a_report_without_checks_is_a_page() -> None:
    empty = replace(
        report(), verdicts=(), overall_score=None, models=(), commit=None, data_digest=None
    )
    root = tree(html.page(empty))
    assert root.all("h1")[0].text == "Not ready"
    assert root.all("svg") == []


def test_it_is_the_same_every_time() -> None:
    verdicts: Sequence[Verdict] = with_details(DETAILS).verdicts
    twice = replace(report(), verdicts=(*verdicts, *verdicts))
    assert html.page(twice) == html.page(twice)


def test_the_style_and_the_template_are_in_the_package() -> None:
    """A page is made outside the checkout, by the console script's own interpreter."""
    code = "from checks.render import html; print(len(html.policy('x')))"
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
