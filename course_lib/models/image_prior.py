"""The hourglass of the deep image prior: a network that is never shown a second picture.

Its input is fixed noise, its output the restored picture, and its weights are fitted to one
damaged picture. What it knows about pictures is only how it is built: convolutions of neighbours,
at several scales. The thin connections let a little detail pass at each scale.

Source: Ulyanov, Vedaldi, Lempitsky, "Deep Image Prior", arXiv:1711.10925, supplementary material:
the network that they call the default (five scales, 128 channels, 4 skip channels).
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from course_lib.models.presets import chosen

SLOPE = 0.2  # of LeakyReLU below zero
UP_SAMPLING = ("bilinear", "nearest")


class Hourglass(nn.Module):
    """Noise (1, channels_in, H, W) to a picture (1, channels_out, H, W) with values from 0 to 1.

    With the default settings and three colours 2,217,831 weights.

    Args:
        channels_in, channels_out: 32 of noise; 1 for a grey picture, 3 for a coloured one.
        widths: channels at each scale, from fine to coarse; each scale halves the resolution.
        skips: channels of the thin connection at each scale; 0 for none.
        up: "bilinear" or "nearest", how maps are enlarged.

    Raises ValueError for settings that do not belong together, and in `forward` for a picture
    that is too small for so many scales.
    """

    def __init__(
        self,
        channels_in: int = 32,
        channels_out: int = 1,
        *,
        widths: Sequence[int] = (128,) * 5,
        skips: Sequence[int] = (4,) * 5,
        up: str = "bilinear",
    ) -> None:
        super().__init__()
        if not widths or len(widths) != len(skips):
            raise ValueError(
                f"Give one width and one number of skip channels for each scale, not {len(widths)} "
                f"and {len(skips)}."
            )
        if up not in UP_SAMPLING:
            raise ValueError(f"up must be one of {', '.join(UP_SAMPLING)}, not {up!r}.")
        self.channels_in, self.channels_out, self.up = channels_in, channels_out, up
        self.down, self.skip = nn.ModuleList(), nn.ModuleList()
        self.join, self.back = nn.ModuleList(), nn.ModuleList()
        before = (channels_in, *widths[:-1])
        below = (*widths[1:], widths[-1])  # what comes up from the scale below
        for entering, width, thin, rising in zip(before, widths, skips, below, strict=True):
            halved = _layer(entering, width, 3, stride=2)
            self.down.append(nn.Sequential(*halved, *_layer(width, width, 3)))
            self.skip.append(nn.Sequential(*(_layer(entering, thin, 1) if thin else [])))
            self.join.append(nn.BatchNorm2d(thin + rising))
            joined = _layer(thin + rising, width, 3)
            self.back.append(nn.Sequential(*joined, *_layer(width, width, 1)))
        self.last = nn.Conv2d(widths[0], channels_out, 1)
        self.has_skip = tuple(thin > 0 for thin in skips)

    @property
    def scales(self) -> int:
        """How often the resolution is halved."""
        return len(self.down)

    def forward(self, noise: Tensor) -> Tensor:
        self._check(noise)
        return torch.sigmoid(self.last(self._scale(noise, 0)))

    def _scale(self, x: Tensor, level: int) -> Tensor:
        """Maps of one scale: down, through all coarser scales, up again, joined with the skip."""
        deep = self.down[level](x)
        if level + 1 < self.scales:
            deep = self._scale(deep, level + 1)
        aligned = None if self.up == "nearest" else False
        deep = nn.functional.interpolate(deep, x.shape[2:], mode=self.up, align_corners=aligned)
        if self.has_skip[level]:
            deep = torch.cat([self.skip[level](x), deep], dim=1)
        return self.back[level](self.join[level](deep))

    def _check(self, noise: Tensor) -> None:
        if noise.dim() != 4 or noise.shape[0] != 1 or noise.shape[1] != self.channels_in:
            raise ValueError(
                f"The hourglass takes one input (1, {self.channels_in}, H, W), not the shape "
                f"{tuple(noise.shape)}."
            )
        if min(noise.shape[2:]) <= 2**self.scales:
            raise ValueError(
                f"{self.scales} scales need sides of more than {2**self.scales} pixels, not "
                f"{tuple(noise.shape[2:])}: take fewer scales or a larger picture."
            )


def _layer(before: int, after: int, side: int, stride: int = 1) -> list[nn.Module]:
    """Convolution (mirrored at the border), batch norm, LeakyReLU."""
    border: Literal["reflect", "zeros"] = "reflect" if side > 1 else "zeros"
    convolution = nn.Conv2d(before, after, side, stride, padding=side // 2, padding_mode=border)
    return [convolution, nn.BatchNorm2d(after), nn.LeakyReLU(SLOPE)]


def fixed_noise(channels: int, side: tuple[int, int], seed: int, top: float = 0.1) -> Tensor:
    """The usual input (1, channels, H, W): drawn once, uniform from 0 to `top`, then left alone."""
    drawn = np.random.default_rng(seed).uniform(0, top, (1, channels, *side))
    return torch.from_numpy(drawn.astype(np.float32))


def coordinates(side: tuple[int, int]) -> Tensor:
    """The smoother input (1, 2, H, W) for large holes: each pixel's own x and y, from 0 to 1."""
    rows, columns = (torch.linspace(0, 1, count) for count in side)
    y, x = torch.meshgrid(rows, columns, indexing="ij")
    return torch.stack([x, y])[None]


PRESETS: dict[str, dict[str, tuple[int, ...]]] = {
    "paper": {"widths": (128,) * 5, "skips": (4,) * 5},
    "laptop": {"widths": (32, 32), "skips": (1, 1)},
}


def hourglass(
    preset: str = "paper", channels_in: int = 32, channels_out: int = 1, *, seed: int = 0
) -> Hourglass:
    """The hourglass of a preset with weights drawn from `seed`.

    "paper": the default of the paper. "laptop": two scales of 32 channels, for details of 64 to 128
    pixels within seconds. The caller's own random numbers are left as they were.
    """
    settings = chosen(PRESETS, preset)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Hourglass(
            channels_in, channels_out, widths=settings["widths"], skips=settings["skips"]
        )
