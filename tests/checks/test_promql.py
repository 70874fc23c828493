"""The metrics that PromQL expressions read, and the expressions that are refused."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.evidence.promql import PromqlError, metric_names


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ("up", {"up"}),
        ('sum by (le) (rate(a_bucket{x="}", y!~"b(c"}[5m]))', {"a_bucket"}),
        ("sum(rate(a[5m])) by (b) / on (c) group_left (d) sum(e)", {"a", "e"}),
        ("a * ignoring(x) group_right b", {"a", "b"}),
        ("histogram_quantile(0.99, sum(rate(x_bucket[$__rate_interval])) by (le)) > 0.5",
         {"x_bucket"}),
        ('{__name__="foo", a=~"b"}', {"foo"}),
        ('{"my.metric", a="b"}', {"my.metric"}),
        ("a offset 5m > bool 3 and b @ start()", {"a", "b"}),
        ("max_over_time(rate(a[5m])[1h:1m] offset -1d)", {"a"}),
        ("a @ 1609746000 or b unless c", {"a", "b", "c"}),
        ("time() - a > 1e3", {"a"}),
        ("absent(up{job='x'}) == 1", {"up"}),
        ("count", {"count"}),
        ("job:errors:ratio5m > $limit", {"job:errors:ratio5m"}),
        ('label_replace(a, "x", "$1", "y", "(.*)")', {"a"}),
        ("a # b\n + c", {"a", "c"}),
        ("-a ^ 2 == Inf", {"a"}),
        ("vector(1)", set()),
        ("rate($metric[5m])", set()),
        ("a{b=\"{{ not a template }}\"}", {"a"}),
    ],
)  # fmt: skip
def test_names(expression: str, names: set[str]) -> None:
    assert metric_names(expression) == names


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("", "empty"),
        ("rate({{ .Values.metric }}[5m])", "template"),
        ("foo bar", "operator is missing"),
        ("rate(x[5m]) >", "ends where a value"),
        ("(a", "nothing closes"),
        ("a)", "unexpected"),
        ("a{b", "nothing closes"),
        ("sum by (a", "nothing closes"),
        ("* a", "value is missing"),
        ("prefix_$name", "variable completes"),
        ("${a}_total", "variable completes"),
        ("a |= 'error'", "unexpected"),
        ("[5m]", "follows nothing"),
        ("a offset", "time is expected"),
        ("a" * 30_000, "longer"),
    ],
)
def test_refused(expression: str, why: str) -> None:
    with pytest.raises(PromqlError, match=why):
        metric_names(expression)


@given(st.text(alphabet="ab1_:(){}[]\"'$,@=~!<>+-/. \n#\\`by offset", max_size=40))
def test_anything_is_read_or_refused(expression: str) -> None:
    with contextlib.suppress(PromqlError):
        assert all(metric_names(expression))
