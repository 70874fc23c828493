"""The names of the metrics that a PromQL expression reads. Pure, tolerant, and never a parser.

Used by `checks.evidence.watching` for alert rules and dashboards. It knows the tokens of the
language (https://prometheus.io/docs/prometheus/latest/querying/basics/) and where an operand may
stand, so that functions, labels, ranges, strings and grouping clauses are no metrics and a torn
expression is refused. Grafana's `$variables` are taken as values. It deliberately checks no types.
"""

from __future__ import annotations

import re
from typing import NamedTuple

MAX_LENGTH = 20_000  # characters; a longer expression is not read
_CLAUSES = frozenset({"by", "without", "on", "ignoring", "group_left", "group_right"})
_WORDS = frozenset({"and", "or", "unless", "atan2"})
_NUMBERS = frozenset({"inf", "nan"})
_AGGREGATIONS = frozenset(
    {
        *("sum", "avg", "min", "max", "count", "stddev", "stdvar", "group", "topk", "bottomk"),
        *("quantile", "count_values", "limitk", "limit_ratio"),
    }
)
_TOKEN = re.compile(
    r"(?P<space>\s+|\#[^\n]*)"
    r"|(?P<string>\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'|`[^`]*`)"
    r"|(?P<variable>\$\{\w+(?::\w+)?\}|\$\w+|\[\[\w+(?::\w+)?\]\])"
    r"|(?P<range>\[[^\[\]{}\"']*\])"
    r"|(?P<number>0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?:[a-z]+\d*)*)"
    r"|(?P<name>[A-Za-z_:][A-Za-z0-9_:]*)"
    r"|(?P<operator>==|!=|>=|<=|[-+*/%^<>])"
    r"|(?P<other>[(){},@=~!])"
)
_SELECTED = re.compile(r"__name__\s*=\s*(?P<quote>[\"'])(?P<name>[^\"']*)(?P=quote)")
_QUOTED = re.compile(r"^\s*[\"'](?P<name>[^\"']+)[\"']\s*(?:,|$)")


class PromqlError(Exception):
    """The expression cannot be read; the message says why."""


class _Token(NamedTuple):
    kind: str
    text: str
    end: int


def metric_names(expression: str) -> frozenset[str]:
    """The metrics that an expression reads, possibly none. Raises PromqlError."""
    if len(expression) > MAX_LENGTH:
        raise PromqlError(f"longer than {MAX_LENGTH} characters")
    return _Reader(_tokens(expression)).read()


def _tokens(expression: str) -> list[_Token]:
    found, position = list[_Token](), 0
    while position < len(expression):
        if expression.startswith("{{", position):
            raise PromqlError("a template that is not rendered")
        if expression[position] == "{":
            end = _end_of_labels(expression, position)
            found.append(_Token("labels", expression[position + 1 : end - 1], end))
            position = end
            continue
        match = _TOKEN.match(expression, position)
        if match is None:
            raise PromqlError(f"{expression[position]!r} is unexpected")
        if found and found[-1].end == position:
            kinds = {match.lastgroup, found[-1].kind}
            if "variable" in kinds and kinds <= {"variable", "name", "number"}:
                raise PromqlError("a name that a variable completes")
        position = match.end()
        if match.lastgroup != "space":
            found.append(_Token(str(match.lastgroup), match[0], position))
    return found


def _end_of_labels(expression: str, start: int) -> int:
    """Behind the brace that closes a block of labels; braces in strings are text."""
    position = start + 1
    while position < len(expression):
        match = _TOKEN.match(expression, position)
        if match is None:
            raise PromqlError(f"{expression[position]!r} is unexpected")
        position = match.end()
        if match[0] == "}":
            return position
        if match[0] == "{":
            break
    raise PromqlError("a { that nothing closes")


class _Reader:
    """Goes through the tokens once, knowing whether an operand is complete before each."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0
        self._complete = False  # an operand stands to the left
        self._metrics: set[str] = set()

    def read(self) -> frozenset[str]:
        while (token := self._peek()) is not None:
            self._at += 1
            getattr(self, f"_{token.kind}")(token.text)
        if self._depth:
            raise PromqlError("a ( that nothing closes")
        if not self._complete:
            raise PromqlError("it ends where a value is expected" if self._at else "it is empty")
        return frozenset(self._metrics)

    def _peek(self) -> _Token | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _next_is(self, *texts: str) -> bool:
        token = self._peek()
        return token is not None and token.text.lower() in texts

    def _operand(self, text: str) -> None:
        if self._complete:
            raise PromqlError(f"an operator is missing before {text[:40]!r}")
        self._complete = True

    _string = _number = _variable = _operand

    def _range(self, text: str) -> None:
        if not self._complete:
            raise PromqlError(f"{text[:40]} follows nothing")

    def _labels(self, text: str) -> None:
        named = _SELECTED.search(text) or _QUOTED.search(text)
        if named is not None:
            self._metrics.add(named["name"])
        self._complete = True

    def _operator(self, text: str) -> None:
        if not self._complete and text not in "+-":
            raise PromqlError(f"a value is missing before {text!r}")
        self._complete = False
        if self._next_is("bool"):
            self._at += 1

    def _name(self, text: str) -> None:
        word = text.lower()
        if word in _CLAUSES and (self._next_is("(") or word.startswith("group_")):
            self._skip_clause()
        elif word in _WORDS and self._complete:
            self._complete = False
        elif word == "offset" and self._complete:
            self._skip_time()
        elif self._next_is("(") or (word in _AGGREGATIONS and self._next_is("by", "without")):
            self._call(text)
        else:
            self._operand(text)
            if word not in _NUMBERS:
                self._metrics.add(text)

    def _call(self, text: str) -> None:
        if self._complete:
            raise PromqlError(f"an operator is missing before {text[:40]!r}")

    def _skip_clause(self) -> None:
        if not self._next_is("("):
            return
        while not self._next_is(")"):
            if self._peek() is None:
                raise PromqlError("a ( that nothing closes")
            self._at += 1
        self._at += 1

    def _skip_time(self) -> None:
        """What follows `offset` or `@`: a signed time, a variable, start() or end()."""
        if self._next_is("-", "+"):
            self._at += 1
        if self._peek() is None:
            raise PromqlError("it ends where a time is expected")
        self._at += 1
        if self._next_is("("):
            self._skip_clause()

    def _other(self, text: str) -> None:
        if text == "(":
            if self._complete:
                raise PromqlError("an operator is missing before '('")
            self._depth += 1
            if self._next_is(")"):
                self._complete = True  # a function without arguments
        elif text == ")":
            self._depth -= 1
            if self._depth < 0 or not self._complete:
                raise PromqlError("a ) that is unexpected")
        elif text == "," and self._depth and self._complete:
            self._complete = False
        elif text == "@" and self._complete:
            self._skip_time()
        else:
            raise PromqlError(f"{text!r} is unexpected")
