"""What can go wrong between us and GitHub, in our own types. Raised by `github`, `from` theirs."""

from __future__ import annotations

from checks.errors import HoldpointError


class PublishError(HoldpointError):
    """A request that GitHub did not carry out. The message is a sentence for a person.

    `retry_after`: seconds that GitHub asks us to wait before the next try, where it said so.
    """

    retryable = False

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class NotPermittedError(PublishError):
    """The token is unknown, or does not hold the permission."""


class MissingError(PublishError):
    """The repository, pull request or commit is not there (any more)."""


class RejectedError(PublishError):
    """GitHub understood and refused: too long, malformed, locked."""


class UnavailableError(PublishError):
    """No answer, a server's error or a rate limit: the same request may succeed later."""

    retryable = True
