"""Times as the Kubernetes API writes them."""

from __future__ import annotations

import datetime


def now() -> str:
    """This second, as `metav1.Time` is written."""
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def now_micro() -> str:
    """This microsecond, as `metav1.MicroTime` is written."""
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
