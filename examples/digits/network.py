"""The network. `make` is named in holdpoint.yml: the model file holds its weights and no code."""

from __future__ import annotations

import torch


class Network(torch.nn.Module):  # type: ignore[misc] # torch is not typed here
    """A small convolutional network: rows of 64 grey values from 0 to 16 in, ten logits out."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Conv2d(1, 8, 3, padding=1),
            torch.nn.ReLU(),
            torch.nn.MaxPool2d(2),
            torch.nn.Flatten(),
            torch.nn.Linear(8 * 4 * 4, 32),
            torch.nn.ReLU(),
            torch.nn.Linear(32, 10),
        )

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """Logits of shape (rows, 10)."""
        answer: torch.Tensor = self.layers(rows.reshape(-1, 1, 8, 8) / 16)
        return answer


def make() -> Network:
    """A network without weights."""
    return Network()
