"""AUTOMAP: learn the transform itself, from k-space to image, without being told of Fourier.

Source: Zhu, Liu, Cauley, Rosen, Rosen, "Image reconstruction by domain-transform manifold
learning", Nature 2018;555:487-492, methods: two fully connected layers with tanh, two 5x5
convolutions of 64 channels with ReLU, a 7x7 transposed convolution to the image. The first layer
joins every sample with every pixel: its weights grow with the fourth power of the side.
"""

import torch
from torch import Tensor, nn


class Automap(nn.Module):
    """k-space (B, n, n), complex, zero where not sampled -> image (B, n, n), real.

    n = 128 as published has 805 million weights in its two full layers; see `full_weights`.
    """

    def __init__(self, side: int = 128, width: int = 64) -> None:
        super().__init__()
        self.side, pixels = side, side * side
        self.full = nn.Sequential(
            nn.Linear(2 * pixels, pixels), nn.Tanh(), nn.Linear(pixels, pixels), nn.Tanh()
        )
        self.convolutions = nn.Sequential(
            nn.Conv2d(1, width, 5, padding=2),
            nn.ReLU(),
            nn.Conv2d(width, width, 5, padding=2),
            nn.ReLU(),
            nn.ConvTranspose2d(width, 1, 7, padding=3),
        )

    def forward(self, kspace: Tensor) -> Tensor:
        if kspace.shape[-2:] != (self.side, self.side):
            raise ValueError(
                f"This network was made for {self.side} x {self.side} samples and cannot take "
                f"{kspace.shape[-2]} x {kspace.shape[-1]}: its full layers fix the size."
            )
        numbers = torch.view_as_real(kspace).flatten(1)
        image = self.full(numbers).reshape(-1, 1, self.side, self.side)
        return self.convolutions(image)[:, 0]


def full_weights(side: int) -> int:
    """Weights and biases of the two full layers for side x side images: about 3 n^4."""
    pixels = side * side
    return 2 * pixels * pixels + pixels + pixels * pixels + pixels
