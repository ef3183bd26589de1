"""A switchable generator: one U-Net that translates both ways, told by a code which way to go.

Source: Gu and Ye, "AdaIN-Based Tunable CycleGAN for Efficient Unsupervised Low-Dose CT Denoising",
arXiv:2008.05753, IEEE Trans Comput Imaging 2021;7:73-85. A CycleGAN needs a generator for each
direction. Here there is one; every convolution is followed by adaptive instance norm (AdaIN,
arXiv:1703.06868), which sets mean and spread of each feature map. With the identity code
(mean 0, spread 1) it is plain instance norm and the net turns low dose into full dose; with the
codes of a small code generator the same convolutions do the reverse. Codes in between give images
in between.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from course_lib.models.presets import chosen

Codes = list[tuple[Tensor, Tensor]]  # for every AdaIN layer: spread (C,) and mean (C,)


class CodedBlock(nn.Module):
    """Two 3x3 convolutions, each followed by AdaIN and leaky ReLU."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=False)
        self.second = nn.Conv2d(channels_out, channels_out, 3, padding=1, bias=False)

    def forward(self, maps: Tensor, codes: Codes) -> Tensor:
        """(B, channels_in, H, W) -> (B, channels_out, H, W); takes the first two codes away."""
        for convolution in (self.first, self.second):
            spread, mean = codes.pop(0)
            maps = functional.leaky_relu(adain(convolution(maps), spread, mean), 0.2)
        return maps


def adain(maps: Tensor, spread: Tensor, mean: Tensor) -> Tensor:
    """Each map of (B, C, H, W) gets the given mean and standard deviation (C,): AdaIN, eq. 8 of
    arXiv:1703.06868."""
    normal = functional.instance_norm(maps)
    return normal * spread[:, None, None] + mean[:, None, None]


class CodeGenerator(nn.Module):
    """Learned spreads and means for every AdaIN layer, from a constant through a small net."""

    def __init__(self, channels: list[int], width: int = 128, layers: int = 4) -> None:
        super().__init__()
        self.start = nn.Parameter(torch.ones(width), requires_grad=False)
        shared: list[nn.Module] = []
        for _ in range(layers):
            shared += [nn.Linear(width, width), nn.ReLU()]
        self.shared = nn.Sequential(*shared)
        self.heads = nn.ModuleList(nn.Linear(width, 2 * count) for count in channels)

    def forward(self) -> Codes:
        common = self.shared(self.start)
        # Codes begin near the identity: both directions start as the same mapping.
        pairs = [head(common).chunk(2) for head in self.heads]
        return [(1 + spread, mean) for spread, mean in pairs]


class SwitchableGenerator(nn.Module):
    """(B, channels, H, W) -> the same shape, in the direction that `share` says.

    share 0: the identity code (for CT: denoise); 1: the learned code (add noise); between them,
    an image between the two. widths: channels of each level of the U-Net. H and W must be divisible
    by 2^(levels - 1), else ValueError.
    """

    def __init__(
        self, channels: int = 1, widths: tuple[int, ...] = (64, 128, 256, 512), code: int = 128
    ) -> None:
        super().__init__()
        ups = widths[-2::-1]
        self.down = nn.ModuleList(
            CodedBlock(before, after)
            for before, after in zip((channels, *widths), widths, strict=False)
        )
        self.widen = nn.ModuleList(
            nn.ConvTranspose2d(below, width, 2, 2)
            for below, width in zip(widths[::-1], ups, strict=False)
        )
        self.up = nn.ModuleList(CodedBlock(2 * width, width) for width in ups)
        self.last = nn.Conv2d(widths[0], channels, 1, bias=False)
        nn.init.normal_(self.last.weight, std=1e-2)
        self.coded = [width for width in (*widths, *ups) for _ in range(2)]
        self.codes = CodeGenerator(self.coded, code)

    def codes_at(self, share: float) -> Codes:
        """The identity code, the learned one, or a mixture of both."""
        learned = self.codes()
        identity = [(torch.ones_like(s), torch.zeros_like(m)) for s, m in learned]
        return [
            (torch.lerp(s0, s1, share), torch.lerp(m0, m1, share))
            for (s0, m0), (s1, m1) in zip(identity, learned, strict=True)
        ]

    def forward(self, image: Tensor, share: float = 0.0) -> Tensor:
        divisor = 2 ** (len(self.down) - 1)
        if image.shape[-1] % divisor or image.shape[-2] % divisor:
            raise ValueError(
                f"Height and width must be divisible by {divisor}, got {tuple(image.shape[-2:])}."
            )
        codes = self.codes_at(share)
        kept: list[Tensor] = []
        maps = image
        for level, block in enumerate(self.down):
            maps = block(functional.avg_pool2d(maps, 2) if level else maps, codes)
            kept.append(maps)
        for beside, widen, block in zip(kept[-2::-1], self.widen, self.up, strict=True):
            maps = block(torch.cat([widen(maps), beside], 1), codes)
        return image + self.last(maps)


PRESETS: dict[str, tuple[int, ...]] = {"paper": (64, 128, 256, 512), "laptop": (12, 24, 48)}


def switchable_generator(preset: str = "paper", channels: int = 1) -> SwitchableGenerator:
    """Generator of a preset: "paper" or "laptop" (trains in a lesson)."""
    return SwitchableGenerator(channels, chosen(PRESETS, preset))
