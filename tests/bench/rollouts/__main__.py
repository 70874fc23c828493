"""`make bench-rollouts`: prints Markdown. It is no test: a busy machine fails nothing."""

from __future__ import annotations

import argparse
import sys
from itertools import chain

from tests.bench.rollouts import cost, statistics


def main() -> int:
    """Runs every part and prints it line by line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.rollouts", description=__doc__)
    parser.add_argument("--runs", type=int, default=400, help="simulated rollouts a cell")
    runs = parser.parse_args().runs
    for line in chain(cost.report(), [""], statistics.report(runs)):
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
