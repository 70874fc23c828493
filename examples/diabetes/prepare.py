"""Writes data/training.csv and data/evaluation.csv from the data that scikit-learn ships."""

from __future__ import annotations

from pathlib import Path

from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split

HERE = Path(__file__).resolve().parent
SEED = 0


def main() -> None:
    """70 % of the patients for training, 30 % for evaluation."""
    frame = load_diabetes(as_frame=True, scaled=False).frame.rename(
        columns={"target": "progression"}
    )
    training, evaluation = train_test_split(frame, test_size=0.3, random_state=SEED)
    (HERE / "data").mkdir(exist_ok=True)
    for name, rows in (("training", training), ("evaluation", evaluation)):
        rows.to_csv(HERE / "data" / f"{name}.csv", index=False)


if __name__ == "__main__":
    main()
