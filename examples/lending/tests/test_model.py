"""How the model behaves when one thing about an application changes, and how long it takes."""

from __future__ import annotations

import hashlib
import json
import time
import unittest
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from explain import Explainer  # type: ignore[import-not-found]
from train import FEATURES, TARGET, build, explain  # type: ignore[import-not-found]

ROOT = Path(__file__).resolve().parents[1]


class Behaviour(unittest.TestCase):
    """The committed model on the evaluation rows."""

    def setUp(self) -> None:
        """Reads both anew, so that no test sees another's changes."""
        self.model = joblib.load(ROOT / "model" / "model.joblib")
        self.rows = pd.read_csv(ROOT / "data" / "evaluation.csv")

    def chances(self, rows: pd.DataFrame) -> np.ndarray:
        """The probability of a denial for each row."""
        answers: np.ndarray = self.model.predict_proba(rows[FEATURES])[:, 1]
        return answers

    def test_what_the_law_forbids_changes_nothing(self) -> None:
        other = self.rows.assign(afam="yes", single="yes")
        before = self.chances(self.rows)
        after = self.chances(other)
        np.testing.assert_array_equal(before, after)

    def test_one_row_gets_the_answer_that_it_gets_among_others(self) -> None:
        together = self.chances(self.rows)[:5]
        alone = [self.chances(self.rows.iloc[[index]])[0] for index in range(5)]
        np.testing.assert_allclose(together, alone)

    def test_a_bad_public_record_helps_hardly_anybody(self) -> None:
        good = self.chances(self.rows.assign(phist="no"))
        bad = self.chances(self.rows.assign(phist="yes"))
        assert bad.mean() > good.mean()
        assert np.mean(bad >= good) > 0.95

    def test_a_denied_insurance_denies_the_mortgage(self) -> None:
        chances = self.chances(self.rows.assign(insurance="yes"))
        assert np.median(chances) > 0.5

    def test_missing_numbers_and_unknown_answers_are_no_error(self) -> None:
        odd = self.rows.assign(hirat=np.nan, hschool="perhaps")
        chances = self.chances(odd)
        assert np.isfinite(chances).all()

    def test_the_stored_importances_are_those_of_this_model(self) -> None:
        stored = json.loads((ROOT / "model" / "importance.json").read_text(encoding="utf-8"))
        payload = (ROOT / "model" / "model.joblib").read_bytes()
        assert stored.pop("model") == "sha256:" + hashlib.sha256(payload).hexdigest()
        training = pd.read_csv(ROOT / "data" / "training.csv")
        assert stored == explain(self.model, training, self.rows)

    def test_an_input_that_is_usual_contributes_nothing(self) -> None:
        payload = (ROOT / "model" / "model.joblib").read_bytes()
        digest = "sha256:" + hashlib.sha256(payload).hexdigest()
        explainer = Explainer.beside(str(ROOT / "model" / "model.joblib"), digest)
        assert explainer is not None
        assert Explainer.beside(str(ROOT / "model" / "model.joblib"), "sha256:0") is None
        rows = [dict(explainer.usual), {**explainer.usual, "insurance": "yes"}]

        def chances(variants: list[dict[str, object]]) -> list[float]:
            return [float(chance) for chance in self.chances(pd.DataFrame(variants))]

        usual, denied = explainer.explain(rows, chances)["explanations"]
        assert set(usual["contributions"].values()) == {0.0}
        moved = denied["contributions"].pop("insurance")
        assert moved == denied["probability"] - usual["probability"]
        assert moved > 0.5

    def test_training_twice_gives_the_same_answers(self) -> None:
        training = pd.read_csv(ROOT / "data" / "training.csv")
        one = build().fit(training[FEATURES], training[TARGET])
        other = build().fit(training[FEATURES], training[TARGET])
        rows = self.rows[FEATURES]
        np.testing.assert_array_equal(one.predict_proba(rows), other.predict_proba(rows))

    def test_a_thousand_rows_take_less_than_ten_seconds(self) -> None:
        """The callers' deadline for the largest request; usual is a hundredth of it."""
        rows = pd.concat([self.rows, self.rows]).head(1000)
        started = time.perf_counter()
        self.chances(rows)
        elapsed = time.perf_counter() - started
        assert elapsed < 10.0


if __name__ == "__main__":
    unittest.main()
