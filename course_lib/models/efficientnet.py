"""EfficientNet: depth, width and resolution grow together by one rule.

Sources: Tan, Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks",
arXiv:1905.11946 (Table 1: the network B0; section 3.3: compound scaling). Its blocks: Sandler et
al. 2018, arXiv:1801.04381 (inverted bottleneck) and Hu et al. 2017, arXiv:1709.01507 (squeeze and
excitation). The names of the parameters are those of torchvision, so that its weights fit.

Shapes in the comments are (batch, channels, height, width) for B0 and 224-pixel images.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F


@dataclass(frozen=True)
class Stage:
    """One row of Table 1: how its blocks widen, filter and halve, and how many there are."""

    widen: int
    kernel: int
    stride: int
    channels: int
    blocks: int


B0 = (
    Stage(1, 3, 1, 16, 1),  # (B, 16, 112, 112)
    Stage(6, 3, 2, 24, 2),  # (B, 24, 56, 56)
    Stage(6, 5, 2, 40, 2),  # (B, 40, 28, 28)
    Stage(6, 3, 2, 80, 3),  # (B, 80, 14, 14)
    Stage(6, 5, 1, 112, 3),  # (B, 112, 14, 14)
    Stage(6, 5, 2, 192, 4),  # (B, 192, 7, 7)
    Stage(6, 3, 1, 320, 1),  # (B, 320, 7, 7)
)
STEM_CHANNELS = 32


@dataclass(frozen=True)
class Scale:
    """Factors on channels and blocks of B0, side of the image in pixels, dropout."""

    width: float
    depth: float
    pixels: int
    dropout: float


# As released with the paper; B0's factors 1 become alpha^phi and beta^phi, rounded.
PUBLISHED: dict[str, Scale] = {
    "efficientnet_b0": Scale(1.0, 1.0, 224, 0.2),
    "efficientnet_b1": Scale(1.0, 1.1, 240, 0.2),
    "efficientnet_b2": Scale(1.1, 1.2, 260, 0.3),
}


def compound_scale(phi: float, alpha=1.2, beta=1.1, gamma=1.15) -> tuple[float, float, float]:
    """(depth, width, resolution) factors of Eq. 3: alpha^phi, beta^phi, gamma^phi.

    The operations grow like depth x width^2 x resolution^2, so by (alpha beta^2 gamma^2)^phi,
    about 2^phi with the paper's alpha, beta and gamma.
    """
    return alpha**phi, beta**phi, gamma**phi


def scaled_channels(channels: int, factor: float) -> int:
    """`channels` times `factor`, to the nearest multiple of 8, never more than a tenth less."""
    wanted = channels * factor
    rounded = max(8, int(wanted + 4) // 8 * 8)
    return rounded if rounded >= 0.9 * wanted else rounded + 8


class SqueezeExcitation(nn.Module):
    """Weigh the channels: mean of each -> few numbers -> a factor between 0 and 1 for each.

    (B, C, H, W) -> the same shape.
    """

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(channels, squeezed, 1)
        self.fc2 = nn.Conv2d(squeezed, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        means = F.adaptive_avg_pool2d(x, 1)
        return x * torch.sigmoid(self.fc2(F.silu(self.fc1(means))))


class StochasticDepth(nn.Module):
    """Leave a block's addition out for a random part of the training images.

    Source: Huang et al. 2016, arXiv:1603.09382. What remains is divided by the share that
    remains, so that the mean is the same; at rest (eval) nothing is left out.
    """

    def __init__(self, drop: float) -> None:
        super().__init__()
        self.drop = drop

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.drop == 0:
            return x
        kept = torch.empty(len(x), 1, 1, 1, dtype=x.dtype, device=x.device).bernoulli_(
            1 - self.drop
        )
        return x * kept / (1 - self.drop)


def _convolution(
    before: int, after: int, kernel: int, stride: int = 1, groups: int = 1, active: bool = True
) -> nn.Sequential:
    """Convolution, batch norm and, if `active`, swish (x times its sigmoid)."""
    conv = nn.Conv2d(before, after, kernel, stride, padding=kernel // 2, groups=groups, bias=False)
    parts: list[nn.Module] = [conv, nn.BatchNorm2d(after)]
    return nn.Sequential(*parts, *([nn.SiLU()] if active else []))


class MBConv(nn.Module):
    """Inverted bottleneck: widen by 1x1, filter each channel by itself, weigh, narrow by 1x1.

    (B, channels, H, W) -> (B, after, H / stride, W / stride). Where the shape stays, the input is
    added. A depthwise k x k convolution costs k^2 per channel, an ordinary one k^2 x channels.
    """

    def __init__(self, channels: int, after: int, stage: Stage, stride: int, drop: float) -> None:
        super().__init__()
        wide = scaled_channels(channels, stage.widen)
        parts: list[nn.Module] = []
        if wide != channels:
            parts.append(_convolution(channels, wide, 1))
        parts.append(_convolution(wide, wide, stage.kernel, stride, groups=wide))
        parts.append(SqueezeExcitation(wide, max(1, channels // 4)))
        parts.append(_convolution(wide, after, 1, active=False))
        self.block = nn.Sequential(*parts)
        self.stochastic_depth = StochasticDepth(drop)
        self.adds = stride == 1 and channels == after

    def forward(self, x: Tensor) -> Tensor:
        return x + self.stochastic_depth(self.block(x)) if self.adds else self.block(x)


class EfficientNet(nn.Module):
    """The whole network: stem, seven stages of MBConv blocks, 1x1 convolution, mean, classifier.

    Batch norm and padding are PyTorch's (as in torchvision), not TensorFlow's of the release.

    Args:
        width, depth: factors on the channels and blocks of B0.
        num_classes, in_channels: logits; 1 for grey films, 3 for colour images.
        dropout: before the classifier. drop_blocks: stochastic depth of the last block; it grows
            linearly from 0 at the first.
        stages: rows of Table 1, for other sizes.
    """

    def __init__(
        self,
        width: float = 1.0,
        depth: float = 1.0,
        num_classes: int = 1000,
        in_channels: int = 3,
        *,
        dropout: float = 0.2,
        drop_blocks: float = 0.2,
        stages: tuple[Stage, ...] = B0,
    ) -> None:
        super().__init__()
        counts = [math.ceil(stage.blocks * depth) for stage in stages]
        channels = scaled_channels(STEM_CHANNELS, width)
        self.features = nn.Sequential(_convolution(in_channels, channels, 3, stride=2))
        done = 0
        for stage, count in zip(stages, counts, strict=True):
            after = scaled_channels(stage.channels, width)
            group = nn.Sequential()
            for i in range(count):
                drop = drop_blocks * (done + i) / sum(counts)
                group.append(MBConv(channels, after, stage, stage.stride if i == 0 else 1, drop))
                channels = after
            self.features.append(group)
            done += count
        self.features.append(_convolution(channels, 4 * channels, 1))  # (B, 1280, 7, 7)
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Linear(4 * channels, num_classes))
        self._last_of_each_scale = _ends_of_scales(stages)
        self.stage_channels = self._channels_of_scales()
        _initialise(self)

    def stages(self, x: Tensor) -> list[Tensor]:
        """Images (B, in_channels, H, W) to maps at 1/2, 1/4, 1/8, 1/16 and 1/32 of their size.

        The channels are `stage_channels`; the last maps are what the classifier averages.
        """
        maps = []
        for i, part in enumerate(self.features):
            x = part(x)
            if i in self._last_of_each_scale:
                maps.append(x)
        return maps

    def forward(self, x: Tensor) -> Tensor:
        """Images (B, in_channels, H, W) to logits (B, num_classes)."""
        return self.classifier(F.adaptive_avg_pool2d(self.features(x), 1).flatten(1))

    def _channels_of_scales(self) -> tuple[int, ...]:
        parts = [self.features[i] for i in self._last_of_each_scale]
        norms = [[m for m in part.modules() if isinstance(m, nn.BatchNorm2d)] for part in parts]
        return tuple(norm[-1].num_features for norm in norms)


def _ends_of_scales(stages: tuple[Stage, ...]) -> tuple[int, ...]:
    """Which parts of `features` are the last at their resolution: before a halving, and the end."""
    halving = [i for i, stage in enumerate(stages, start=1) if stage.stride == 2]
    return (*(i - 1 for i in halving), len(stages) + 1)


def _initialise(network: nn.Module) -> None:
    """He et al. 2015 by outputs for convolutions; a small uniform start for the classifier."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out")
        elif isinstance(module, nn.Linear):
            limit = 1 / math.sqrt(module.out_features)
            nn.init.uniform_(module.weight, -limit, limit)
        if isinstance(module, nn.Conv2d | nn.Linear) and module.bias is not None:
            nn.init.zeros_(module.bias)


def published_efficientnet(
    name: str, num_classes: int = 1000, in_channels: int = 3
) -> EfficientNet:
    """ "efficientnet_b0", "efficientnet_b1" or "efficientnet_b2"; their pixels are in PUBLISHED."""
    if name not in PUBLISHED:
        raise ValueError(f"There is no {name!r} here; choose from {', '.join(PUBLISHED)}.")
    scale = PUBLISHED[name]
    return EfficientNet(scale.width, scale.depth, num_classes, in_channels, dropout=scale.dropout)


def efficientnet(preset: str, num_classes: int, in_channels: int = 1) -> EfficientNet:
    """The same class at one of two sizes.

    "paper": B0. "laptop": half of B0's channels and at most half of its blocks, 0.66 million
    parameters, a fifth of the operations; trains within a lesson on 64 to 128-pixel films.
    """
    if preset == "paper":
        return published_efficientnet("efficientnet_b0", num_classes, in_channels)
    if preset == "laptop":
        return EfficientNet(0.5, 0.5, num_classes, in_channels, drop_blocks=0.0)
    raise ValueError(f"preset must be 'laptop' or 'paper', not {preset!r}.")
