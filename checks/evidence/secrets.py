"""Secrets that lie in the tree: private keys and tokens, by their published formats.

Used by the security check. A finding says file, line and kind, never the secret. Placeholders and
strings without the entropy of a real token are left out, because a list that is mostly wrong is not
read. Formats are those that the issuers publish for secret scanning.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from checks.evidence.repository import FileError
from checks.report import Location

if TYPE_CHECKING:
    from checks.evidence.repository import Repository

MAX_TOTAL = 256 << 20  # bytes of text looked through in all
MAX_LINE = 4000
MIN_ENTROPY = 3.0  # bits a character; words repeated and keyboard rows stay below
KINDS = {
    "a private key": r"-----BEGIN (?:[A-Z]{2,9} )?PRIVATE KEY(?: BLOCK)?-----",
    "an AWS access key": r"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b",
    "an AWS secret key": r"(?i:aws_?secret_?(?:access_?)?key)\W{1,6}([A-Za-z0-9/+]{40})(?![\w/+])",
    "a GitHub token": r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_\w{60,})\b",
    "a GitLab token": r"\bglpat-[\w-]{20,}",
    "a Slack token": r"\bxox[abeoprs]-[0-9A-Za-z-]{20,}",
    "a Slack webhook": r"hooks\.slack\.com/services/(T\w{8,}/B\w{8,}/\w{20,})",
    "a Google API key": r"\bAIza[\w-]{35}(?![\w-])",
    "a Stripe key": r"\b[rs]k_live_[0-9A-Za-z]{20,}\b",
    "an OpenAI key": r"\bsk-(?:proj-)?[A-Za-z0-9_]{32,}\b",
    "an Anthropic key": r"\bsk-ant-[\w-]{32,}",
    "a Hugging Face token": r"\bhf_[A-Za-z]{34,}\b",
    "a package index token": r"\bpypi-AgEIcHlwaS5vcmc[\w-]{50,}",
    "a password in an address": r"\b[a-z][a-z0-9+]{2,15}://[\w.-]{1,60}:([^\s:@/'\"<>{}$]{8,80})@",
}
_KINDS = tuple((kind, re.compile(pattern)) for kind, pattern in KINDS.items())
_ANY = re.compile(
    r"PRIVATE KEY|AKIA|ASIA|(?i:secret)|gh[pousr]_|github_pat_|glpat-|xox|hooks\.slack|AIza|_live_"
    r"|sk-|hf_|pypi-|://"
)
PLACEHOLDER = re.compile(
    r"example|placeholder|change.?me|your|dummy|fake|sample|test.?only|redacted|xxxx|0000000|1234567"
    r"|abcdef|password|secret|<|\$\{|\{\{",
    re.IGNORECASE,
)
_KEY_BODY = re.compile(r"[A-Za-z0-9+/=]{40,}")
_BINARY = (
    *(".joblib", ".pkl", ".pickle", ".pt", ".pth", ".onnx", ".npy", ".npz", ".parquet", ".arrow"),
    *(".png", ".jpg", ".jpeg", ".gif", ".pdf", ".zip", ".gz", ".whl", ".h5", ".safetensors"),
)


@dataclass(frozen=True)
class Secret:
    """A place where a secret lies; the secret itself is not kept."""

    kind: str
    where: Location


def collect(repository: Repository) -> tuple[Secret, ...]:
    """Looks through every text file of the tree."""
    found: list[Secret] = []
    budget = MAX_TOTAL
    for file in repository.files:
        if file.name.lower().endswith(_BINARY):
            continue
        budget -= file.size
        if budget < 0:
            break
        try:
            text = repository.read_text(file.path)
        except FileError:
            continue
        if "\0" not in text[:8000] and _ANY.search(text):
            found += find(text, file.path)
    return tuple(found)


def find(text: str, path: str) -> Iterator[Secret]:
    """The secrets of one text; each place once."""
    lines = text.splitlines()
    for number, line in enumerate(lines, start=1):
        for kind, pattern in _KINDS:
            match = pattern.search(line[:MAX_LINE])
            if match is None:
                continue
            if kind == "a private key":
                real = _has_key(match.string[match.end() :], lines[number : number + 12])
            else:
                real = _is_real(match[match.lastindex or 0])
            if real:
                yield Secret(kind, Location(path, number))
                break


def entropy(text: str) -> float:
    """Shannon entropy in bits a character."""
    counts = Counter(text).values()
    return -sum(n / len(text) * math.log2(n / len(text)) for n in counts)


def _is_real(token: str) -> bool:
    return not PLACEHOLDER.search(token) and entropy(token) >= MIN_ENTROPY


def _has_key(rest: str, following: list[str]) -> bool:
    """A header alone (in code that looks for keys, in a page) is no key."""
    body = [part for text in (rest, *following) for part in _KEY_BODY.findall(text[:MAX_LINE])]
    return any(_is_real(part) for part in body)
