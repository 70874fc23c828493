"""How far a run is, on standard error: a bar on a terminal, plain lines elsewhere.

Used by the command line and the Action. One line a check, with its time. Names come from our own
catalogue; nothing that the repository wrote is shown.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NoReturn, TextIO

from checks.render import words

if TYPE_CHECKING:
    from tqdm import tqdm

    from checks.report import Verdict
    from checks.schedule import Job


def chosen(stream: TextIO | None = None) -> Lines | Bar:
    """What suits the stream, standard error unless another is given."""
    stream = stream or sys.stderr
    return Bar(stream) if stream.isatty() else Lines(stream)


class Lines:
    """One line for each check that is done."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._jobs = self._done = 0

    def begin(self, jobs: int) -> None:
        """So many checks are to be judged."""
        self._jobs, self._done = jobs, 0

    def done(self, job: Job, verdict: Verdict | None) -> None:
        """One is judged, or left out (None)."""
        self._done += 1
        width = len(str(self._jobs))
        self._stream.write(f"[{self._done:>{width}}/{self._jobs}] {line(job, verdict)}\n")
        self._stream.flush()

    def end(self) -> None:
        """Nothing is left behind."""


class Bar:
    """A bar that shows the last check that was done, and is gone in the end."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._bar: tqdm[NoReturn] | None = None

    def begin(self, jobs: int) -> None:
        """So many checks are to be judged."""
        from tqdm import tqdm  # noqa: PLC0415 - only a terminal needs it

        self._bar = tqdm(
            total=jobs, file=self._stream, leave=False, dynamic_ncols=True, mininterval=0,
            bar_format="{n_fmt}/{total_fmt} |{bar:20}| {elapsed} {desc}",
        )  # fmt: skip

    def done(self, job: Job, verdict: Verdict | None) -> None:
        """One is judged, or left out (None)."""
        if self._bar is not None:
            self._bar.set_description_str(line(job, verdict), refresh=False)
            self._bar.update()

    def end(self) -> None:
        """Takes the bar away."""
        if self._bar is not None:
            self._bar.close()


def line(job: Job, verdict: Verdict | None) -> str:
    """A check in one line: whose, which, how it went and how long it took."""
    name = f"{'base: ' if job.of_base else ''}{words.title(job.check.name)}"
    if verdict is None:
        return f"{name:<30}  left out"
    score = "  --" if verdict.score is None else f"{verdict.score:.2f}"
    seconds = "" if verdict.seconds is None else f"  {verdict.seconds:.1f} s"
    return f"{name:<30}  {words.state(verdict):<8}  {score}{seconds}"
