"""ResNet: each block learns what to add to its input, instead of a whole new output.

Source: He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition", arXiv:1512.03385;
Table 1 gives the five published sizes, section 3.3 the shortcuts. The names of the parameters are
those of torchvision, so that published weights fit.

Shapes in the comments are (batch, channels, height, width) for ResNet-50 and 224-pixel images.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Shortcut = Literal["A", "B", "C"]


@dataclass(frozen=True)
class BlockStyle:
    """What all blocks of a network have in common.

    residual: False leaves the shortcuts out: the plain network of the paper's comparison.
    shortcut: where the number of channels or the resolution changes, "A" subsamples and fills new
        channels with zeros (nothing to learn), "B" learns a 1x1 convolution. "C" learns one in
        every block, also where the identity would do (section 4.1, "Identity vs. projection").
    stride_at: a bottleneck that halves the resolution does it in its first 1x1 convolution, as
        published ("1x1", version 1), or in its 3x3 convolution as nearly all libraries do since
        ("3x3", version 1.5; 6 % more multiply-adds for ResNet-50, about half a per cent better).
    zero_init: start the last batch norm of each block at zero, so that the block starts as the
        identity (Goyal et al. 2017, arXiv:1706.02677, section 5.1).
    """

    residual: bool = True
    shortcut: Shortcut = "B"
    stride_at: Literal["1x1", "3x3"] = "3x3"
    zero_init: bool = False

    def __post_init__(self) -> None:
        if self.shortcut not in ("A", "B", "C"):
            raise ValueError(f"shortcut must be 'A', 'B' or 'C', not {self.shortcut!r}.")
        if self.stride_at not in ("1x1", "3x3"):
            raise ValueError(f"stride_at must be '1x1' or '3x3', not {self.stride_at!r}.")


class ZeroPadding(nn.Module):
    """Shortcut "A": every stride-th pixel, and zeros for the channels that are new."""

    def __init__(self, new_channels: int, stride: int) -> None:
        super().__init__()
        self.new_channels, self.stride = new_channels, stride

    def forward(self, x: Tensor) -> Tensor:
        return F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.new_channels))


def _shortcut(before: int, after: int, stride: int, style: BlockStyle) -> nn.Module | None:
    """The way round a block; None is the identity."""
    same_shape = before == after and stride == 1
    if not style.residual or (same_shape and style.shortcut != "C"):
        return None
    if style.shortcut == "A":
        return ZeroPadding(after - before, stride)
    projection = nn.Conv2d(before, after, kernel_size=1, stride=stride, bias=False)
    return nn.Sequential(projection, nn.BatchNorm2d(after))


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a way round them (ResNet-18 and 34).

    (B, channels, H, W) -> (B, width, H / stride, W / stride).
    """

    expansion = 1

    def __init__(self, channels: int, width: int, stride: int, style: BlockStyle) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = _shortcut(channels, width, stride, style)
        self.relu2 = nn.ReLU()
        self.residual = style.residual

    def branch(self, x: Tensor) -> Tensor:
        """F(x): what the block adds."""
        return self.bn2(self.conv2(self.relu1(self.bn1(self.conv1(x)))))

    def forward(self, x: Tensor) -> Tensor:
        if not self.residual:
            return self.relu2(self.branch(x))
        way_round = x if self.downsample is None else self.downsample(x)
        return self.relu2(self.branch(x) + way_round)


