"""Writes data/training.csv and data/evaluation.csv from the digits that scikit-learn ships."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

HERE = Path(__file__).resolve().parent
SEED = 0


def main() -> None:
    """One row a picture: 64 grey values from 0 to 16, and the digit."""
    pictures, digits = load_digits(return_X_y=True)
    frame = pd.DataFrame(pictures.astype(int), columns=[f"p{index}" for index in range(64)])
    frame = frame.assign(digit=digits)
    training, evaluation = train_test_split(
        frame, test_size=0.3, random_state=SEED, stratify=frame["digit"]
    )
    (HERE / "data").mkdir(exist_ok=True)
    for name, rows in (("training", training), ("evaluation", evaluation)):
        rows.to_csv(HERE / "data" / f"{name}.csv", index=False)


if __name__ == "__main__":
    main()
