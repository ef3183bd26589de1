"""VGG: nothing but 3x3 convolutions and 2x2 max pooling, many of them.

Source: Simonyan, Zisserman, "Very deep convolutional networks for large-scale image recognition",
arXiv:1409.1556, Table 1, columns A, B, D and E. The names of the parameters are torchvision's.

Shapes in the comments are for 224-pixel films.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from course_lib.models.presets import chosen

# Convolutions in each of the five blocks; every block ends with a pooling that halves the side.
PUBLISHED: dict[str, tuple[int, int, int, int, int]] = {
    "vgg11": (1, 1, 2, 2, 2),  # column A
    "vgg13": (2, 2, 2, 2, 2),  # column B
    "vgg16": (2, 2, 3, 3, 3),  # column D
    "vgg19": (2, 2, 4, 4, 4),  # column E
}
CHANNELS = (64, 128, 256, 512, 512)


class VGG(nn.Module):
    """Five blocks of 3x3 convolutions, then three full layers; outputs are logits.

    Args:
        block_config: convolutions of each block.
        channels: maps of each block.
        num_classes: outputs; no sigmoid or softmax is applied.
        in_channels: 1 for grey films, 3 for colour images.
        batch_norm: normalise after each convolution (not in the paper, but it trains better).
        hidden: units of the two full layers.
        grid: side to which the last maps are averaged before the full layers; 7 as published,
            where it changes nothing for 224 pixels.
        dropout: probability of dropping a hidden unit in training.
    """

    def __init__(
        self,
        block_config: Sequence[int],
        channels: Sequence[int] = CHANNELS,
        num_classes: int = 1000,
        in_channels: int = 3,
        *,
        batch_norm: bool = False,
        hidden: int = 4096,
        grid: int = 7,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        self.features = nn.Sequential()
        self.stage_channels = (*channels[1:], channels[-1])  # of the maps that `stages` gives
        for convolutions, maps in zip(block_config, channels, strict=True):
            for _ in range(convolutions):
                self.features.extend(_convolution(in_channels, maps, batch_norm))
                in_channels = maps
            self.features.append(nn.MaxPool2d(kernel_size=2, stride=2))
        self.avgpool = nn.AdaptiveAvgPool2d(grid)  # (B, 512, 7, 7)
        self.classifier = nn.Sequential(
            nn.Linear(in_channels * grid**2, hidden), nn.ReLU(inplace=True), nn.Dropout(dropout),
            nn.Linear(hidden, hidden), nn.ReLU(inplace=True), nn.Dropout(dropout),
            nn.Linear(hidden, num_classes),
        )  # fmt: skip
        self.apply(_initialise)

    def stages(self, x: Tensor) -> list[Tensor]:
        """The finest maps of strides 2, 4, 8, 16 and 32, for a decoder.

        (B, 128, 112, 112), (B, 256, 56, 56), (B, 512, 28, 28), (B, 512, 14, 14): the ends of blocks
        2 to 5 before pooling; and (B, 512, 7, 7) after the last one.
        """
        maps = []
        for layer in self.features:
            if isinstance(layer, nn.MaxPool2d):
                maps.append(x)
            x = layer(x)
        return [*maps[1:], x]  # the first has stride 1

    def forward(self, x: Tensor) -> Tensor:
        """Films (B, in_channels, H, W), at least 32 pixels wide, to logits (B, num_classes)."""
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))


def _convolution(in_channels: int, channels: int, batch_norm: bool) -> list[nn.Module]:
    conv = nn.Conv2d(in_channels, channels, kernel_size=3, padding=1)
    norm = [nn.BatchNorm2d(channels)] if batch_norm else []
    return [conv, *norm, nn.ReLU(inplace=True)]


def _initialise(module: nn.Module) -> None:
    """He et al. 2015. (The paper first trained VGG-11 and started deeper nets from its weights.)"""
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, 0.0, 0.01)
        nn.init.zeros_(module.bias)


def published_vgg(name: str, num_classes: int = 1000, in_channels: int = 3, **options) -> VGG:
    """A VGG of Table 1: "vgg11", "vgg13", "vgg16" or "vgg19"; batch_norm=True is torchvision's."""
    return VGG(chosen(PUBLISHED, name), CHANNELS, num_classes, in_channels, **options)


def vgg(preset: str, num_classes: int, in_channels: int = 1, **options) -> VGG:
    """The same class at one of two sizes.

    "paper": VGG-16. "laptop": an eighth of the channels of VGG-11 with batch norm, about 0.2
    million parameters; trains within a lesson on 64 to 128-pixel films.
    """
    if preset == "laptop":
        small = {"batch_norm": True, "hidden": 128, "grid": 2, **options}
        return VGG(PUBLISHED["vgg11"], (8, 16, 32, 64, 64), num_classes, in_channels, **small)
    return published_vgg(
        chosen({"paper": "vgg16", "laptop": ""}, preset), num_classes, in_channels, **options
    )
