"""A decoder with skip connections that paints a picture from an encoder's maps (as in U-Net).

Sources: Ronneberger, Fischer, Brox, "U-Net", arXiv:1505.04597 (skips and two 3x3 convolutions per
level); Kim, "Strictly Chest X-ray Normal Network", 2024, section 3.3.2 (what is painted: the grey
values of the lesion and its surroundings). The thesis names no widths; these are the usual ones of
a U-Net on a classification encoder, 256, 128, 64, 32 and 16 maps from coarse to fine.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

WIDTHS = (256, 128, 64, 32, 16)


class Rise(nn.Module):
    """One level up: enlarge the coarse maps, join the encoder's maps of that size, convolve twice.

    (B, channels, h, w) and skip (B, skip_channels, H, W) -> (B, width, H, W). With skip_channels 0
    there is nothing to join, and only the size (H, W) is needed.
    """

    def __init__(self, channels: int, skip_channels: int, width: int) -> None:
        super().__init__()
        self.first = _convolution(channels + skip_channels, width)
        self.second = _convolution(width, width)

    def forward(self, coarse: Tensor, skip: Tensor | None, size: tuple[int, int]) -> Tensor:
        large = F.interpolate(coarse, size=size, mode="nearest")
        joined = large if skip is None else torch.cat([large, skip], dim=1)
        return self.second(self.first(joined))


class ReconstructionDecoder(nn.Module):
    """From maps at several scales to one picture of the film's size.

    encoder_channels: channels of the encoder's maps, finest first, for example (64, 256, 512, 1024,
        1024) for DenseNet-121; widths: maps after each level, coarsest first, one per scale.
    Behind DenseNet-121 it has 6,653,777 parameters; the two together, with 3 colour channels in and
    3 classes out, 13,610,708, as many as segmentation_models_pytorch's Unet("densenet121").
    Raises ValueError if there is not one width per scale.
    """

    def __init__(self, encoder_channels: Sequence[int], widths: Sequence[int] = WIDTHS) -> None:
        super().__init__()
        if len(widths) != len(encoder_channels):
            raise ValueError(
                f"The decoder needs one width per scale of the encoder: {len(widths)} widths for "
                f"{len(encoder_channels)} scales."
            )
        *skips, channels = encoder_channels
        self.rises = nn.ModuleList()
        for skip, width in zip([*reversed(skips), 0], widths, strict=True):
            self.rises.append(Rise(channels, skip, width))
            channels = width
        self.paint = nn.Conv2d(channels, 1, kernel_size=3, padding=1)

    def forward(self, maps: Sequence[Tensor], size: tuple[int, int]) -> Tensor:
        """Maps of the encoder, finest first, and the film's (H, W) -> picture (B, 1, H, W)."""
        *skips, coarse = maps
        for rise, skip in zip(self.rises, [*reversed(skips), None], strict=True):
            target = size if skip is None else (skip.shape[2], skip.shape[3])
            coarse = rise(coarse, skip, target)
        return self.paint(coarse)


def _convolution(channels: int, width: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, width, kernel_size=3, padding=1, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(inplace=True),
    )
