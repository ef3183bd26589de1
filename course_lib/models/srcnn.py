"""SRCNN: three convolutions that sharpen an enlarged image.

Source: Dong, Loy, He, Tang, "Image Super-Resolution Using Deep Convolutional Networks",
arXiv:1501.00092, section 4: filters of 9, 1 and 5 pixels with 64 and 32 channels between them,
8,032 weights (and 97 biases). The image is first enlarged by bicubic interpolation.
"""

import torch
from torch import Tensor, nn


class SRCNN(nn.Module):
    """(B, channels, H, W), already enlarged -> the same shape, sharper.

    sides: side of each filter; widths: channels between them.
    """

    def __init__(
        self,
        channels: int = 1,
        sides: tuple[int, int, int] = (9, 1, 5),
        widths: tuple[int, int] = (64, 32),
    ) -> None:
        super().__init__()
        counts = (channels, *widths, channels)
        convolutions = [
            nn.Conv2d(counts[i], counts[i + 1], side, padding=side // 2)
            for i, side in enumerate(sides)
        ]
        self.patches, self.mapping, self.rebuilding = convolutions

    def forward(self, enlarged: Tensor) -> Tensor:
        features = torch.relu(self.patches(enlarged))
        return self.rebuilding(torch.relu(self.mapping(features)))
