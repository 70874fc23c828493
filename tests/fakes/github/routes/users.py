"""Who a token is. An installation's token may not ask; a person's may."""

from __future__ import annotations

from tests.fakes.github import bodies
from tests.fakes.github.routing import Answer, Call, RefusedError, route


@route("GET", "/user")
def get_user(call: Call) -> Answer:
    if call.token.identity.app:
        raise RefusedError(403, "Resource not accessible by integration")
    return Answer(200, bodies.user(call.token.identity, call.url))
