"""Makes action.yml name an image by its digest. Called by the release workflow.

    python3 pin.py action.yml registry.example/holdpoint/action@sha256:...

Only the line that names the Dockerfile changes, so that the released action is the reviewed one.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

_REFERENCE = re.compile(r"[a-z0-9][a-z0-9.:/_-]*@sha256:[0-9a-f]{64}\Z")
_LINE = "  image: Dockerfile\n"


def pinned(text: str, reference: str) -> str:
    """action.yml's text with the image in it. Raises ValueError with a sentence."""
    if not _REFERENCE.match(reference):
        raise ValueError(f"{reference!r} names no image by its digest (name@sha256:...)")
    if text.count(_LINE) != 1:
        raise ValueError("action.yml does not say 'image: Dockerfile' exactly once")
    return text.replace(_LINE, f"  image: docker://{reference}\n")


if __name__ == "__main__":
    _file = Path(sys.argv[1])
    try:
        _file.write_text(pinned(_file.read_text(), sys.argv[2]))
    except ValueError as error:
        sys.exit(f"pin: {error}")
