"""`holdpoint init`: writes a first, commented holdpoint.yml for the repository that it finds.

Called by the `holdpoint` command. It says in words what was guessed and what to check, overwrites
nothing unless told to, and exits with 2 where there is no model to judge.
"""

from __future__ import annotations

import argparse
import os
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from checks.errors import CannotJudgeError, ConfigError, HoldpointError
from checks.render.inert import plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from checks.evidence.layout import Layout, Table, Target
    from checks.evidence.repository import File, Repository
    from checks.init_text import Guess

DONE, NOT_DONE = 0, 2
NAME = "holdpoint.yml"
WIDTH = 96


def main(argv: list[str]) -> int:
    """Runs the command and returns its exit code."""
    arguments = _parser().parse_args(argv)
    try:
        sys.stdout.write(init(arguments.path, arguments.model, force=arguments.force))
    except HoldpointError as error:
        sys.stderr.write(f"holdpoint: {error}\n")
        return NOT_DONE
    return DONE


def init(path: Path, model: str | None = None, *, force: bool = False) -> str:
    """Writes the file below `path` and returns what to tell the person. Raises HoldpointError."""
    from checks.evidence import layout  # noqa: PLC0415 - keeps `--help` fast
    from checks.evidence.repository import scan  # noqa: PLC0415 - as above
    from checks.init_text import render  # noqa: PLC0415 - as above

    root = path.resolve()
    if not root.is_dir():
        raise CannotJudgeError(f"{path} is not a folder; name a repository")
    _refuse_existing(root, force=force)
    repository = scan(root)
    found = layout.look(repository)
    chosen = _choose(found, model, path)
    guess, reasons = _guess(found, chosen, repository)
    _write(root / NAME, render(guess), force=force)
    return _told(path, guess, reasons, found, layout.pointer(repository, chosen))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="holdpoint init",
        description="Writes a commented holdpoint.yml for the repository that it finds.",
        epilog="exit codes: 0 written, 2 nothing to judge was found or the file exists already",
    )
    parser.add_argument("path", nargs="?", type=Path, default=Path(), help="the repository (.)")
    parser.add_argument("--model", metavar="FILE", help="the model file, where there are several")
    parser.add_argument("--force", action="store_true", help=f"replace a {NAME} that exists")
    return parser


def _refuse_existing(root: Path, *, force: bool) -> None:
    from checks.config import FILE_NAMES  # noqa: PLC0415 - as above

    for name in FILE_NAMES:
        if not os.path.lexists(root / name):
            continue
        if name != NAME:
            raise ConfigError(f"{name} exists already, and two at once are an error; edit that one")
        if not force:
            raise ConfigError(f"{name} exists already; --force replaces it")


def _choose(found: Layout, wanted: str | None, path: Path) -> File:
    from checks import models  # noqa: PLC0415 - as above

    everything = (*found.models, *found.helpers)
    if wanted is not None:
        wanted = wanted.removeprefix("./")
        for file in everything:
            if file.path == wanted:
                return file
        shown = ", ".join(plain(file.path) for file in everything[:5]) or "none"
        raise CannotJudgeError(f"{wanted} is not among the model files of {path}: {shown}")
    if found.models:
        return found.models[0]
    known = " ".join(models.suffixes())
    if found.unread:
        names = ", ".join(plain(file.path) for file in found.unread[:5])
        raise CannotJudgeError(
            f"{names}: this version reads model files of {known} only; save the model as one of "
            "them, then run `holdpoint init` again"
        )
    raise CannotJudgeError(
        f"no model file was found below {path} ({known}), so there is nothing to judge yet; save "
        "the trained model into the repository (Git LFS is fine) or name its folder: "
        "`holdpoint init path/to/it`"
    )


def _guess(
    found: Layout, chosen: File, repository: Repository
) -> tuple[Guess, list[tuple[str, str]]]:
    """The guess, and each part of it with its reason."""
    from checks.evidence import layout  # noqa: PLC0415 - as above
    from checks.init_text import Guess  # noqa: PLC0415 - as above

    tables = layout.near(found, chosen.path)
    training = layout.trained_on(tables)
    evaluation, why = _evaluation(tables, training)
    target = _target(evaluation or training, repository)
    columns = evaluation.columns if evaluation else ()
    others = [file.path for file in (*found.models, *found.helpers) if file is not chosen]
    sure = [each for each in target if each.sure]
    reasons = [
        ("model", f"{chosen.path} ({_size(chosen.size)})"),
        ("evaluation data", f"{evaluation.path}, {why}" if evaluation else f"none: {why}"),
        ("training data", training.path if training else "none found by its name"),
        ("target", f"{sure[0].column}, {sure[0].why}" if sure else _no_target(target)),
    ]
    return Guess(
        model=chosen.path,
        others=tuple(others),
        evaluation=evaluation.path if evaluation else None,
        training=training.path if training else None,
        target=sure[0].column if sure else None,
        target_why=sure[0].why if sure else "",
        maybe_data=tuple(table.path for table in tables if table is not training),
        maybe_targets=tuple(each.column for each in target),
        ignorable=tuple(name for name in columns if _is_id(name)),
    ), reasons


