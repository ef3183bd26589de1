"""AlexNet: LeNet's plan with ReLU, dropout, a thousand classes and two graphics cards.

Sources: Krizhevsky, Sutskever, Hinton, "ImageNet classification with deep convolutional neural
networks", NIPS 2012 (sections 3.3 to 3.5 and 4.2, figure 2); and for the single column that
torchvision has, Krizhevsky, "One weird trick", arXiv:1404.5997. The paper prints an input of 224
pixels. Its first layer (11x11, stride 4, no padding) gives the 55 x 55 maps of the same figure only
for 227.

Sizes in the comments are channels x side x side.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from course_lib.models.presets import chosen


@dataclass(frozen=True)
class AlexNetSettings:
    """What differs between the AlexNets.

    channels: maps of the five convolutions.
    groups: 2 where each half of a layer sees only one half of the maps: the other half was on the
        other graphics card.
    first: stride and padding of the first convolution.
    normalise: local response normalisation after the first two.
    hidden: units of the two full layers.
    grid: side of the last maps as the first full layer wants them.
    average: average the last maps to that grid, whatever the size of the picture (torchvision).
    """

    channels: tuple[int, int, int, int, int]
    groups: tuple[int, int, int, int, int] = (1, 1, 1, 1, 1)
    first: tuple[int, int] = (4, 2)
    normalise: bool = False
    hidden: int = 4096
    grid: int = 6
    average: bool = True


SETTINGS = {
    "paper": AlexNetSettings(
        (96, 256, 384, 384, 256), (1, 2, 1, 2, 2), first=(4, 0), normalise=True, average=False
    ),
    "ungrouped": AlexNetSettings(
        (96, 256, 384, 384, 256), first=(4, 0), normalise=True, average=False
    ),
    "torchvision": AlexNetSettings((64, 192, 384, 256, 256)),
    "laptop": AlexNetSettings((16, 48, 96, 64, 64), first=(2, 5), hidden=128, grid=3),
}


def response_normalisation() -> nn.Module:
    """Each value divided by (2 + 0.0001 * sum of squares of five neighbouring maps)^0.75.

    Section 3.3 of the paper. PyTorch divides its alpha by the five, so it is given five times it.
    """
    return nn.LocalResponseNorm(size=5, alpha=5e-4, beta=0.75, k=2.0)


class AlexNet(nn.Module):
    """Five convolutions, three overlapping max poolings, three full layers; outputs are logits.

    (B, in_channels, H, W) -> (B, num_classes). "paper" and "ungrouped" need 227 pixels.
    """

    def __init__(
        self, settings: AlexNetSettings, num_classes: int = 1000, in_channels: int = 3
    ) -> None:
        super().__init__()
        self.settings = settings
        self.features = _features(settings, in_channels)  # 256 x 6 x 6
        self.avgpool = nn.AdaptiveAvgPool2d(settings.grid) if settings.average else nn.Identity()
        inputs = settings.channels[-1] * settings.grid**2  # 9216
        hidden = settings.hidden
        layers = [nn.Linear(inputs, hidden), nn.ReLU(inplace=True), nn.Dropout(0.5)]
        layers += [nn.Linear(hidden, hidden), nn.ReLU(inplace=True), nn.Dropout(0.5)]
        if settings.average:  # torchvision drops out before its full layers, the paper after
            layers = [layers[i] for i in (2, 0, 1, 5, 3, 4)]
        self.classifier = nn.Sequential(*layers, nn.Linear(hidden, num_classes))
        _initialise(self, published=settings.normalise)

    def forward(self, x: Tensor) -> Tensor:
        maps = self.avgpool(self.features(x))
        wanted = self.settings.grid
        if maps.shape[-2:] != (wanted, wanted):
            raise ValueError(
                f"{x.shape[-2]} x {x.shape[-1]} pixels end in maps of {maps.shape[-2]} x "
                f"{maps.shape[-1]}, but the full layers need {wanted} x {wanted}: give 227 pixels."
            )
        return self.classifier(torch.flatten(maps, 1))


def _features(s: AlexNetSettings, in_channels: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    kernels = ((11, *s.first), (5, 1, 2), (3, 1, 1), (3, 1, 1), (3, 1, 1))
    for i, (kernel, stride, padding) in enumerate(kernels):
        conv = nn.Conv2d(in_channels, s.channels[i], kernel, stride, padding, groups=s.groups[i])
        layers += [conv, nn.ReLU(inplace=True)]
        in_channels = s.channels[i]
        if s.normalise and i < 2:
            layers.append(response_normalisation())
        if i in (0, 1, 4):  # fields of 3 x 3 every 2 pixels: they overlap
            layers.append(nn.MaxPool2d(kernel_size=3, stride=2))
    return nn.Sequential(*layers)


def _initialise(model: AlexNet, published: bool) -> None:
    """As section 5: weights N(0, 0.01); biases one in layers 2, 4, 5 and the hidden ones.

    So weak a start needs a million pictures; the others start as He et al. 2015 found for ReLU.
    """
    layers = [m for m in model.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    for number, layer in enumerate(layers, start=1):
        if published:
            nn.init.normal_(layer.weight, 0.0, 0.01)
        else:
            nn.init.kaiming_normal_(layer.weight)
        if layer.bias is not None:
            ones = published and number in (2, 4, 5, 6, 7)
            nn.init.constant_(layer.bias, 1.0 if ones else 0.0)


def alexnet(preset: str, num_classes: int, in_channels: int = 1) -> AlexNet:
    """An AlexNet.

    "paper": 2012, on two cards (60,965,224 parameters for 1,000 classes of colour pictures).
    "ungrouped": the same where every layer sees all maps (62,378,344).
    "torchvision": one column of 2014, takes any size from 63 pixels (61,100,840).
    "laptop": that column, narrow, first stride 2: trains in a lesson on 64 to 128-pixel films.
    """
    return AlexNet(chosen(SETTINGS, preset), num_classes, in_channels)
