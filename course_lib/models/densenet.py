"""DenseNet: every layer sees the outputs of all layers before it.

Source: Huang, Liu, van der Maaten, Weinberger, "Densely Connected Convolutional Networks",
arXiv:1608.06993; Table 1 gives the four published sizes, section 3 the layers. The names of the
parameters are those of torchvision, so that published weights fit.

Shapes in the comments are (batch, channels, height, width) for DenseNet-121 and 224-pixel films.
"""

from collections import OrderedDict
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

# Layers in each dense block, and channels after the stem (Table 1 of the paper).
PUBLISHED: dict[str, tuple[tuple[int, ...], int]] = {
    "densenet121": ((6, 12, 24, 16), 64),
    "densenet169": ((6, 12, 32, 32), 64),
    "densenet201": ((6, 12, 48, 32), 64),
    "densenet264": ((6, 12, 64, 48), 64),
}


class DenseLayer(nn.Module):
    """One layer: a 1x1 convolution squeezes all maps so far, a 3x3 one adds `growth_rate` new.

    (B, C, H, W) -> (B, growth_rate, H, W). Batch norm and ReLU come before each convolution.
    """

    def __init__(
        self, channels: int, growth_rate: int, bottleneck: int, dropout: float, save_memory: bool
    ) -> None:
        super().__init__()
        squeezed = bottleneck * growth_rate
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv1 = nn.Conv2d(channels, squeezed, kernel_size=1, bias=False)
        self.norm2 = nn.BatchNorm2d(squeezed)
        self.conv2 = nn.Conv2d(squeezed, growth_rate, kernel_size=3, padding=1, bias=False)
        self.dropout = dropout
        self.save_memory = save_memory

    def squeeze(self, *maps: Tensor) -> Tensor:
        """Join all maps so far and reduce them to bottleneck * growth_rate channels."""
        return self.conv1(F.relu(self.norm1(torch.cat(maps, dim=1))))

    def forward(self, maps: list[Tensor]) -> Tensor:
        if self.save_memory and self.training and torch.is_grad_enabled():
            # The joined maps are the largest tensors: forget them and join again when needed.
            squeezed = checkpoint(self.squeeze, *maps, use_reentrant=False)
        else:
            squeezed = self.squeeze(*maps)
        new = self.conv2(F.relu(self.norm2(squeezed)))
        return F.dropout(new, self.dropout, self.training) if self.dropout else new


class DenseBlock(nn.ModuleDict):
    """`layers` dense layers at one resolution; the output is the input and all new maps joined.

    (B, C, H, W) -> (B, C + layers * growth_rate, H, W).
    """

    def __init__(
        self,
        layers: int,
        channels: int,
        growth_rate: int,
        bottleneck: int,
        dropout: float,
        save_memory: bool,
    ) -> None:
        super().__init__()
        for i in range(layers):
            self[f"denselayer{i + 1}"] = DenseLayer(
                channels + i * growth_rate, growth_rate, bottleneck, dropout, save_memory
            )

    def forward(self, x: Tensor) -> Tensor:
        maps = [x]
        for layer in self.values():
            maps.append(layer(maps))
        return torch.cat(maps, dim=1)


