"""PyGithub's connections, with a bound on what they read. Called by `checks.publish.github`.

PyGithub reads an answer to its end whatever its size, and waits as long as bytes keep coming.
"""

from __future__ import annotations

import time

from github.Requester import (
    HTTPRequestsConnectionClass,
    HTTPSRequestsConnectionClass,
    Requester,
    RequestsResponse,
)

LARGEST = 32 << 20  # bytes; a page of a hundred longest comments is about 7 MB
LONGEST_S = 60.0  # for one answer
_PIECE = 1 << 16


class BoundedResponse(RequestsResponse):
    """An answer that is read up to a size and for a time."""

    def read(self) -> str:
        """The body. Raises ValueError beyond the bounds."""
        pieces, size, end = [], 0, time.monotonic() + LONGEST_S
        for piece in self.response.iter_content(_PIECE):
            pieces.append(piece)
            size += len(piece)
            if size > LARGEST or time.monotonic() > end:
                self.response.close()
                raise ValueError(f"an answer above {LARGEST} bytes or {LONGEST_S:.0f} s")
        return b"".join(pieces).decode("utf-8", "replace")


def _answer(
    connection: HTTPRequestsConnectionClass | HTTPSRequestsConnectionClass,
) -> RequestsResponse:
    response = connection.session.request(
        connection.verb,
        f"{connection.protocol}://{connection.host}:{connection.port}{connection.url}",
        headers=connection.headers,
        data=connection.input,
        timeout=connection.timeout,
        verify=connection.verify,
        allow_redirects=False,
        stream=True,
    )
    return BoundedResponse(response)


class BoundedHTTP(HTTPRequestsConnectionClass):
    def getresponse(self) -> RequestsResponse:
        return _answer(self)


class BoundedHTTPS(HTTPSRequestsConnectionClass):
    def getresponse(self) -> RequestsResponse:
        return _answer(self)


def install() -> None:
    """Makes every client of PyGithub in this process read with a bound."""
    Requester.injectConnectionClasses(BoundedHTTP, BoundedHTTPS)
