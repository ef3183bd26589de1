"""Segment an image of any size, tile by tile, as if it had gone through the network at once.

Source: Ronneberger, Fischer, Brox, arXiv:1505.04597, Figure 2 ("overlap-tile strategy"): every
tile is seen with a margin of surrounding image; beyond the border the image is mirrored. The paper
does not say so, but the tiles give *exactly* what the whole image would only if they start at
multiples of 2^levels pixels: otherwise max pooling pairs other neighbours.
"""

import torch
from torch import Tensor, nn

from course_lib.models.unet import UNet


def mirrored(count: int, before: int, after: int) -> Tensor:
    """Indices of a row of `count` pixels with mirror images added at both ends.

    mirrored(4, 2, 2) is 2 1 | 0 1 2 3 | 2 1; mirrors repeat as often as needed.
    """
    places = torch.arange(-before, count + after)
    if count == 1:
        return torch.zeros_like(places)
    period = 2 * (count - 1)
    places = places.remainder(period)
    return torch.minimum(places, period - places)


def margin_of(model: UNet, tile: int) -> int:
    """Pixels on each side of a tile that an unpadded U-Net sees but does not segment."""
    return (tile - model.output_side(tile)) // 2


@torch.no_grad()
def overlap_tile(
    model: nn.Module,
    image: Tensor,
    tile: int = 572,
    *,
    margin: int | None = None,
    step: int | None = None,
) -> Tensor:
    """Logits (K, H, W) of every pixel of `image` (C, H, W), computed tile by tile in evaluation.

    tile: side of what the network sees at once, in pixels.
    margin: pixels on each side of a tile that are seen but not kept. An unpadded U-Net has its
        own; a padded one gives exactly the whole image's logits (but for the image's border) if
        the margin, a multiple of 2^levels, is at least how far its receptive field reaches.
    step: distance of tiles; the largest that keeps pooling in step (a multiple of 2^levels) when
        omitted. The paper's 388 is not such a number.
    Raises ValueError if the margins leave nothing of a tile, or tiles would leave gaps.
    """
    height, width = image.shape[-2:]
    if margin is None:
        margin = margin_of(model, tile) if isinstance(model, UNet) else 0
    kept = tile - 2 * margin
    step = step or max(1, kept // _alignment(model)) * _alignment(model)
    _check(model, tile, margin, kept, step)
    down, right = -(-height // step), -(-width // step)
    rows = mirrored(height, margin, down * step + tile - height)
    columns = mirrored(width, margin, right * step + tile - width)
    model.eval()
    strips = []
    for top in range(0, height, step):
        pieces = []
        for left in range(0, width, step):
            seen = image[:, rows[top : top + tile]][:, :, columns[left : left + tile]]
            pieces.append(_kept(model(seen[None])[0], kept)[:, :step, :step])
        strips.append(torch.cat(pieces, dim=2))
    return torch.cat(strips, dim=1)[:, :height, :width]


def _check(model: nn.Module, tile: int, margin: int, kept: int, step: int) -> None:
    if kept <= 0:
        raise ValueError(f"Margins of {margin} pixels leave nothing of a {tile}-pixel tile.")
    if isinstance(model, UNet) and model.padded and margin % _alignment(model):
        raise ValueError(f"The margin must be a multiple of {_alignment(model)}, not {margin}.")
    if step > kept:
        raise ValueError(f"Tiles {step} pixels apart leave gaps: each keeps only {kept} pixels.")


def _alignment(model: nn.Module) -> int:
    """Tiles this many pixels apart meet the same pooling windows."""
    return 2**model.levels if isinstance(model, UNet) else 1


def _kept(logits: Tensor, kept: int) -> Tensor:
    """The middle of a tile's logits (K, h, w): a padded network's margin is cut off here."""
    cut = (logits.shape[-1] - kept) // 2
    return logits[:, cut : cut + kept, cut : cut + kept]
