"""Pages about a topic that have something to say, and links that lead nowhere.

Used by the documentation check. A heading alone is no guide: what stands below it has to be of some
length once placeholders are taken away. It deliberately does not judge whether the text is right.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

from checks.evidence import documents
from checks.evidence.release import Defect
from checks.evidence.repository import IGNORED, FileError
from checks.report import Evidence, Location, Severity, State

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from checks.evidence.documents import Section
    from checks.evidence.repository import Repository

LEAST_WORDS = 25  # below it a page is a stub
MOST_LINKS_SHOWN = 20
_TOPICS = {
    "deployment": r"\bdeploy|\breleas(?:e|es|ing)\b|\broll(?:ing)?[\s_-]?outs?\b",
    "troubleshooting": (
        r"\btrouble[\s_-]?shoot|\bdebugging\b|\bfaq\b"
        r"|\b(?:common|known) (?:problems|errors|issues|failures)\b|\bwhen .{1,40}(?:fails|wrong)\b"
    ),
    "monitoring": r"\bmonitor|\bobservab|\balert(?:s|ing)?\b|\bdashboards?\b",
    "onboarding": (
        r"\bon[\s_-]?boarding\b|\bgetting[\s_-]started\b|\bquick[\s_-]?start\b|\bcontributing\b"
        r"|\bfirst (?:day|week|steps|change)\b|\bdevelopment setup\b"
    ),
    "incident": (
        r"\bincidents?\b|\bon[\s_-]?call\b|\bpost[\s_-]?mortems?\b|\boutages?\b|\brun[\s_-]?books?\b"
    ),
}
TOPICS = {name: re.compile(pattern, re.IGNORECASE) for name, pattern in _TOPICS.items()}
_NO_GUIDE = re.compile(
    r"(?:^|/)(?:changelog|changes|history|news|licen[cs]e|code_of_conduct)", re.I
)
_PLACEHOLDER = re.compile(
    r"\b(?:todo|tbd|fixme|coming soon|lorem ipsum|to be (?:written|done|added|defined))\b", re.I
)
_WORD = re.compile(r"\w{2,}")
_LINK = re.compile(r"\]\(\s*<?([^()\s<>\[\]]{1,500})")
_REFERENCE = re.compile(r"^ {0,3}\[[^\]]{1,100}\]:\s+<?([^\s<>]{1,500})")
_CODE = re.compile(r"`[^`]*`")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:|//", re.IGNORECASE)


def collect(sections: Sequence[Section]) -> tuple[dict[str, list[Evidence]], list[Defect]]:
    """Guides by topic, those of a whole page first; and stubs."""
    found: dict[str, list[Evidence]] = {f"{name}.guide": [] for name in TOPICS}
    found["deployment.commands"] = []
    stubs: list[Defect] = []
    for index, section in enumerate(sections):
        if _NO_GUIDE.search(section.path):
            continue
        body = body_of(sections, index)
        for topic in _topics(section):
            if words(body) < LEAST_WORDS:
                stubs.append(_stub(topic, section))
                continue
            evidence = Evidence("found", State.FOUND, f"“{section.title[:80]}”", section.where)
            found[f"{topic}.guide"].append(evidence)
            if topic == "deployment" and documents.has_commands(body):
                found["deployment.commands"].append(evidence)
    for each in found.values():
        each.sort(key=lambda evidence: (evidence.where.line or 1) if evidence.where else 1)
    return found, stubs


def body_of(sections: Sequence[Section], index: int) -> tuple[str, ...]:
    """The lines of a section and of those below it."""
    first = sections[index]
    lines = list(first.lines)
    for each in sections[index + 1 : index + 200]:
        if each.path != first.path or each.level <= first.level:
            break
        lines += [each.title, *each.lines]
    return tuple(lines)


def words(lines: Sequence[str]) -> int:
    """How many words stand in lines that are no placeholders."""
    return sum(len(_WORD.findall(x[:2000])) for x in lines if not _PLACEHOLDER.search(x[:2000]))


def _topics(section: Section) -> list[str]:
    title = section.title[:200]
    if section.level == 1:
        title += " " + re.sub(r"[_-]", " ", posixpath.basename(section.path)[:100])
    return [name for name, pattern in TOPICS.items() if pattern.search(title)]


def _stub(topic: str, section: Section) -> Defect:
    return Defect(
        f"stub.{topic}",
        Severity.MINOR,
        f"{section.path}: “{section.title[:80]}” is a heading with hardly any text",
        section.where,
        f"{section.path}: write what “{section.title[:80]}” promises, or take it away",
    )


def broken_links(repository: Repository) -> tuple[list[Defect], int]:
    """Links within the repository whose target is not there, and how many links were followed."""
    folders = _folders(repository)
    defects: list[Defect] = []
    followed = broken = 0
    for file in list(repository.matching("*.md"))[: documents.MAX_PAGES]:
        try:
            text = repository.read_text(file.path)
        except FileError:
            continue
        for line, target in links(text):
            path = _resolved(file.path, target)
            if path is None:
                continue
            followed += 1
            if not _is_there(repository, folders, path):
                broken += 1
                if len(defects) < MOST_LINKS_SHOWN:
                    defects.append(_broken(file.path, line, target))
    return defects, followed


def links(text: str) -> Iterator[tuple[int, str]]:
    """Every link target of a Markdown page with its line; none of those in code."""
    fenced = False
    for number, line in enumerate(text.splitlines(), start=1):
        if line.lstrip().startswith(("```", "~~~")):
            fenced = not fenced
        if fenced or line.startswith(("    ", "\t")):
            continue
        plain = _CODE.sub("", line[:4000])
        for match in (*_LINK.finditer(plain), *_REFERENCE.finditer(plain)):
            yield number, match[1]


def _resolved(page: str, target: str) -> str | None:
    """The path that a link means, or None when it leads elsewhere."""
    target = unquote(re.split(r"[#?]", target, maxsplit=1)[0])
    if not target or _SCHEME.match(target) or "{" in target or "\0" in target:
        return None
    folder = "" if target.startswith("/") else posixpath.dirname(page)
    path = posixpath.normpath(posixpath.join(folder, target.lstrip("/")))
    if path.split("/")[0] in {".", ".."} or IGNORED & set(path.split("/")):
        return None
    return path


def _is_there(repository: Repository, folders: set[str], path: str) -> bool:
    """Also as sites write it: without the suffix, as .html, or as a folder's index."""
    stem = path.removesuffix(".html")
    if path in folders or any(repository.find(p) for p in (path, f"{stem}.md", f"{stem}.rst")):
        return True
    parent = posixpath.dirname(path)
    return (not parent or parent in folders) and (repository.root / path).is_symlink()


def _folders(repository: Repository) -> set[str]:
    found: set[str] = set()
    for file in repository.files:
        parent = posixpath.dirname(file.path)
        while parent and parent not in found:
            found.add(parent)
            parent = posixpath.dirname(parent)
    return found


def _broken(path: str, line: int, target: str) -> Defect:
    return Defect(
        "link",
        Severity.MINOR,
        f"{path} links to {target[:200]}, which is not in the repository",
        Location(path, line),
        f"{path}: mend the link to {target[:200]}",
    )
