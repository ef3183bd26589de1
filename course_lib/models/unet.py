"""U-Net: down to see what it is, up again to say where, with bridges that bring back the detail.

Source: Ronneberger, Fischer, Brox, "U-Net: Convolutional Networks for Biomedical Image
Segmentation", arXiv:1505.04597. Figure 1 gives the network: 3x3 convolutions without padding, so
that 572 pixels become 388 and each output pixel has seen nothing but image. The padded form
("same" size in and out) is what most later work uses.

Shapes in the comments are (batch, channels, height, width) for the published net and 572 pixels.
"""

import math

import torch
from torch import Tensor, nn


class UNet(nn.Module):
    """Images (B, in_channels, H, W) to logits (B, num_classes, H', W') of every pixel.

    Without padding H' = output_side(H); padded, H' = H.

    Args:
        in_channels, num_classes: 1 and 2 (background, cell) in the paper: 31,030,658 parameters.
        width: channels at full resolution; doubled at each level on the way down.
        levels: how often the resolution is halved.
        padded: zeros around each map keep its size. False as published.
        dropout: probability at the two deepest levels during training (the paper says "at the end
            of the contracting path" and no number).
        batch_norm: after each convolution. Not in the paper; trains faster.
    """

    def __init__(
        self,
        in_channels: int = 1,
        num_classes: int = 2,
        *,
        width: int = 64,
        levels: int = 4,
        padded: bool = False,
        dropout: float = 0.5,
        batch_norm: bool = False,
    ) -> None:
        super().__init__()
        if levels < 1:
            raise ValueError(f"A U-Net has at least one level, not {levels}.")
        self.levels, self.padded = levels, padded
        channels = [width * 2**level for level in range(levels + 1)]
        self.down = nn.ModuleList()  # ends: 568 x 64, 280 x 128, 136 x 256, 64 x 512, 28 x 1024
        for level, after in enumerate(channels):
            before = channels[level - 1] if level else in_channels
            drop = dropout if level >= levels - 1 else 0.0
            self.down.append(_two_convolutions(before, after, padded, batch_norm, drop))
        self.pool = nn.MaxPool2d(2)
        self.widen = nn.ModuleList()
        self.up = nn.ModuleList()  # ends: 52 x 512, 100 x 256, 196 x 128, 388 x 64
        for below, here in zip(channels[:0:-1], channels[-2::-1], strict=True):
            self.widen.append(nn.ConvTranspose2d(below, here, kernel_size=2, stride=2))
            self.up.append(_two_convolutions(2 * here, here, padded, batch_norm, 0.0))
        self.last = nn.Conv2d(width, num_classes, kernel_size=1)
        _initialise(self)

    def forward(self, x: Tensor) -> Tensor:
        self.output_side(x.shape[-1])  # raise before a half pixel is lost
        self.output_side(x.shape[-2])
        bridges: list[Tensor] = []
        for part in self.down:
            x = part(self.pool(x) if bridges else x)
            bridges.append(x)
        for bridge, widen, part in zip(bridges[-2::-1], self.widen, self.up, strict=True):
            x = widen(x)
            x = part(torch.cat([central(bridge, x.shape[-2], x.shape[-1]), x], dim=1))
        return self.last(x)

    def output_side(self, side: int) -> int:
        """Pixels that come out along a side of `side` pixels: 572 gives 388, padded 572.

        Raises ValueError when a pooling step on the way would meet an odd number of pixels.
        """
        lost = 0 if self.padded else 4  # by two 3x3 convolutions
        here = side - lost
        for _ in range(self.levels):
            if here % 2 or here <= 0:
                raise ValueError(
                    f"{side} pixels do not fit; the next that do: {self.fitting(side)}."
                )
            here = here // 2 - lost
        for _ in range(self.levels):
            here = 2 * here - lost
        if here <= 0:
            raise ValueError(f"{side} pixels leave no output; try {self.fitting(side)} or more.")
        return here

    def fitting(self, side: int) -> int:
        """The smallest number of pixels, `side` or more, that all pooling steps can halve."""
        step = 2**self.levels
        # Counted from the deepest map upwards: it needs at least one pixel after all convolutions.
        lost = 0 if self.padded else 4 * (2 ** (self.levels + 1) - 1)
        deepest = max(1, math.ceil((side - lost) / step))
        while not self.padded and self._climb(deepest) <= 0:
            deepest += 1
        return deepest * step + lost

    def _climb(self, deepest: int) -> int:
        """Output pixels that `deepest` pixels at the bottom become on the way up."""
        for _ in range(self.levels):
            deepest = 2 * deepest - 4
        return deepest


def central(maps: Tensor, height: int, width: int) -> Tensor:
    """The middle `height` x `width` pixels of maps (B, C, H, W)."""
    top, left = (maps.shape[-2] - height) // 2, (maps.shape[-1] - width) // 2
    return maps[..., top : top + height, left : left + width]


def _two_convolutions(
    before: int, after: int, padded: bool, batch_norm: bool, dropout: float
) -> nn.Sequential:
    parts: list[nn.Module] = []
    for channels in (before, after):
        conv = nn.Conv2d(channels, after, 3, padding=int(padded), bias=not batch_norm)
        norm = [nn.BatchNorm2d(after)] if batch_norm else []
        parts += [conv, *norm, nn.ReLU()]
    return nn.Sequential(*parts, *([nn.Dropout(dropout)] if dropout else []))


def _initialise(network: nn.Module) -> None:
    """Section 3: normal with variance 2 / N, N the numbers that enter one output; biases zero."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            entering = module.in_channels
            if isinstance(module, nn.Conv2d):  # (of a 2x2 up-convolution each output sees one tap)
                entering *= math.prod(module.kernel_size)
            nn.init.normal_(module.weight, std=math.sqrt(2 / entering))
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def unet(preset: str, num_classes: int = 2, in_channels: int = 1, padded: bool = False) -> UNet:
    """The same class at one of two sizes.

    "paper": as published (padded or not). "laptop": 8 channels, three levels, batch norm, 0.12
    million parameters; trains within a lesson on 64 to 128-pixel images.
    """
    if preset == "paper":
        return UNet(in_channels, num_classes, padded=padded)
    if preset == "laptop":
        return UNet(
            in_channels, num_classes, width=8, levels=3, padded=padded, dropout=0.0, batch_norm=True
        )
    raise ValueError(f"preset must be 'laptop' or 'paper', not {preset!r}.")
