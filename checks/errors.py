"""What the readiness room raises for people: every message is one sentence that says what to do.

Raised in all of `checks`, caught once in `checks.cli` (exit code 2) and by the publisher.
"""

from __future__ import annotations


class HoldpointError(Exception):
    """Base of every error that a person is meant to read."""


class ConfigError(HoldpointError):
    """The configuration cannot be used: which file, line and key, and what was expected."""


class CannotJudgeError(HoldpointError):
    """There is nothing to judge, or no safe way to: no verdict, and never a success."""
