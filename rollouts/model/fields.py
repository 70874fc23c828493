"""Strict reading of raw JSON: every field has one type, and a wrong one names its path.

Used by the parsers of this package. A missing optional field is its default; a field of another
type is never "about right". It knows nothing of what the fields mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rollouts.jsontypes import Json, JsonObject

T = TypeVar("T")


class FieldError(ValueError):
    """A field is missing or of the wrong kind; the message is a sentence that names it."""


@dataclass(frozen=True)
class Fields:
    """A JSON object and the path at which it was found."""

    data: JsonObject
    path: str

    @classmethod
    def of(cls, data: Json, path: str) -> Fields:
        """Raises FieldError unless `data` is an object."""
        if not isinstance(data, dict):
            raise FieldError(f"{path} must be an object, this is {_shown(data)}")
        return cls(data, path)

    def text(self, name: str, default: str | None = None) -> str:
        """A string; required where there is no default."""
        value = self._value(name, default)
        if not isinstance(value, str):
            raise self._wrong(name, "a string")
        return value

    def whole(self, name: str, default: int | None = None, *, low: int = 0) -> int:
        """A whole number of at least `low`."""
        value = self._value(name, default)
        if not isinstance(value, int) or isinstance(value, bool) or value < low:
            raise self._wrong(name, f"a whole number of at least {low}")
        return value

    def per_cent(self, name: str, default: int | None = None) -> int:
        """A whole number in 0..100."""
        value = self.whole(name, default)
        if value > 100:
            raise self._wrong(name, "a whole number in 0..100")
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        """True or false."""
        value = self._value(name, default)
        if not isinstance(value, bool):
            raise self._wrong(name, "true or false")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of strings; empty where it is absent."""
        value = self._value(name, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self._wrong(name, "a list of strings")
        return tuple(value)

    def moment(self, name: str) -> datetime | None:
        """An RFC 3339 time, or None where it is absent."""
        if self.data.get(name) is None:
            return None
        try:
            value = datetime.fromisoformat(self.text(name))
        except ValueError as error:
            raise self._wrong(name, "an RFC 3339 time") from error
        if value.tzinfo is None:
            raise self._wrong(name, "an RFC 3339 time with its offset")
        return value.astimezone(UTC)

    def one_of(self, name: str, kind: Callable[[str], T], default: T | None = None) -> T:
        """A member of an enumeration."""
        if default is not None and self.data.get(name) is None:
            return default
        try:
            return kind(self.text(name))
        except ValueError as error:
            raise self._wrong(name, "one of the known values") from error

    def child(self, name: str) -> Fields | None:
        """The object under `name`, or None where it is absent."""
        value = self.data.get(name)
        return None if value is None else Fields.of(value, f"{self.path}.{name}")

    def section(self, name: str) -> Fields:
        """The object under `name`, or an empty one."""
        return self.child(name) or Fields({}, f"{self.path}.{name}")

    def children(self, name: str) -> Iterator[Fields]:
        """The objects of the list under `name`; none where it is absent."""
        value = self.data.get(name)
        if value is None:
            return
        if not isinstance(value, list):
            raise self._wrong(name, "a list")
        for at, item in enumerate(value):
            yield Fields.of(item, f"{self.path}.{name}[{at}]")

    def _value(self, name: str, default: Json) -> Json:
        value = self.data.get(name)
        if value is None and default is None:
            raise FieldError(f"{self.path}.{name} is missing")
        return default if value is None else value

    def _wrong(self, name: str, expected: str) -> FieldError:
        shown = _shown(self.data.get(name))
        return FieldError(f"{self.path}.{name} must be {expected}, this is {shown}")


def moment(text: str) -> datetime | None:
    """An RFC 3339 time, or None where it is none: for what decides nothing by being there."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else None


def rfc3339(at: datetime) -> str:
    """UTC with microseconds, as the API server's MicroTime."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def rfc3339_seconds(at: datetime) -> str:
    """UTC with whole seconds, as the API server's Time (conditions, leases' neighbours)."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _shown(value: Json) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