def _evaluation(tables: tuple[Table, ...], training: Table | None) -> tuple[Table | None, str]:
    from checks.evidence import layout  # noqa: PLC0415 - as above

    table = layout.held_out(tables)
    if table is not None:
        return table, "by its name"
    rest = [each for each in tables if each.columns and each is not training]
    if len(rest) == 1:
        return rest[0], "the only table that could be it"
    if rest:
        return (
            None,
            f"{len(rest)} tables, none named like held-out data; set data.evaluation in {NAME}",
        )
    unread = [each for each in tables if not each.columns]
    if unread:
        return None, f"{plain(unread[0].path)}: {unread[0].why}"
    what = "only training data was found" if training else "no data file was found"
    return None, f"{what}; commit labelled rows that the model was not trained on"


def _target(table: Table | None, repository: Repository) -> tuple[Target, ...]:
    from checks.evidence import layout  # noqa: PLC0415 - as above

    return layout.targets(table, repository) if table is not None else ()


def _no_target(candidates: tuple[Target, ...]) -> str:
    if not candidates:
        return "none: there is no header to look at; set data.target"
    last = candidates[0].column
    return f"not clear; set data.target in {NAME} (the last column is {last!r})"


def _is_id(name: str) -> bool:
    return name.lower() in {"id", "index", "uuid", "unnamed: 0", ""} or name.lower().endswith("_id")


def _write(target: Path, text: str, *, force: bool) -> None:
    """Creates the file; with `force` it is replaced whole, so a link there is not followed."""
    try:
        if force:
            fresh = target.with_name(f".{target.name}.new")
            fresh.unlink(missing_ok=True)
            _create(fresh, text)
            fresh.replace(target)
        else:
            _create(target, text)
    except FileExistsError as error:
        raise ConfigError(f"{target.name} exists already; --force replaces it") from error
    except OSError as error:
        raise ConfigError(f"{target} cannot be written: {error.strerror or error}") from error


def _create(target: Path, text: str) -> None:
    with target.open("x", encoding="utf-8") as file:
        file.write(text)


def _told(
    path: Path, guess: Guess, reasons: list[tuple[str, str]], found: Layout, wrong: str | None
) -> str:
    lines = [f"wrote {path / NAME}, with these guesses:", ""]
    lines += [f"  {name:<16} {plain(why)}" for name, why in reasons]
    lines += ["", "Check before you trust a verdict:"]
    said = [*_about_models(guess, found, wrong, path), *_about_data(guess), *found.notes]
    for sentence in said:
        lines += textwrap.wrap(
            sentence,
            WIDTH,
            initial_indent="  - ",
            subsequent_indent="    ",
            break_long_words=False,  # a path is there to be copied
            break_on_hyphens=False,
        )
    where = "" if path == Path() else f" {path}"
    lines += ["", f"next: holdpoint check{where}"]
    return "\n".join(lines) + "\n"


def _about_models(guess: Guess, found: Layout, wrong: str | None, path: Path) -> Iterator[str]:
    from checks.evidence import layout  # noqa: PLC0415 - as above

    if wrong:
        yield f"{plain(guess.model)}: {wrong}"
    others = [file.path for file in found.models if file.path != guess.model]
    if others:
        shown = ", ".join(plain(name) for name in others[:5])
        more = f" and {len(others) - 5} more" if len(others) > 5 else ""
        home = layout.home(guess.model, others[0])
        advice = f"`holdpoint init --force --model {plain(others[0])}` takes another"
        if home:
            advice = f"`holdpoint init {plain((path / home).as_posix())}` is for the other"
        yield (
            f"{len(others) + 1} models were found: {plain(guess.model)} (taken), {shown}{more}. "
            f"One configuration judges one model; {advice}."
        )
        own = layout.home(others[0], guess.model)
        if home and own:
            alone = plain((path / own).as_posix())
            yield (
                "From here everything in the tree counts, what belongs to the other too; "
                f"`holdpoint init {alone}` and `holdpoint check {alone}` keep to one folder."
            )
    helpers = [plain(file.path) for file in found.helpers if file.path != guess.model]
    if helpers:
        yield f"Named like parts of a model and not taken: {', '.join(helpers[:5])}."


def _about_data(guess: Guess) -> Iterator[str]:
    if guess.evaluation is None:
        yield "Without data.evaluation nothing can be measured, and the verdict is no."
        return
    data = plain(guess.evaluation)
    yield f"Was the model trained on rows of {data}? Then every figure flatters it: keep some back."
    if guess.target is None:
        yield "Without data.target nothing can be measured, and the verdict is no."
    else:
        yield f"Is {plain(guess.target)!r} what the model predicts?"
    if guess.ignorable:
        names = ", ".join(plain(name) or "(no name)" for name in guess.ignorable[:5])
        yield f"Does the model get {names}? If not, set data.ignore."


def _size(size: int) -> str:
    for unit, step in (("MB", 10**6), ("kB", 10**3)):
        if size >= step:
            return f"{size / step:.1f} {unit}"
    return f"{size} bytes"
