"""`holdpoint check`: judges the repository in a folder and writes the report.

Called by the `holdpoint` command. Exit codes: 0 ready, 1 not ready, 2 could not be judged. What
goes wrong is one sentence on standard error, never a traceback. Heavy packages are imported only
when something is judged, so that `--help` is fast.
"""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from checks.errors import CannotJudgeError, ConfigError, HoldpointError
from checks.report import READY_AT

if TYPE_CHECKING:
    from collections.abc import Callable

    from checks.base.rules import Rules
    from checks.config import Config
    from checks.report import Report

READY, NOT_READY, NOT_JUDGED = 0, 1, 2
FORMATS = ("text", "markdown", "json", "html")
EPILOG = """\
exit codes: 0 ready, 1 not ready, 2 could not be judged

Without --config, holdpoint.yml, holdpoint.json or .github/holdpoint.yml is read; `holdpoint init`
writes one. The least it says:

  model: {path: model/model.joblib}
  data: {evaluation: data/evaluation.csv, target: label}
"""


def main(argv: list[str]) -> int:
    """Runs the command and returns its exit code."""
    arguments = _parser().parse_args(argv)
    try:
        report = _judge(arguments)
        _write(report, arguments.format or ["text"], arguments.output)
    except HoldpointError as error:
        return _refuse(str(error))
    except OSError as error:
        return _refuse(f"{error.filename or 'output'}: {error.strerror or error}")
    except KeyboardInterrupt:
        return _refuse("interrupted")
    least = READY_AT if arguments.fail_under is None else arguments.fail_under
    good = (report.overall_score or 0.0) >= least and not report.critical_issues
    return READY if good else NOT_READY


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="holdpoint check",
        description="Judges whether the model of a repository is ready for production.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("path", nargs="?", type=Path, default=Path(), help="the repository (.)")
    parser.add_argument("--config", type=Path, metavar="FILE", help="the configuration file")
    parser.add_argument(
        "--base",
        metavar="REF",
        help="the branch or commit that this is a change of: compare with it, by its own rules",
    )
    parser.add_argument(
        "--format", action="append", choices=FORMATS, help="may be given several times (text)"
    )
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help="write here; with several formats the suffix is replaced: .txt .md .json .html",
    )
    parser.add_argument("--only", action="append", metavar="CHECK", help="judge only this check")
    parser.add_argument(
        "--fail-under",
        type=_share,
        metavar="SCORE",
        help="0 from this score on if nothing is critical, instead of from ready on",
    )
    parser.add_argument(
        "--budget",
        type=_seconds,
        metavar="SECONDS",
        help="begin no check after so long; what is left out fails (run.budget_seconds, 1800)",
    )
    parser.add_argument("--quiet", action="store_true", help="no progress on standard error")
    parser.add_argument(
        "--trust-model",
        action="store_true",
        help="go on where the sandbox lacks layers: the model can then do what you can do",
    )
    parser.add_argument(
        "--no-environment",
        action="store_true",
        help="install nothing: run the model with the packages that are installed with Holdpoint",
    )
    return parser


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no score from 0 to 1")
    return value


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds")
    return value


def _judge(arguments: argparse.Namespace) -> Report:
    from checks import progress  # noqa: PLC0415 - numpy and scipy cost half a second
    from checks import run as engine  # noqa: PLC0415 - as above

    root = arguments.path.resolve()
    if not root.is_dir():
        raise CannotJudgeError(f"{arguments.path} is not a folder; name a repository to judge")
    if arguments.trust_model:
        sys.stderr.write("holdpoint: --trust-model: the model may run without a full sandbox\n")
    folder = arguments.output.parent if arguments.output else root
    if not folder.is_dir():  # said before the minutes that judging takes
        raise CannotJudgeError(f"--output {arguments.output}: make the folder {folder} first")
    rules = _rules(root, arguments)
    options = engine.Options(
        only=tuple(arguments.only or ()),
        trust_model=arguments.trust_model,
        against=rules.against,
        environment="tool" if arguments.no_environment else None,
        notes=rules.notes,
        budget_s=arguments.budget,
        progress=None if arguments.quiet else progress.chosen(),
    )
    return engine.run(root, config=rules.config, options=options)


def _rules(root: Path, arguments: argparse.Namespace) -> Rules:
    """Whose configuration judges: the base's where there is one."""
    from checks import run as engine  # noqa: PLC0415 - as above
    from checks.base import objects, rules  # noqa: PLC0415 - as above

    if arguments.base is None:
        return rules.Rules(configuration(root, arguments.config))
    base = objects.find(root, arguments.base)
    if arguments.config is not None:
        return rules.named(base, root, arguments.config)
    return rules.of_change(base, engine.find_config(root))


def configuration(root: Path, named: Path | None) -> Config:
    """The configuration named, or the repository's own, or the defaults. Raises ConfigError."""
    from checks import run as engine  # noqa: PLC0415 - as above
    from checks.config import Config  # noqa: PLC0415 - as above

    if named is None:
        found = engine.find_config(root)
        return engine.load_config(*found) if found else Config()
    try:
        payload = named.read_bytes()
    except OSError as error:
        raise ConfigError(f"{named}: {error.strerror or error}") from error
    return engine.load_config(payload, named.name)


def _write(report: Report, formats: list[str], output: Path | None) -> None:
    wanted = list(dict.fromkeys(formats))
    for index, name in enumerate(wanted):
        suffix, render = _renderers()[name]
        body = render(report)
        if output is None:
            separator = b"\n" if index else b""
            sys.stdout.buffer.write(separator + body)
            sys.stdout.buffer.flush()
            continue
        target = output if len(wanted) == 1 else output.with_suffix(suffix)
        target.write_bytes(body)
        sys.stderr.write(f"holdpoint: wrote {target}\n")


def _renderers() -> dict[str, tuple[str, Callable[[Report], bytes]]]:
    from checks import report_json  # noqa: PLC0415 - as above
    from checks.render import html, markdown, text  # noqa: PLC0415 - as above

    return {
        "text": (".txt", lambda report: text.text(report).encode()),
        "markdown": (".md", lambda report: markdown.comment(report).encode()),
        "json": (".json", report_json.dumps),
        "html": (".html", lambda report: html.page(report).encode()),
    }


def _refuse(sentence: str) -> int:
    sys.stderr.write(f"holdpoint: {sentence}\n")
    return NOT_JUDGED
