"""What the network reads, and what the server refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
import torch
from serve import load, parse  # type: ignore[import-not-found]

ROOT = Path(__file__).resolve().parents[1]
NETWORK = load(str(ROOT / "model" / "model.safetensors"))
FRAME = pd.read_csv(ROOT / "data" / "evaluation.csv")
ROWS = torch.tensor(FRAME.drop(columns="digit").to_numpy(), dtype=torch.float32)


def test_most_pictures_are_read_right() -> None:
    right = NETWORK(ROWS).argmax(1) == torch.tensor(FRAME["digit"].to_numpy())
    assert right.float().mean() > 0.95


def test_a_little_noise_changes_few_answers() -> None:
    noise = torch.randn(ROWS.shape, generator=torch.Generator().manual_seed(0))
    same = NETWORK(ROWS).argmax(1) == NETWORK(ROWS + 0.3 * noise).argmax(1)
    assert same.float().mean() > 0.95


@pytest.mark.parametrize("rows", [[], [[1, 2]], [[17] * 64], "text"])
def test_what_is_no_picture_is_refused(rows: object) -> None:
    with pytest.raises(ValueError, match=r"expected|each row"):
        parse(json.dumps({"rows": rows}).encode())
