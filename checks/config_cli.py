"""`holdpoint config`: can the configuration be used, and with `--explain`, what is in force?

Called by the `holdpoint` command. Exit codes: 0 it can be used, 2 it cannot.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from checks.errors import ConfigError, HoldpointError

USABLE, UNUSABLE = 0, 2


def main(argv: list[str]) -> int:
    """Runs the command and returns its exit code."""
    arguments = _parser().parse_args(argv)
    try:
        sys.stdout.write(_answer(arguments))
    except HoldpointError as error:
        sys.stderr.write(f"holdpoint: {error}\n")
        return UNUSABLE
    return USABLE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="holdpoint config",
        description="Says whether the configuration can be used, and what is in force.",
        epilog="exit codes: 0 it can be used, 2 it cannot",
    )
    parser.add_argument("path", nargs="?", type=Path, default=Path(), help="the repository (.)")
    parser.add_argument("--config", type=Path, metavar="FILE", help="the configuration file")
    parser.add_argument(
        "--explain",
        action="store_true",
        help="every setting: its value, where it came from, what it means, how it is scored",
    )
    parser.add_argument("--only", action="append", metavar="CHECK", help="explain only this check")
    return parser


def _answer(arguments: argparse.Namespace) -> str:
    from checks import catalog, cli, config_explain  # noqa: PLC0415 - numpy costs half a second

    root = arguments.path.resolve()
    if not root.is_dir():
        raise ConfigError(f"{arguments.path} is not a folder; name a repository")
    found = cli.configuration(root, arguments.config)
    only = tuple(catalog.find(name).name for name in arguments.only or ())
    if arguments.explain or only:
        return config_explain.explain(found, catalog.discover(), only)
    return config_explain.summary(found, catalog.discover())
