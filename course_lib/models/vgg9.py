"""VGG-9: the small VGG on which federated learning is measured with CIFAR pictures.

Six 3x3 convolutions, three poolings, three full layers. Source: Wang 2020 (FedMA,
arXiv:2002.06440), who took VGG down to 9 layers for 32-pixel pictures; FedMix (Yoon 2021,
arXiv:2107.00233) uses it, too.
"""

import torch
from torch import Tensor, nn

BLOCKS = ((32, 64), (128, 128), (256, 256))  # maps of the two convolutions before each pooling
HIDDEN = 512


class VGG9(nn.Module):
    """(B, in_channels, size, size) to logits (B, num_classes); 3,491,530 weights as published.

    No batch normalisation: its running means would have to be averaged between hospitals, too.
    size must be a multiple of 8, for three poolings. Raises ValueError otherwise.
    """

    def __init__(self, num_classes: int = 10, in_channels: int = 3, size: int = 32) -> None:
        super().__init__()
        if size < 8 or size % 8:
            raise ValueError(f"VGG-9 halves its pictures three times: {size} is no multiple of 8.")
        layers: list[nn.Module] = []
        for block in BLOCKS:
            for maps in block:
                layers += [nn.Conv2d(in_channels, maps, 3, padding=1), nn.ReLU()]
                in_channels = maps
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(
            nn.Linear(in_channels * (size // 8) ** 2, HIDDEN), nn.ReLU(),
            nn.Linear(HIDDEN, HIDDEN), nn.ReLU(),
            nn.Linear(HIDDEN, num_classes),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(torch.flatten(self.features(x), 1))


def vgg9_counts(num_classes: int = 10, in_channels: int = 3, size: int = 32) -> list[tuple]:
    """(layer, weights) of VGG-9, added up as on paper: 9 numbers per pair of maps, and a bias."""
    rows = []
    for block, maps_of_block in enumerate(BLOCKS, start=1):
        for number, maps in enumerate(maps_of_block, start=1):
            rows.append((f"conv {block}.{number}", 9 * in_channels * maps + maps))
            in_channels = maps
    units = in_channels * (size // 8) ** 2
    for name, outputs in (("full 1", HIDDEN), ("full 2", HIDDEN), ("output", num_classes)):
        rows.append((name, units * outputs + outputs))
        units = outputs
    return rows