class Bottleneck(nn.Module):
    """1x1 to few channels, 3x3 among them, 1x1 back to four times as many; and a way round.

    (B, channels, H, W) -> (B, 4 * width, H / stride, W / stride). For ResNet-50, 101 and 152.
    """

    expansion = 4

    def __init__(self, channels: int, width: int, stride: int, style: BlockStyle) -> None:
        super().__init__()
        first, second = (stride, 1) if style.stride_at == "1x1" else (1, stride)
        self.conv1 = nn.Conv2d(channels, width, 1, stride=first, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(width, width, 3, stride=second, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.relu2 = nn.ReLU()
        self.conv3 = nn.Conv2d(width, width * self.expansion, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(width * self.expansion)
        self.downsample = _shortcut(channels, width * self.expansion, stride, style)
        self.relu3 = nn.ReLU()
        self.residual = style.residual

    def branch(self, x: Tensor) -> Tensor:
        """F(x): what the block adds."""
        x = self.relu1(self.bn1(self.conv1(x)))
        x = self.relu2(self.bn2(self.conv2(x)))
        return self.bn3(self.conv3(x))

    def forward(self, x: Tensor) -> Tensor:
        if not self.residual:
            return self.relu3(self.branch(x))
        way_round = x if self.downsample is None else self.downsample(x)
        return self.relu3(self.branch(x) + way_round)


Block = type[BasicBlock] | type[Bottleneck]

# Kind of block and blocks at each of the four resolutions (Table 1).
PUBLISHED: dict[str, tuple[Block, tuple[int, int, int, int]]] = {
    "resnet18": (BasicBlock, (2, 2, 2, 2)),
    "resnet34": (BasicBlock, (3, 4, 6, 3)),
    "resnet50": (Bottleneck, (3, 4, 6, 3)),
    "resnet101": (Bottleneck, (3, 4, 23, 3)),
    "resnet152": (Bottleneck, (3, 8, 36, 3)),
}


def block_group(
    block: Block, channels: int, width: int, blocks: int, stride: int, style: BlockStyle
) -> nn.Sequential:
    """`blocks` blocks at one resolution; the first one changes resolution and channels."""
    after = width * block.expansion
    group: list[nn.Module] = [block(channels, width, stride, style)]
    group += [block(after, width, 1, style) for _ in range(blocks - 1)]
    return nn.Sequential(*group)


class ResNet(nn.Module):
    """The whole network: stem, four groups of blocks, mean over the image, linear classifier.

    Args:
        block, blocks: kind of block, and how many at each of the four resolutions.
        num_classes: outputs; they are logits, no sigmoid or softmax is applied.
        in_channels: 1 for grey films, 3 for colour images.
        width: channels after the stem; doubled with each halving of the resolution.
        style: shortcuts, place of the stride, start; see BlockStyle.
    """

    def __init__(
        self,
        block: Block = Bottleneck,
        blocks: Sequence[int] = (3, 4, 6, 3),
        num_classes: int = 1000,
        in_channels: int = 3,
        *,
        width: int = 64,
        style: BlockStyle | None = None,
    ) -> None:
        super().__init__()
        style = style or BlockStyle()
        self.conv1 = nn.Conv2d(in_channels, width, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        first, *widths = [width * 2**i for i in range(4)]
        wide = [w * block.expansion for w in (first, *widths)]
        self.layer1 = block_group(block, width, first, blocks[0], 1, style)
        self.layer2 = block_group(block, wide[0], widths[0], blocks[1], 2, style)
        self.layer3 = block_group(block, wide[1], widths[1], blocks[2], 2, style)
        self.layer4 = block_group(block, wide[2], widths[2], blocks[3], 2, style)
        self.fc = nn.Linear(wide[3], num_classes)
        self.stage_channels = (width, *wide)
        initialise(self, style.zero_init)

    def stages(self, x: Tensor) -> list[Tensor]:
        """Images (B, in_channels, H, W) to maps at 1/2, 1/4, 1/8, 1/16 and 1/32 of their size.

        The channels are `stage_channels`; the last maps are what the classifier averages.
        """
        maps = [self.relu(self.bn1(self.conv1(x)))]  # (B, 64, 112, 112)
        maps.append(self.layer1(self.maxpool(maps[-1])))  # (B, 256, 56, 56)
        for layer in (self.layer2, self.layer3, self.layer4):
            maps.append(layer(maps[-1]))  # (B, 512, 28, 28), (B, 1024, 14, 14), (B, 2048, 7, 7)
        return maps

    def features(self, x: Tensor) -> Tensor:
        """The maps that are averaged and classified; class activation maps are exact on them."""
        return self.stages(x)[-1]

    @property
    def classifier(self) -> nn.Linear:
        """The last layer, by the name it has in our other networks (torchvision calls it fc)."""
        return self.fc

    def forward(self, x: Tensor) -> Tensor:
        """Images (B, in_channels, H, W) to logits (B, num_classes)."""
        return self.fc(F.adaptive_avg_pool2d(self.features(x), 1).flatten(1))


@torch.no_grad()
def initialise(network: nn.Module, zero_init: bool = False) -> None:
    """He et al. 2015 for convolutions, zero for the classifier's bias; see BlockStyle.zero_init."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        elif isinstance(module, nn.Linear):
            nn.init.zeros_(module.bias)
        elif zero_init and isinstance(module, BasicBlock | Bottleneck) and module.residual:
            last = module.bn2 if isinstance(module, BasicBlock) else module.bn3
            nn.init.zeros_(last.weight)


def published_resnet(
    name: str,
    num_classes: int = 1000,
    in_channels: int = 3,
    version: Literal["v1", "v1.5"] = "v1.5",
    **style,
) -> ResNet:
    """A network of Table 1: "resnet18", "resnet34", "resnet50", "resnet101" or "resnet152".

    version: "v1" as published, "v1.5" as torchvision (the two differ in bottlenecks only).
    style: further options of BlockStyle. Raises ValueError for names that are not published.
    """
    if name not in PUBLISHED:
        raise ValueError(f"There is no published {name!r}; choose from {', '.join(PUBLISHED)}.")
    places: dict[str, Literal["1x1", "3x3"]] = {"v1": "1x1", "v1.5": "3x3"}
    if version not in places:
        raise ValueError(f"version must be 'v1' or 'v1.5', not {version!r}.")
    block, blocks = PUBLISHED[name]
    look = BlockStyle(stride_at=places[version], **style)
    return ResNet(block, blocks, num_classes, in_channels, style=look)


def resnet(preset: str, num_classes: int, in_channels: int = 1) -> ResNet:
    """The same class at one of two sizes.

    "paper": ResNet-50 (version 1.5). "laptop": one basic block per resolution, 16 to 128 channels,
    about 0.3 million parameters; trains within a lesson on 64 to 128-pixel films.
    """
    if preset == "paper":
        return published_resnet("resnet50", num_classes, in_channels)
    if preset == "laptop":
        return ResNet(BasicBlock, (1, 1, 1, 1), num_classes, in_channels, width=16)
    raise ValueError(f"preset must be 'laptop' or 'paper', not {preset!r}.")
