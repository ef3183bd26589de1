"""A network small enough that twelve hospitals train it on one computer in seconds."""

import torch
from torch import nn


def small_network(classes: int, side: int, seed: int, channels: int = 1) -> nn.Sequential:
    """Two convolutions and a linear layer: (B, channels, side, side) -> (B, classes).

    Group normalisation needs nothing but the film itself. Batch normalisation would keep means and
    variances of its own hospital's films, and averaging those mixes things that do not belong
    together. The first normalisation makes every film equally bright and equally rich in contrast.
    Raises ValueError for films smaller than 8 pixels.
    """
    if side < 8:
        raise ValueError(f"Films of {side} pixels are too small; take 8 or more.")
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.GroupNorm(1, channels),
        nn.Conv2d(channels, 8, 3, padding=1), nn.GroupNorm(2, 8), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1), nn.GroupNorm(2, 16), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(16 * (side // 4) ** 2, classes),
    )  # fmt: skip
