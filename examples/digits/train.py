"""Trains the network from data/training.csv and writes model/model.safetensors.

Seeded, on one thread: the same bytes each time on the same kind of machine.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import torch
from network import Network, make  # type: ignore[import-not-found]
from safetensors.torch import save_file

HERE = Path(__file__).resolve().parent
MODEL = HERE / "model" / "model.safetensors"
SEED, EPOCHS, BATCH = 0, 40, 64


def train(rows: torch.Tensor, digits: torch.Tensor) -> Network:
    """A network fitted to the rows."""
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    network = make()
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
    loss = torch.nn.CrossEntropyLoss()
    for _ in range(EPOCHS):
        for picks in torch.randperm(len(rows)).split(BATCH):
            optimizer.zero_grad()
            loss(network(rows[picks]), digits[picks]).backward()
            optimizer.step()
    return network.eval()


def main() -> None:
    """Fits and saves."""
    frame = pd.read_csv(HERE / "data" / "training.csv")
    rows = torch.tensor(frame.drop(columns="digit").to_numpy(), dtype=torch.float32)
    network = train(rows, torch.tensor(frame["digit"].to_numpy()))
    MODEL.parent.mkdir(exist_ok=True)
    save_file(network.state_dict(), MODEL)
    print(f"{MODEL.relative_to(HERE)}: {MODEL.stat().st_size} bytes")


if __name__ == "__main__":
    main()
