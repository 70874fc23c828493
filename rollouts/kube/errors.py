"""What can go wrong between us and the API server, as our own types.

Raised by `rollouts.kube.client` from the HTTP library's errors or from a `Status` body, caught by
whoever called. `retryable` says whether the same request may succeed later without being changed.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from rollouts.jsontypes import dig, dig_text

if TYPE_CHECKING:
    from collections.abc import Mapping


class ClusterError(Exception):
    """The API server said no, or said nothing. `status` is the HTTP code, None without an answer.

    `retry_after` is in seconds, where the server asked for a pause.
    """

    retryable: bool = False

    def __init__(
        self, sentence: str, *, status: int | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(sentence)
        self.status = status
        self.retry_after = retry_after


class NotConfigured(ClusterError):  # noqa: N818 - reads as the answer it is
    """There is no usable kubeconfig and no service account."""


class NotFound(ClusterError):  # noqa: N818 - reads as the answer it is
    """404."""


class AlreadyExists(ClusterError):  # noqa: N818 - reads as the answer it is
    """409 on a create: an object of that name is there."""


class Conflict(ClusterError):  # noqa: N818 - reads as the answer it is
    """409 on a replace or delete: the object is not the one that was read."""


class Forbidden(ClusterError):  # noqa: N818 - reads as the answer it is
    """401 or 403."""


class Invalid(ClusterError):  # noqa: N818 - reads as the answer it is
    """400, 413 or 422: the object breaks the schema, a CEL rule or an admission policy."""


class Gone(ClusterError):  # noqa: N818 - reads as the answer it is
    """410: that resource version or list position has been compacted away; list again."""


class Unreachable(ClusterError):  # noqa: N818 - reads as the answer it is
    """No answer in time, a broken connection, 429 or a 5xx: whether it was done is not known."""

    retryable = True


_BY_STATUS: Mapping[int, type[ClusterError]] = {
    400: Invalid,
    401: Forbidden,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    410: Gone,
    413: Invalid,
    422: Invalid,
    429: Unreachable,
}
LONGEST_MESSAGE = 600


def from_response(status: int, body: bytes, headers: Mapping[str, str], doing: str) -> ClusterError:
    """The error for an answer of 400 or more; `doing` begins the sentence ("create pods a/b")."""
    try:
        answer = json.loads(body)
    except ValueError:
        answer = {}
    kind = _BY_STATUS.get(status, Unreachable if status >= 500 else ClusterError)
    if status == 409 and dig(answer, "reason") == "AlreadyExists":
        kind = AlreadyExists
    message = dig_text(answer, "message")[:LONGEST_MESSAGE] or "no message"
    return kind(
        f"cannot {doing}: the API server answered {status}: {message}",
        status=status,
        retry_after=_seconds(headers.get("Retry-After")),
    )


def _seconds(text: str | None) -> float | None:
    try:
        return max(0.0, float(text)) if text else None
    except ValueError:
        return None
