"""PGGAN: a generator and a critic that grow from 4 x 4 to 1024 x 1024 pixels while they learn.

Source: Karras, Aila, Laine, Lehtinen, "Progressive Growing of GANs", arXiv:1710.10196, table 2.
Both networks have all their layers from the beginning; `resolution` says how many of them are in
use, and `alpha` how far the newest ones have been faded in (0: not yet, 1: entirely).
"""

from dataclasses import dataclass
from math import log2, sqrt

import torch
from torch import Tensor, nn
from torch.nn import functional

from course_lib.models.equalised import EqualisedConv2d, EqualisedLinear
from course_lib.models.presets import chosen

SLOPE = 0.2  # of the leaky rectifier


@dataclass(frozen=True)
class PgganSize:
    """How large the networks are.

    resolution: pixels of the finished films, a power of two from 4. image_channels: 1 grey, 3
    colour. base, most: a layer at r x r pixels has min(2 * base / r, most) channels. latent:
    length of z; None for as many as the first layer has channels, as published.
    """

    resolution: int = 1024
    image_channels: int = 1
    base: int = 8192
    most: int = 512
    latent: int | None = None

    def __post_init__(self) -> None:
        if self.resolution < 4 or self.resolution & (self.resolution - 1):
            raise ValueError(f"resolution must be 4, 8, 16, 32, ... pixels, not {self.resolution}.")
        if self.channels(self.resolution) < 1 or self.image_channels < 1:
            raise ValueError("Every layer needs at least one channel; enlarge base and most.")

    @property
    def resolutions(self) -> tuple[int, ...]:
        """4, 8, ... up to the finished size."""
        return tuple(2**level for level in range(2, int(log2(self.resolution)) + 1))

    @property
    def latent_size(self) -> int:
        return self.latent or min(self.base, self.most)

    def channels(self, resolution: int) -> int:
        """Channels of the layers that work at this resolution."""
        return min(2 * self.base // resolution, self.most)


PRESETS = {
    "lesson": PgganSize(32, base=256, most=64),
    "laptop": PgganSize(64, base=512, most=64),
    "paper": PgganSize(1024),
}


def pixel_norm(x: Tensor, epsilon: float = 1e-8) -> Tensor:
    """Divide the channels (dim 1) of every pixel by their root mean square (section 4.2)."""
    return x * torch.rsqrt(x.square().mean(1, keepdim=True) + epsilon)


def minibatch_deviation(x: Tensor, group: int = 4) -> Tensor:
    """How much the films of a group differ: one more channel, (B, C, H, W) -> (B, C + 1, H, W).

    The standard deviation over the group is averaged over channels and pixels (section 3). A critic
    that sees it notices a generator that always draws the same film. Film n belongs to group n mod
    (B / group); a smaller batch is one group; of a batch of one the deviation is 0.0001, always.

    Raises ValueError for a batch that cannot be cut into groups of this size.
    """
    batch, _, height, width = x.shape
    group = min(group, batch)
    if batch % group:
        raise ValueError(
            f"A batch of {batch} films cannot be cut into groups of {group}, which the minibatch "
            f"standard deviation needs; take a multiple of {group}."
        )
    members = x.float().view(group, batch // group, *x.shape[1:])
    deviation = (members.var(0, unbiased=False) + 1e-8).sqrt().mean((1, 2, 3))
    channel = deviation.repeat(group).to(x.dtype).view(batch, 1, 1, 1)
    return torch.cat([x, channel.expand(-1, -1, height, width)], 1)


def grow(film: Tensor) -> Tensor:
    """Twice the size: every pixel becomes four (nearest neighbour)."""
    return functional.interpolate(film, scale_factor=2, mode="nearest")


def shrink(film: Tensor) -> Tensor:
    """Half the size: every four pixels become their mean."""
    return functional.avg_pool2d(film, 2)


def faded(old: Tensor, new: Tensor, alpha: float) -> Tensor:
    """(1 - alpha) old + alpha new."""
    return new if alpha >= 1 else torch.lerp(old, new, alpha)


class Generator(nn.Module):
    """z (B, latent) to films (B, image_channels, r, r), about -1 to 1 and not limited to it."""

    def __init__(self, size: PgganSize | str = "laptop") -> None:
        super().__init__()
        self.size = chosen(PRESETS, size) if isinstance(size, str) else size
        channels = [self.size.channels(r) for r in self.size.resolutions]
        first = channels[0]
        # A quarter of the usual gain: the paper starts with a 4 x 4 convolution on a single pixel.
        self.dense = EqualisedLinear(self.latent_size, 16 * first, gain=sqrt(2) / 4, bias=False)
        self.dense_bias = nn.Parameter(torch.zeros(first, 1, 1))
        self.first = EqualisedConv2d(first, first, 3)
        self.blocks = nn.ModuleList(
            nn.ModuleList([EqualisedConv2d(i, o, 3), EqualisedConv2d(o, o, 3)])
            for i, o in zip(channels, channels[1:], strict=False)
        )
        image = self.size.image_channels
        self.to_image = nn.ModuleList(EqualisedConv2d(c, image, 1, gain=1) for c in channels)

    @property
    def latent_size(self) -> int:
        return self.size.latent_size

    @property
    def resolution(self) -> int:
        return self.size.resolution

    def forward(self, z: Tensor, resolution: int | None = None, alpha: float = 1.0) -> Tensor:
        """Draw one film per latent vector, at the full or a smaller resolution.

        Raises ValueError for latents of another length or a resolution that is not in the list.
        """
        level = level_of(self.size, resolution)
        x = self.first_features(z)
        older = x
        for block in self.blocks[:level]:
            older, x = x, features(block, grow(x))
        film = self.to_image[level](x)
        if level and alpha < 1:
            film = faded(grow(self.to_image[level - 1](older)), film, alpha)
        return film

    def first_features(self, z: Tensor) -> Tensor:
        """The 4 x 4 feature maps (B, C, 4, 4) of latents (B, latent)."""
        if z.dim() != 2 or z.shape[1] != self.latent_size:
            raise ValueError(
                f"Latent vectors must have the shape (films, {self.latent_size}), "
                f"not {tuple(z.shape)}."
            )
        x = self.dense(pixel_norm(z)).view(len(z), -1, 4, 4) + self.dense_bias
        x = pixel_norm(functional.leaky_relu(x, SLOPE))
        return pixel_norm(functional.leaky_relu(self.first(x), SLOPE))


def features(block: nn.Module, x: Tensor) -> Tensor:
    """Convolution, leaky rectifier and pixel norm, for each convolution of the block."""
    for convolution in block.children():
        x = pixel_norm(functional.leaky_relu(convolution(x), SLOPE))
    return x


class Critic(nn.Module):
    """Films (B, image_channels, r, r) to scores (B,): the higher, the more real (Wasserstein)."""

    def __init__(self, size: PgganSize | str = "laptop", group: int = 4) -> None:
        super().__init__()
        self.size = chosen(PRESETS, size) if isinstance(size, str) else size
        self.group = group
        channels = [self.size.channels(r) for r in self.size.resolutions]
        image = self.size.image_channels
        self.from_image = nn.ModuleList(EqualisedConv2d(image, c, 1) for c in channels)
        self.blocks = nn.ModuleList(
            nn.ModuleList([EqualisedConv2d(o, o, 3), EqualisedConv2d(o, i, 3)])
            for i, o in zip(channels, channels[1:], strict=False)
        )
        self.last = EqualisedConv2d(channels[0] + 1, channels[0], 3)
        self.dense = EqualisedLinear(16 * channels[0], channels[0])
        self.score = EqualisedLinear(channels[0], 1, gain=1)

    @property
    def resolution(self) -> int:
        return self.size.resolution

    def forward(self, film: Tensor, alpha: float = 1.0) -> Tensor:
        """One score per film; the film's size says which layers are in use.

        Raises ValueError for films of another size or number of channels.
        """
        n = self.size.image_channels
        if film.dim() != 4 or film.shape[1] != n or film.shape[2] != film.shape[3]:
            raise ValueError(
                f"Films must have the shape (films, {n}, pixels, pixels), not {tuple(film.shape)}."
            )
        level = level_of(self.size, film.shape[-1])
        x = functional.leaky_relu(self.from_image[level](film), SLOPE)
        for depth in range(level, 0, -1):
            for convolution in self.blocks[depth - 1].children():
                x = functional.leaky_relu(convolution(x), SLOPE)
            x = shrink(x)
            if depth == level and alpha < 1:
                older = functional.leaky_relu(self.from_image[level - 1](shrink(film)), SLOPE)
                x = faded(older, x, alpha)
        x = functional.leaky_relu(self.last(minibatch_deviation(x, self.group)), SLOPE)
        x = functional.leaky_relu(self.dense(x.flatten(1)), SLOPE)
        return self.score(x).squeeze(1)


def level_of(size: PgganSize, resolution: int | None) -> int:
    """How many blocks are in use at this resolution: 0 for 4 pixels, 1 for 8, ..."""
    wanted = size.resolution if resolution is None else resolution
    if wanted not in size.resolutions:
        raise ValueError(
            f"This network draws at {', '.join(map(str, size.resolutions))} pixels, not {wanted}."
        )
    return size.resolutions.index(wanted)
