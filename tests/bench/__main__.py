"""`make bench`: how long a run takes, how much memory it needs, and how many rows figures used.

Each size is a copy of the lending example with rows and a model of that size, judged by the real
command in a process of its own. Memory is the sum over that process and all its children, looked
at 20 times a second; pages that they share are counted for each, so it is a bound from above. On a
machine that does other work too, processor time says more than the clock; the load is printed. It
is no test: a busy machine fails nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.repository import write

SIZES = ((10_000, 20), (1_000_000, 30))
AIMS = {SIZES[0]: (10, 1024), SIZES[1]: (180, 3072)}  # seconds, MiB


@dataclass(frozen=True)
class Run:
    """What one size needed. Seconds by the clock and of processors, bytes, and the report."""

    rows: int
    columns: int
    seconds: float
    processor: float
    load: float  # of the machine over the minute that ended with the run
    peak: int
    report: dict[str, Any]


def main() -> int:
    """Measures, and prints Markdown."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--small", action="store_true", help="only the smaller size")
    sizes = SIZES[:1] if parser.parse_args().small else SIZES
    sys.stdout.write(f"{os.cpu_count()} cores\n\n")
    for rows, columns in sizes:
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            root = write(Path(folder) / "model", rows, columns)
            run = _measure(root, rows, columns)
        sys.stdout.write(_table(run))
    return 0


def _measure(root: Path, rows: int, columns: int) -> Run:
    report, before, peak = root.with_suffix(".json"), _processor(), 0
    began = time.monotonic()
    command = [sys.executable, "-I", "-m", "holdpoint", "check", str(root), "--format=json"]
    with subprocess.Popen([*command, "--output", str(report)]) as process:
        while process.poll() is None:
            peak = max(peak, _memory(process.pid))
            time.sleep(0.05)
    seconds = time.monotonic() - began
    if not report.is_file():
        raise SystemExit(f"holdpoint check ended with {process.returncode} and no report")
    spent, load = _processor() - before, os.getloadavg()[0]
    return Run(rows, columns, seconds, spent, load, peak, json.loads(report.read_bytes()))


def _processor() -> float:
    """Seconds that the processes which have ended, and all that they started, ran."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _memory(pid: int) -> int:
    """Resident bytes of a process and all below it."""
    pending, total = [pid], 0
    while pending:
        each = Path("/proc") / str(pending.pop())
        try:
            total += int((each / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
            for task in (each / "task").iterdir():
                pending += map(int, (task / "children").read_text().split())
        except (OSError, IndexError):
            continue
    return total


def _table(run: Run) -> str:
    aim_s, aim_mib = AIMS[run.rows, run.columns]
    lines = [
        f"### {run.rows:,} rows x {run.columns} columns",
        "",
        (
            f"{run.seconds:.1f} s (aim {aim_s} s), {run.processor:.1f} s of processor time at a "
            f"load of {run.load:.1f}, at most {run.peak / 2**20:,.0f} MiB with all "
            f"children (aim {aim_mib:,} MiB), overall score {run.report['overall_score']}."
        ),
        "",
        "| check | seconds | score | rows that its figures used |",
        "| --- | ---: | ---: | --- |",
    ]
    for check in run.report["checks"]:
        score = "not judged" if check["score"] is None else f"{check['score']:.2f}"
        used = _used(check, run.rows)
        lines.append(f"| {check['check_name']} | {check['seconds']:.1f} | {score} | {used} |")
    return "\n".join([*lines, "", ""])


def _used(check: dict[str, Any], rows: int) -> str:
    """The least and most rows that its figures were made of; calls and batches are no rows."""
    if check["check_name"] == "inference_performance":
        return "500 single rows and 23 batches of 1,000 at most"
    counts = sorted({f["samples"] for f in check["figures"] if f["samples"] is not None})
    if not counts:
        return "none"
    shown = [f"{count:,} ({min(1.0, count / rows):.1%})" for count in (counts[0], counts[-1])]
    return shown[0] if counts[0] == counts[-1] else " to ".join(shown)


if __name__ == "__main__":
    raise SystemExit(main())