class Transition(nn.Sequential):
    """Between two blocks: fewer channels by a 1x1 convolution, half the resolution by averaging.

    (B, C, H, W) -> (B, smaller, H / 2, W / 2).
    """

    def __init__(self, channels: int, smaller: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU(inplace=True)
        self.conv = nn.Conv2d(channels, smaller, kernel_size=1, bias=False)
        self.pool = nn.AvgPool2d(kernel_size=2, stride=2)


class DenseNet(nn.Module):
    """The whole network: stem, dense blocks with transitions between them, mean, linear classifier.

    `features(x)` gives the maps that are averaged and classified, after the last ReLU. Class
    activation maps are exact on them. (torchvision's `features` stops before that ReLU.)

    Args:
        growth_rate: new maps per layer (k in the paper).
        block_config: number of layers of each block.
        stem_channels: channels after the first convolution (2k in the paper).
        num_classes: outputs; they are logits, no sigmoid or softmax is applied.
        in_channels: 1 for grey films, 3 for colour images.
        stem_stride: how much the stem shrinks the picture. 4 as published (7x7 convolution and
            max pooling); 2 or 1 (one 3x3 convolution, as the paper does for 32-pixel images) keep
            detail of small films, at 4 or 16 times the computing cost.
        bottleneck: channels of the 1x1 convolution as a multiple of growth_rate.
        compression: part of the channels that a transition keeps (theta in the paper).
        dropout: probability of dropping a new map during training.
        memory_efficient: compute the joined maps twice instead of keeping them: about half the
            memory for about a tenth more time.
    """

    def __init__(
        self,
        growth_rate: int = 32,
        block_config: Sequence[int] = (6, 12, 24, 16),
        stem_channels: int = 64,
        num_classes: int = 1000,
        in_channels: int = 3,
        *,
        stem_stride: int = 4,
        bottleneck: int = 4,
        compression: float = 0.5,
        dropout: float = 0.0,
        memory_efficient: bool = False,
    ) -> None:
        super().__init__()
        self.features = _stem(in_channels, stem_channels, stem_stride)  # (B, 64, 56, 56)
        channels = stem_channels
        for i, layers in enumerate(block_config, start=1):
            block = DenseBlock(layers, channels, growth_rate, bottleneck, dropout, memory_efficient)
            self.features.add_module(f"denseblock{i}", block)
            channels += layers * growth_rate
            if i < len(block_config):
                smaller = int(channels * compression)
                self.features.add_module(f"transition{i}", Transition(channels, smaller))
                channels = smaller  # (B, 128, 28, 28), (B, 256, 14, 14), (B, 512, 7, 7)
        self.features.add_module("norm5", nn.BatchNorm2d(channels))
        self.features.add_module("relu5", nn.ReLU(inplace=True))  # (B, 1024, 7, 7)
        self.classifier = nn.Linear(channels, num_classes)
        self.apply(_initialise)

    def forward(self, x: Tensor) -> Tensor:
        """Films (B, in_channels, H, W) to logits (B, num_classes)."""
        maps = self.features(x)
        pooled = F.adaptive_avg_pool2d(maps, 1).flatten(1)  # (B, 1024)
        return self.classifier(pooled)


def _stem(in_channels: int, channels: int, stride: int) -> nn.Sequential:
    if stride not in (1, 2, 4):
        raise ValueError(f"stem_stride must be 1, 2 or 4, not {stride}.")
    if stride == 4:
        conv = nn.Conv2d(in_channels, channels, kernel_size=7, stride=2, padding=3, bias=False)
        pool: nn.Module = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
    else:
        conv = nn.Conv2d(in_channels, channels, kernel_size=3, stride=stride, padding=1, bias=False)
        pool = nn.Identity()
    relu = nn.ReLU(inplace=True)
    layers = [
        ("conv0", conv),
        ("norm0", nn.BatchNorm2d(channels)),
        ("relu0", relu),
        ("pool0", pool),
    ]
    return nn.Sequential(OrderedDict(layers))


def _initialise(module: nn.Module) -> None:
    """He et al. 2015 for convolutions; batch norm starts as identity (its default)."""
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight)
    elif isinstance(module, nn.Linear):
        nn.init.zeros_(module.bias)


def published_densenet(
    name: str, num_classes: int = 1000, in_channels: int = 3, **options
) -> DenseNet:
    """A DenseNet of Table 1: "densenet121", "densenet169", "densenet201" or "densenet264"."""
    if name not in PUBLISHED:
        raise ValueError(f"There is no published {name!r}; choose from {', '.join(PUBLISHED)}.")
    block_config, stem_channels = PUBLISHED[name]
    return DenseNet(32, block_config, stem_channels, num_classes, in_channels, **options)


def densenet(preset: str, num_classes: int, in_channels: int = 1, **options) -> DenseNet:
    """The same class at one of two sizes.

    "paper": DenseNet-121, as CheXNet used it on 224-pixel films.
    "laptop": growth 12, three blocks of 4 layers, about 0.1 million parameters; trains within a
    lesson on 64 to 128-pixel films with two processor cores. The last maps of a 128-pixel film are
    8 x 8, with stem_stride=2 16 x 16.
    """
    if preset == "paper":
        return published_densenet("densenet121", num_classes, in_channels, **options)
    if preset == "laptop":
        return DenseNet(12, (4, 4, 4), 24, num_classes, in_channels, **options)
    raise ValueError(f"preset must be 'laptop' or 'paper', not {preset!r}.")
