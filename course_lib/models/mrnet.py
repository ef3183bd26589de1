"""MRNet: one answer from a series of slices, whatever their number.

Bien, Rajpurkar et al., "Deep-learning-assisted diagnosis for knee magnetic resonance imaging",
PLOS Medicine 2018;15:e1002699. Every slice goes through the same feature extractor (AlexNet's,
which had learned photographs), its maps are averaged, and of every feature the largest value over
the slices is kept; one linear layer makes the logit. The paper trains one such network for each
series and each question, nine in all.

Sizes in the comments are slices x channels x side x side for the published input of 256 pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from course_lib.models.alexnet import alexnet
from course_lib.models.presets import chosen

Pooling = Literal["max", "mean"]


@dataclass(frozen=True)
class MRNetSettings:
    """features: makes the extractor for a number of input channels; channels: maps it gives."""

    features: Callable[[int], nn.Module]
    channels: int


def alexnet_features(in_channels: int) -> nn.Module:
    """The convolutions of torchvision's AlexNet (2,469,696 parameters for 3 channels)."""
    return alexnet("torchvision", 1, in_channels).features


def small_features(in_channels: int) -> nn.Module:
    """Five 3x3 convolutions for 64-pixel slices, down to maps of 8 x 8.

    Without normalisation, like AlexNet: how bright a slice is among its neighbours (fluid!) is
    what such a network must see, and a norm that looks at one slice at a time takes it away.
    """
    layers: list[nn.Module] = []
    for out_channels, pooled in ((8, True), (16, True), (32, False), (48, True), (64, False)):
        convolution = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        nn.init.kaiming_normal_(convolution.weight)
        layers += [convolution, nn.ReLU(inplace=True)]
        if pooled:
            layers.append(nn.MaxPool2d(2))
        in_channels = out_channels
    return nn.Sequential(*layers)


SETTINGS = {
    "paper": MRNetSettings(alexnet_features, 256),
    "laptop": MRNetSettings(small_features, 64),
}


@dataclass(frozen=True)
class Evidence:
    """An answer taken apart, exactly: logits = bias + the sum of `slices` over the slices.

    logits, bias (outputs,); slices (outputs, s), what each slice contributed; maps (outputs, s, h,
    w), the same spread over the slice: their mean over (h, w) is `slices`.
    """

    logits: Tensor
    bias: Tensor
    slices: Tensor
    maps: Tensor


class MRNet(nn.Module):
    """(1, s, C, H, W) or (s, C, H, W), one series of s slices -> (1, outputs) logits.

    C is 1 or in_channels: a grey slice is repeated, as networks that know photographs need.
    pooling: "max" over slices as published, or "mean". Raises ValueError for several series at
    once: they differ in their number of slices, so the batch size is one.
    """

    def __init__(
        self, settings: MRNetSettings, outputs: int = 1, in_channels: int = 3,
        pooling: Pooling = "max",
    ) -> None:  # fmt: skip
        super().__init__()
        if pooling not in get_args(Pooling):
            raise ValueError(f"Slices are pooled by 'max' or 'mean', not {pooling!r}.")
        self.in_channels, self.pooling = in_channels, pooling
        self.features = settings.features(in_channels)  # s x 256 x 7 x 7
        self.classifier = nn.Linear(settings.channels, outputs)

    def forward(self, series: Tensor) -> Tensor:
        of_slices = self.features(self.slices(series)).mean((2, 3))  # s x 256
        return self.classifier(self.pool(of_slices))  # 1 x outputs

    def pool(self, of_slices: Tensor) -> Tensor:
        """Features (s, channels) of the slices -> (1, channels) of the series."""
        if self.pooling == "mean":
            return of_slices.mean(0, keepdim=True)
        return of_slices.amax(0, keepdim=True)

    def slices(self, series: Tensor) -> Tensor:
        """The slices of one series as a batch of pictures (s, in_channels, H, W)."""
        if series.dim() == 5 and len(series) == 1:
            series = series[0]
        if series.dim() != 4 or len(series) == 0:
            raise ValueError(
                f"MRNet reads one series at a time, (1, slices, channels, rows, columns); this is "
                f"{tuple(series.shape)}. Use batch size 1."
            )
        if series.shape[1] == 1 and self.in_channels > 1:
            series = series.expand(-1, self.in_channels, -1, -1)
        return series

    @torch.no_grad()
    def evidence(self, series: Tensor) -> Evidence:
        """Which slices, and where in them, spoke for and against each answer.

        With max pooling each feature is a race, and its weight counts for the slice that won it
        (the first one in a tie); with mean pooling every slice has the same share. The class
        activation map of the slice, feature by feature, completes it.
        """
        self.eval()
        maps = self.features(self.slices(series))
        of_slices = maps.mean((2, 3))
        if self.pooling == "mean":
            share = torch.full_like(of_slices, 1 / len(of_slices))
        else:
            winners = of_slices.argmax(0)
            share = nn.functional.one_hot(winners, len(of_slices)).T.to(maps)
        spread = torch.einsum("kc,sc,schw->kshw", self.classifier.weight, share, maps)
        logits = self.classifier(self.pool(of_slices))[0]
        bias = self.classifier.bias.detach()
        return Evidence(logits.cpu(), bias.cpu(), spread.mean((2, 3)).cpu(), spread.cpu())


def mrnet(preset: str, outputs: int = 1, in_channels: int = 3, pooling: Pooling = "max") -> MRNet:
    """An MRNet.

    "paper": AlexNet's features, for slices of 256 pixels (2,469,953 parameters with one output).
    "laptop": the same around a small extractor, for slices of 64 pixels; trains in a lesson.
    """
    return MRNet(chosen(SETTINGS, preset), outputs, in_channels, pooling)
