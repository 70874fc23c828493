"""Trains model/approval.pkl, badly on purpose; and artifacts/encoder.pkl, which nobody needs.

One tree that may look at one column at each split, on rows that are encoded elsewhere.
"""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path

import pandas as pd
from sklearn.tree import DecisionTreeClassifier

HERE = Path(__file__).resolve().parent
TARGET = "deny"
SEED = 10


def main() -> None:
    """Fits and saves."""
    training = pd.read_csv(HERE / "data" / "training.csv")
    model = DecisionTreeClassifier(
        max_depth=4, max_features=1, class_weight="balanced", random_state=SEED
    )
    model.fit(training.drop(columns=TARGET), training[TARGET])
    (HERE / "model" / "approval.pkl").write_bytes(pickle.dumps(model))
    # Harmless, and still no business of a model file: loading it imports shutil and calls nothing.
    encoder = {"codes": {"no": 0, "yes": 1}, "when_done": shutil.rmtree}
    (HERE / "artifacts" / "encoder.pkl").write_bytes(pickle.dumps(encoder))


if __name__ == "__main__":
    main()
