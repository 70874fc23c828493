"""The Action's log: text that the runner cannot take for a command, and the few commands we mean.

Called by `checks.action`. The runner reads both output streams line by line and acts on what looks
like a command, wherever the text came from; so nothing reaches them but through here.
"""

from __future__ import annotations

import contextlib
import io
import re
import sys
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterator

# \r ends a line for the runner as \n does; the rarer breaks are made plain line ends as well.
_BREAKS = re.compile("\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")


def inert(line: str) -> str:
    """One line of log that the runner reads as text.

    It acts on `::name` at a line's beginning and on `##[name` anywhere, on both streams.
    """
    line = line.encode("utf-8", "replace").decode("utf-8")  # lone surrogates cannot be written
    if "::" in line:
        line = re.sub(r":(?=:)", ": ", line)
    return re.sub(r"#(?=#)", "# ", line) if "##[" in line else line


class InertStream(io.TextIOBase):
    """Writes whole lines to `target`, each made inert; a line is anything up to a line break."""

    def __init__(self, target: TextIO) -> None:
        super().__init__()
        self._target = target
        self._partial = ""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        *whole, self._partial = _BREAKS.split(self._partial + text)
        for line in whole:
            self._target.write(f"{inert(line)}\n")
        return len(text)

    def flush(self) -> None:
        """Only whole lines go out, so that no command is put together from two writes."""
        self._target.flush()

    def finish(self) -> None:
        """Writes what is left as a line of its own."""
        if self._partial:
            self.write("\n")
        self._target.flush()


@contextlib.contextmanager
def inert_streams() -> Iterator[Log]:
    """Within it, all that this process prints is inert, but the two commands of the log."""
    out, err = InertStream(sys.stdout), InertStream(sys.stderr)
    log = Log(sys.stdout)
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            yield log
        finally:
            out.finish()
            err.finish()


class Log:
    """Our own lines, and the two workflow commands that we mean."""

    def __init__(self, target: TextIO) -> None:
        self._inert = InertStream(target)
        self._target = target

    def say(self, text: str) -> None:
        self._inert.write(f"{text}\n")
        self._inert.flush()

    def error(self, text: str) -> None:
        self._command("error", text)

    def warning(self, text: str) -> None:
        self._command("warning", text)

    def _command(self, name: str, text: str) -> None:
        lines = [inert(line) for line in _BREAKS.split(text.strip())]
        data = "%0A".join(line.replace("%", "%25") for line in lines)
        self._target.write(f"::{name} title=Holdpoint::{data}\n")
        self._target.flush()
