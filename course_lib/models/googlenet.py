"""GoogLeNet, Inception's first version: every module looks at the maps at several scales at once.

Source: Szegedy et al., "Going deeper with convolutions", arXiv:1409.4842: Figure 2b (the module),
Table 1 (the widths), Figure 3 (the whole), section 5 (auxiliary classifiers). The names of the
parameters are torchvision's. torchvision's network differs from the paper's: batch norm instead of
bias and response normalisation, a 3x3 kernel where the paper has 5x5, a smaller last pooling.
Both are here.

Shapes in the comments are for 224-pixel films.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from course_lib.models.presets import chosen

# Table 1. Maps of each module: 1x1 | 3x3 reduce, 3x3 | 5x5 reduce, 5x5 | after pooling.
MODULES: dict[str, tuple[int, int, int, int, int, int]] = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}


@dataclass(frozen=True)
class Style:
    """What differs between the GoogLeNets.

    batch_norm: batch norm after each convolution instead of a bias.
    normalise: local response normalisation around the second and third convolution (paper).
    large_kernel: 5 in the paper; torchvision has 3 there.
    last_pool: kernel of the pooling before module 5a: 3 in the paper, 2 in torchvision.
    fixed_pool: auxiliary classifiers average 5x5 fields, stride 3 (paper), so they need maps of
        14 x 14; else they average to 4 x 4 whatever the size of the film.
    width: all channels times this.
    """

    batch_norm: bool = True
    normalise: bool = False
    large_kernel: int = 5
    last_pool: int = 3
    fixed_pool: bool = False
    width: float = 1.0


STYLES = {
    "paper": Style(batch_norm=False, normalise=True, fixed_pool=True),
    "torchvision": Style(large_kernel=3, last_pool=2),
    "laptop": Style(width=0.125),
}


def narrowed(channels: int, width: float) -> int:
    """Channels of a network that is `width` times as wide; at least four."""
    return max(4, round(channels * width))


class Convolution(nn.Module):
    """Convolution, ReLU; with batch norm in between, or a bias."""

    def __init__(
        self,
        in_channels: int,
        channels: int,
        kernel: int | tuple[int, int],
        stride: int = 1,
        padding: int | tuple[int, int] = 0,
        batch_norm: bool = True,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, channels, kernel, stride, padding, bias=not batch_norm)
        self.bn = nn.BatchNorm2d(channels, eps=0.001) if batch_norm else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu_(self.bn(self.conv(x)))


class Inception(nn.Module):
    """Four looks at the same maps, joined: 1x1, 3x3, 5x5 and max pooling.

    1x1 convolutions make the input of the expensive kernels narrow first.
    (B, in_channels, H, W) -> (B, self.channels, H, W).
    """

    def __init__(
        self, in_channels: int, maps: tuple[int, int, int, int, int, int], style: Style
    ) -> None:
        super().__init__()
        one, reduce3, three, reduce5, five, pooled = (narrowed(m, style.width) for m in maps)

        def conv(inputs: int, outputs: int, kernel: int) -> Convolution:
            same = kernel // 2
            return Convolution(inputs, outputs, kernel, padding=same, batch_norm=style.batch_norm)

        self.branch1 = conv(in_channels, one, 1)
        self.branch2 = nn.Sequential(conv(in_channels, reduce3, 1), conv(reduce3, three, 3))
        self.branch3 = nn.Sequential(
            conv(in_channels, reduce5, 1), conv(reduce5, five, style.large_kernel)
        )
        self.branch4 = nn.Sequential(
            nn.MaxPool2d(kernel_size=3, stride=1, padding=1), conv(in_channels, pooled, 1)
        )
        self.channels = one + three + five + pooled

    def forward(self, x: Tensor) -> Tensor:
        branches = (self.branch1, self.branch2, self.branch3, self.branch4)
        return torch.cat([branch(x) for branch in branches], dim=1)


class Auxiliary(nn.Module):
    """A small classifier half way up: it brings the loss closer to the early layers.

    (B, in_channels, 14, 14) -> (B, num_classes). Thrown away after training.
    """

    def __init__(self, in_channels: int, num_classes: int, style: Style) -> None:
        super().__init__()
        maps, hidden = narrowed(128, style.width), narrowed(1024, style.width)
        self.pool = nn.AvgPool2d(5, 3) if style.fixed_pool else nn.AdaptiveAvgPool2d(4)
        self.conv = Convolution(in_channels, maps, 1, batch_norm=style.batch_norm)
        self.fc1 = nn.Linear(maps * 4 * 4, hidden)
        self.dropout = nn.Dropout(0.7)
        self.fc2 = nn.Linear(hidden, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        maps = self.pool(x)
        if maps.shape[-2:] != (4, 4):
            raise ValueError(
                f"The paper's auxiliary classifiers need maps of 14 x 14 (a film of 224 pixels), "
                f"not {x.shape[-2]} x {x.shape[-1]}: resize, or build the network with aux=False."
            )
        hidden = torch.relu(self.fc1(self.conv(maps).flatten(1)))
        return self.fc2(self.dropout(hidden))


class GoogLeNet(nn.Module):
    """Stem, nine Inception modules, mean, linear classifier; outputs are logits.

    `model(x)` gives logits (B, num_classes); `model(x, auxiliaries=True)` a tuple of these and the
    logits of the auxiliary classifiers on modules 4a and 4d, for training (see ClassLoss in
    learning.label_smoothing).

    Args:
        style: one of STYLES; see `googlenet`.
        aux: have auxiliary classifiers.
        dropout: probability of dropping one of the 1,024 means in training; 0.4 in the paper.
    """

    def __init__(
        self,
        style: Style,
        num_classes: int = 1000,
        in_channels: int = 3,
        aux: bool = True,
        dropout: float = 0.4,
    ) -> None:
        super().__init__()
        first, third = narrowed(64, style.width), narrowed(192, style.width)
        norm = style.batch_norm
        self.conv1 = Convolution(in_channels, first, 7, 2, 3, norm)
        self.conv2 = Convolution(first, first, 1, 1, 0, norm)
        self.conv3 = Convolution(first, third, 3, 1, 1, norm)
        channels = third
        self.stage_channels: tuple[int, ...] = (first, third)
        for name, maps in MODULES.items():
            module = Inception(channels, maps, style)
            self.add_module(f"inception{name}", module)
            channels = module.channels
            if name in ("4a", "4d") and aux:
                number = 1 if name == "4a" else 2
                self.add_module(f"aux{number}", Auxiliary(channels, num_classes, style))
            if name in ("3b", "4e", "5b"):
                self.stage_channels += (channels,)
        self.has_auxiliaries, last = aux, style.last_pool
        self.pool = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.last_pool = nn.MaxPool2d(last, stride=2, ceil_mode=True)
        response = nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2.0)  # as in AlexNet
        self.response_norm = response if style.normalise else nn.Identity()
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(channels, num_classes)
        self.apply(_initialise)

    def stages(self, x: Tensor) -> list[Tensor]:
        """The last maps of strides 2, 4, 8, 16 and 32; their channels are `stage_channels`.

        (B, 64, 112, 112), (B, 192, 56, 56), (B, 480, 28, 28), (B, 832, 14, 14), (B, 1024, 7, 7).
        """
        return self._run(x)[0]

    def _run(self, x: Tensor) -> tuple[list[Tensor], dict[str, Tensor]]:
        """The maps of `stages`, and those that the auxiliary classifiers see."""
        maps = [self.conv1(x)]
        x = self.conv2(self.response_norm(self.pool(maps[-1])))
        maps.append(self.response_norm(self.conv3(x)))
        x, half_way = self.pool(maps[-1]), {}
        for name in MODULES:
            x = self.get_submodule(f"inception{name}")(x)
            if name in ("4a", "4d"):
                half_way[name] = x
            elif name in ("3b", "4e", "5b"):
                maps.append(x)
                x = self.pool(x) if name == "3b" else self.last_pool(x) if name == "4e" else x
        return maps, half_way

    def forward(self, x: Tensor, auxiliaries: bool = False) -> Tensor | tuple[Tensor, ...]:
        """Films (B, in_channels, H, W), at least 32 pixels wide, to logits."""
        maps, half_way = self._run(x)
        logits = self.fc(self.dropout(maps[-1].mean((2, 3))))
        if not auxiliaries:
            return logits
        if not self.has_auxiliaries:
            raise ValueError("This GoogLeNet was built without auxiliary classifiers (aux=False).")
        early, late = self.get_submodule("aux1"), self.get_submodule("aux2")
        return logits, early(half_way["4a"]), late(half_way["4d"])


def _initialise(module: nn.Module) -> None:
    """He et al. 2015; the paper does not say how it started."""
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.Linear):
        nn.init.zeros_(module.bias)


def googlenet(preset: str, num_classes: int, in_channels: int = 1, **options) -> GoogLeNet:
    """A GoogLeNet.

    "paper": 2014, 6,998,552 parameters for 1,000 classes of colour pictures (13,378,280 with the
    auxiliary classifiers). "torchvision": its network, so that its weights fit (6,624,904).
    "laptop": the paper's kernels with batch norm, an eighth of the channels: trains in a lesson on
    64 to 128-pixel films.
    """
    return GoogLeNet(chosen(STYLES, preset), num_classes, in_channels, **options)
