"""`python -m tests.testbed`: run a command in the testbed's namespace, or a cluster by hand."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from tests.testbed import binaries, existing, netns, up


def _exec(command: list[str]) -> int:
    if command[:1] == ["--"]:
        command = command[1:]
    if not command:
        print("testbed: say what to run: exec -- COMMAND [ARGUMENT...]", file=sys.stderr)
        return 2
    if existing.is_wanted():
        # That cluster is reached over this machine's own network.
        os.execvp(command[0], command)
    binaries.ensure_all()
    return netns.run_command(command)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.testbed", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("build", help="build and fetch what the testbed runs, then end")
    run = verbs.add_parser("exec", help="run a command inside the network namespace")
    run.add_argument("command", nargs=argparse.REMAINDER, metavar="-- COMMAND")
    by_hand = verbs.add_parser("up", help="start a cluster to point kubectl at, until Ctrl-C")
    by_hand.add_argument("--images", type=Path, metavar="FOLDER", help="an OCI image layout")
    asked = parser.parse_args()
    if asked.verb == "build":
        binaries.ensure_all()
        return 0
    if asked.verb == "up":
        binaries.ensure_all()
        return up.up(asked.images)
    return _exec(asked.command)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (OSError, RuntimeError) as error:
        sys.exit(f"testbed: {error}")
