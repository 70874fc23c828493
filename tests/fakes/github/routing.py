"""What a route of the fake is: a method, GitHub's path template, a permission and a function."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fakes.github.state import Repository, State, Token

Json = dict[str, Any]
# These may hold slashes; every other part of a path may not.
_LONG = {"ref", "branch", "path"}


@dataclass(frozen=True)
class Answer:
    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


class RefusedError(Exception):
    """A route's own error answer."""

    def __init__(self, status: int, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status = status
        self.body = {
            "message": message,
            "documentation_url": "https://docs.github.com/rest",
            **more,
        }


@dataclass(frozen=True)
class Call:
    """One request as a route sees it; `path` and `query` hold strings."""

    state: State
    token: Token
    url: str  # the server's own, without a trailing slash
    target: str  # path and query as sent
    path: dict[str, str]
    query: dict[str, str]
    body: Any

    @property
    def repository(self) -> Repository:
        name = f"{self.path['owner']}/{self.path['repo']}"
        found = self.state.repositories.get(name.lower())
        if found is None:
            raise RefusedError(404, "Not Found")
        return found


@dataclass(frozen=True)
class Route:
    """`needs`: any one of these "scope:level" is enough; empty for none."""

    method: str
    template: str
    needs: tuple[str, ...]
    handle: Callable[[Call], Answer]

    @property
    def name(self) -> str:
        return f"{self.method} {self.template}"

    def match(self, method: str, path: str) -> dict[str, str] | None:
        """The path's parameters when it is this route's."""
        if method != self.method:
            return None
        found = _pattern(self.template).fullmatch(path)
        return found.groupdict() if found else None


def _pattern(template: str) -> re.Pattern[str]:
    def group(found: re.Match[str]) -> str:
        return f"(?P<{found[1]}>{'.+?' if found[1] in _LONG else '[^/]+'})"

    return re.compile(re.sub(r"\\\{(\w+)\\\}", group, re.escape(template)))


ROUTES: list[Route] = []


def route(
    method: str, template: str, *needs: str
) -> Callable[[Callable[[Call], Answer]], Callable[[Call], Answer]]:
    """Registers a function as the answer to one of GitHub's routes."""

    def register(handle: Callable[[Call], Answer]) -> Callable[[Call], Answer]:
        ROUTES.append(Route(method, template, needs, handle))
        # The longest template first, so that `.../{ref}/check-runs` is not read as a ref.
        ROUTES.sort(key=lambda each: -len(each.template))
        return handle

    return register


def page(call: Call, items: list[Any]) -> tuple[list[Any], dict[str, str]]:
    """One page of a list, and the Link header that leads to the others."""
    size = min(int(call.query.get("per_page", "30")), 100)
    number = max(int(call.query.get("page", "1")), 1)
    last = max((len(items) + size - 1) // size, 1)
    links = {"next": number + 1, "last": last} if number < last else {}
    links |= {"prev": number - 1, "first": 1} if number > 1 else {}
    header = ", ".join(f'<{_with_page(call, each)}>; rel="{rel}"' for rel, each in links.items())
    return items[(number - 1) * size : number * size], {"Link": header} if header else {}


def _with_page(call: Call, number: int) -> str:
    path, _, query = call.target.partition("?")
    kept = [part for part in query.split("&") if part and not part.startswith("page=")]
    return f"{call.url}{path}?{'&'.join([*kept, f'page={number}'])}"
