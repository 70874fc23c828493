"""Why a row got its answer: how much each input moved it, measured one input at a time.

Each input of a row is replaced by the usual one (the training rows' median or most common answer,
written to importance.json by train.py) while the others stay; what the probability loses by that is
the input's contribution. Inputs that act together share what they do, so contributions need not
add up to the whole difference. It says what the model does, never what causes a denial.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

Row = dict[str, object]
MOST_ROWS = 50  # each is answered once for each input
FILE = "importance.json"


@dataclass(frozen=True)
class Explainer:
    """What is usual, and what the model leans on over all rows, for one model file."""

    usual: Mapping[str, object]
    importance: Mapping[str, list[float]]
    most_rows: int = MOST_ROWS

    @classmethod
    def beside(cls, model_path: str, digest: str) -> Explainer | None:
        """From the file beside the model, when there is one and it is of exactly this model."""
        path = Path(model_path).parent / FILE
        if not path.is_file():
            return None
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["model"] != digest:
            return None
        return cls(document["usual"], document["importance"])

    def explain(
        self, rows: list[Row], chances: Callable[[list[Row]], list[float]]
    ) -> dict[str, object]:
        """The probability of each row, and what each input contributed to it."""
        names = list(self.usual)
        variants = [
            variant
            for row in rows
            for variant in (row, *({**row, name: self.usual[name]} for name in names))
        ]
        answers, step = chances(variants), len(names) + 1
        explanations = []
        for start in range(0, len(answers), step):
            whole, *without = answers[start : start + step]
            moved = {name: whole - each for name, each in zip(names, without, strict=True)}
            explanations.append({"probability": whole, "contributions": moved})
        return {
            "explanations": explanations,
            "usual": dict(self.usual),
            "importance": dict(self.importance),
        }
