"""The text of a first holdpoint.yml, with the guesses marked as guesses. Pure.

Called by `checks.init`. Names from the repository are quoted wherever they stand, in comments too,
so that no file or column name can add a line to the file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import yaml

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]{0,199}")


@dataclass(frozen=True)
class Guess:
    """What was guessed: paths from the root, column names; None where nothing was found."""

    model: str
    others: tuple[str, ...] = ()
    evaluation: str | None = None
    training: str | None = None
    target: str | None = None
    target_why: str = ""
    maybe_data: tuple[str, ...] = ()
    maybe_targets: tuple[str, ...] = ()
    ignorable: tuple[str, ...] = ()


def quoted(name: str) -> str:
    """A name as YAML, on one line, whatever it holds."""
    if _PLAIN.fullmatch(name) and isinstance(yaml.safe_load(name), str):
        return name
    shown = name.isprintable()
    text: str = yaml.safe_dump(name, default_style='"', width=10**6, allow_unicode=shown)
    return text.strip()


def render(guess: Guess) -> str:
    """The file's text, which ends with a newline."""
    return "\n".join([*_head(), *_model(guess), *_data(guess), *_rest()]) + "\n"


def _head() -> list[str]:
    return [
        "# What Holdpoint judges. `holdpoint check` reads it; `holdpoint config --explain` shows",
        "# every setting in force. This file was guessed by `holdpoint init`: read it once.",
        "version: 1",
        "",
    ]


def _model(guess: Guess) -> list[str]:
    others = [f"  # also found: {quoted(name)}" for name in guess.others[:10]]
    return [
        "model:",
        f"  path: {quoted(guess.model)}",
        *others,
        *_weights(guess.model),
        "  # task: classification   # or regression; without it the target column is asked",
        "",
    ]


def _weights(model: str) -> list[str]:
    """A file of weights needs the code that they belong to."""
    if model.lower().endswith((".safetensors", ".pt", ".pth", ".ckpt")):
        return ["  # constructor: network:make   # for bare weights: who makes the module"]
    return []


def _data(guess: Guess) -> list[str]:
    lines = ["data:", "  # Labelled rows that the model was not trained on."]
    lines.append(_line("evaluation", guess.evaluation, "data/evaluation.csv"))
    if guess.evaluation is None:
        lines += [f"  # found: {quoted(name)}" for name in guess.maybe_data[:10]]
    lines.append("  # The rows that it was trained on, to compare with.")
    lines.append(_line("training", guess.training, "data/training.csv"))
    why = f": {guess.target_why}" if guess.target_why else ""
    lines.append(f"  # The column with the right answer{why}.")
    lines.append(_line("target", guess.target, "label"))
    maybe = [name for name in guess.maybe_targets if name != guess.target]
    if maybe:
        lines.append(f"  # other candidates: {', '.join(map(quoted, maybe[:10]))}")
    lines.append('  # positive_label: "yes"   # of two labels, the one that counts as positive')
    ignored = ", ".join(map(quoted, guess.ignorable[:10])) or "id"
    lines.append(f"  # ignore: [{ignored}]   # columns that the model does not get")
    return [*lines, ""]


def _line(key: str, value: str | None, example: str) -> str:
    return f"  {key}: {quoted(value)}" if value else f"  # {key}: {example}"


def _rest() -> list[str]:
    return [
        "# Thresholds have defaults; set what your use needs.",
        "# checks:",
        "#   model_performance: {accuracy: 0.9, f1: 0.85}",
        "#   inference_performance: {p99_ms: 300}",
        "#   deployment: {risk: high}",
        "",
        "# What is in place but cannot be seen in the repository. Worth half, shown as declared.",
        "# declarations:",
        "#   deployment.rollback: {link: https://wiki.example.com/rollback, by: platform team}",
        "",
        "# A finding that somebody answers for until a date: not critical, lost points stay lost.",
        "# waivers:",
        "#   - rule: deployment.container.user",
        "#     reason: the base image cannot do without root until its next release",
        "#     owner: ada",
        "#     expires: 2030-12-31",
    ]
