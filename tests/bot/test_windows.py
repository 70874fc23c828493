"""Calendar windows: hours across midnight and summer time, spans of dates."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from bot.windows import Window, closed

BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = Window("night", BERLIN, frozenset({4}), 22 * 60, 6 * 60)  # Friday 22:00 to Saturday 06:00
WEEKEND = Window("weekend", BERLIN, frozenset({5, 6}))
YEAR_END = Window("year's end", BERLIN, first=date(2026, 12, 20), last=date(2027, 1, 3))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("window", "moment", "until"),
    [
        (NIGHT, "2026-06-05T21:59", None),
        (NIGHT, "2026-06-05T22:00", "2026-06-06T06:00"),
        (NIGHT, "2026-06-06T05:59", "2026-06-06T06:00"),
        (NIGHT, "2026-06-06T06:00", None),
        (NIGHT, "2026-06-04T23:00", None),
        (WEEKEND, "2026-03-28T12:00", "2026-03-29T00:00"),
        (WEEKEND, "2026-03-29T12:00", "2026-03-30T00:00"),  # the day has 23 hours
        (WEEKEND, "2026-10-25T23:59", "2026-10-26T00:00"),  # and this one 25
        (WEEKEND, "2026-10-26T00:00", None),
        (YEAR_END, "2026-12-19T23:59", None),
        (YEAR_END, "2026-12-20T00:00", "2027-01-04T00:00"),
        (YEAR_END, "2027-01-03T23:59", "2027-01-04T00:00"),
    ],
)
def test_a_window(window: Window, moment: str, until: str | None) -> None:
    expected = None if until is None else at(until).astimezone(UTC)
    assert window.closed_until(at(moment).astimezone(UTC)) == expected


def test_the_window_that_opens_last_counts() -> None:
    now = at("2026-12-26T12:00").astimezone(UTC)
    found = closed((WEEKEND, YEAR_END), now)
    assert found is not None
    assert found[0] == "year's end"
    assert closed((), now) is None
