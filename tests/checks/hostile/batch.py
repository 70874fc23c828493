"""Judges one repository after another by the command's own `main`, and tells what each came to.

Started by `processes.judge`, so that the libraries are imported once for all cases. The process
takes orphans: what a model leaves behind becomes its child, is counted and ended. Arguments: a
folder for the answers, then repositories; `ROOT=SECONDS` gives a model less time than the command
does, because some of them use up all that there is.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
from pathlib import Path

from checks import cli, report_json, run
from checks.sandbox import Limits

PR_SET_CHILD_SUBREAPER = 36
ONLY = "model_performance"


def main() -> None:
    """Writes ROOT's answer to FOLDER/NAME.json."""
    assert ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
    folder = Path(sys.argv[1])
    for argument in sys.argv[2:]:
        root, _, seconds = argument.partition("=")
        name = Path(root).name
        stdout, stderr = (folder / f"{name}.{stream}" for stream in ("out", "err"))
        for number, path in ((1, stdout), (2, stderr)):
            sys.stdout.flush(), sys.stderr.flush()
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
        code = within(Path(root), float(seconds)) if seconds else command(Path(root))
        told = {"code": code, "left": left()}
        (folder / f"{name}.json").write_text(json.dumps(told), encoding="utf-8")


def command(root: Path) -> int:
    """As it is typed."""
    only = "inference_performance" if root.name == "patched-timers" else ONLY
    return cli.main([str(root), "--only", only, "--format", "json"])


def within(root: Path, seconds: float) -> int:
    """The same with less patience."""
    found = run.find_config(root)
    assert found is not None
    options = run.Options(only=(ONLY,), limits=Limits(cpu_s=600, wall_s=seconds))
    report = run.run(root, config=run.load_config(*found), options=options)
    sys.stdout.buffer.write(report_json.dumps(report))
    sys.stdout.flush()
    return 0 if report.is_ready else 1


def left() -> int:
    """How many processes are still there; they are ended."""
    count = 0
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return count
        if pid == 0:
            children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
            count += len(children)
            for child in map(int, children):
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)


if __name__ == "__main__":
    main()
