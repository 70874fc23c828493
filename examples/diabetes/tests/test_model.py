"""What the graph answers, and that it answers as the pipeline that it was made from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pandas as pd
from train import FEATURES, TARGET, build  # type: ignore[import-not-found]

ROOT = Path(__file__).resolve().parents[1]
ROWS = pd.read_csv(ROOT / "data" / "evaluation.csv")


def answers(rows: pd.DataFrame) -> np.ndarray:
    """The committed graph's answers."""
    session = onnxruntime.InferenceSession(str(ROOT / "model" / "model.onnx"))
    feed = {name: rows[[name]].to_numpy(np.float32) for name in FEATURES}
    found: np.ndarray = session.run(None, feed)[0].ravel()
    return found


def test_the_graph_answers_as_the_pipeline() -> None:
    training = pd.read_csv(ROOT / "data" / "training.csv")
    fitted = build().fit(training[FEATURES], training[TARGET])
    np.testing.assert_allclose(answers(ROWS), fitted.predict(ROWS[FEATURES]), rtol=1e-4)


def test_a_higher_body_mass_index_is_no_better() -> None:
    assert (answers(ROWS.assign(bmi=ROWS["bmi"] + 5)) > answers(ROWS)).all()


def test_one_row_gets_the_answer_that_it_gets_among_others() -> None:
    np.testing.assert_allclose(answers(ROWS.head(1)), answers(ROWS)[:1], rtol=1e-5)
