"""The `holdpoint` command: finds the room that a verb belongs to and hands it the arguments.

Called by the console script and by `python -I -m holdpoint`. It imports a room only when one of
its verbs is used, so `holdpoint --help` stays fast and the controller's image needs no
scikit-learn. It deliberately knows nothing else about the rooms.
"""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass

EXIT_OK = 0
EXIT_USAGE = 2


@dataclass(frozen=True)
class Verb:
    """One subcommand: where its `main(argv) -> int` lives and which extra brings its packages."""

    target: str
    extra: str
    summary: str


VERBS: dict[str, Verb] = {
    "init": Verb("checks.init:main", "checks", "write a first holdpoint.yml for a repository"),
    "config": Verb("checks.config_cli:main", "checks", "explain the configuration in force"),
    "check": Verb("checks.cli:main", "checks", "judge the model of a repository"),
    "action": Verb("checks.action:main", "checks", "the GitHub Action's entry point"),
    "controller": Verb("rollouts.cli:controller", "controller", "run the Kubernetes controller"),
    "rollout": Verb("rollouts.cli:rollout", "controller", "show the rollouts of a cluster"),
    "bot": Verb("bot.app:main", "bot", "run the Slack bot"),
}


def main(argv: list[str] | None = None) -> int:
    """Runs one verb and returns its exit code: 0 done, 1 a 'no', 2 could not be judged or used."""
    arguments = sys.argv[1:] if argv is None else argv
    if not arguments or arguments[0] in {"-h", "--help", "help"}:
        sys.stdout.write(usage())
        return EXIT_OK if arguments else EXIT_USAGE
    if arguments[0] in {"-V", "--version"}:
        sys.stdout.write(f"holdpoint {version()}\n")
        return EXIT_OK
    verb = VERBS.get(arguments[0])
    if verb is None:
        return refuse(f"there is no verb {arguments[0]!r}; known are {', '.join(VERBS)}")
    return run(verb, arguments[1:])


def run(verb: Verb, arguments: list[str]) -> int:
    """Imports the verb's module and calls it; a missing extra becomes a sentence."""
    module_name, _, function_name = verb.target.partition(":")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        return refuse(
            f"the package {error.name!r} is not installed; "
            f"install it with: pip install 'holdpoint[{verb.extra}]'"
        )
    code: int = getattr(module, function_name)(arguments)
    return code


def refuse(sentence: str) -> int:
    """Says what is wrong on standard error."""
    sys.stderr.write(f"holdpoint: {sentence}\n")
    return EXIT_USAGE


def usage() -> str:
    """The help text, one line a verb."""
    width = max(map(len, VERBS))
    lines = [f"  {name:<{width}}  {verb.summary}" for name, verb in VERBS.items()]
    head, foot = "usage: holdpoint VERB [ARGUMENT ...]", "holdpoint VERB --help says more."
    return "\n".join([head, "", *lines, "", foot, ""])


def version() -> str:
    """The installed distribution's version."""
    from importlib import metadata  # noqa: PLC0415 - costs 20 ms that only --version needs

    return metadata.version("holdpoint")


if __name__ == "__main__":
    raise SystemExit(main())
