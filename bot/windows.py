"""Calendar windows in which an environment is closed: weekdays with hours, or a span of dates.

Made by `bot.reading`, asked by `bot.holds`. Pure. Hours are those of the window's own time zone,
so that "Friday from 16:00" means that across a change to summer time too.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MIDNIGHT = 24 * 60


@dataclass(frozen=True)
class Window:
    """`days` are 0 (Monday) to 6; `begins` and `ends` minutes of such a day, or `first` and `last`
    whole days. A window whose end is not after its beginning goes on into the next day."""

    name: str
    zone: ZoneInfo
    days: frozenset[int] = frozenset()
    begins: int = 0
    ends: int = MIDNIGHT
    first: date | None = None
    last: date | None = None

    def closed_until(self, now: datetime) -> datetime | None:
        """When it opens again (UTC), or None where it is open at `now`."""
        local = now.astimezone(self.zone)
        if self.first is not None and self.last is not None:
            if not self.first <= local.date() <= self.last:
                return None
            return self._at(self.last + timedelta(days=1), 0)
        for day in (local.date() - timedelta(days=1), local.date()):
            if day.weekday() not in self.days:
                continue
            length = self.ends if self.ends > self.begins else self.ends + MIDNIGHT
            begin, end = self._at(day, self.begins), self._at(day, length)
            if begin <= now < end:
                return end
        return None

    def _at(self, day: date, minute: int) -> datetime:
        moment = datetime.combine(day + timedelta(days=minute // MIDNIGHT), time(), self.zone)
        minutes = minute % MIDNIGHT
        return moment.replace(hour=minutes // 60, minute=minutes % 60).astimezone(UTC)


def closed(windows: tuple[Window, ...], now: datetime) -> tuple[str, datetime] | None:
    """The closed window that opens last, and when; adjoining ones count as one wait each."""
    found = [(until, window.name) for window in windows if (until := window.closed_until(now))]
    if not found:
        return None
    until, name = max(found)
    return name, until
