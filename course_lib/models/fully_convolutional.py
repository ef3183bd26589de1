"""Let a classifier slide over a picture that is larger than those it was trained on.

Source: Long, Shelhamer, Darrell, "Fully Convolutional Networks for Semantic Segmentation",
arXiv:1411.4038, section 3.1; Sermanet et al., "OverFeat", arXiv:1312.6229, section 3.5. A linear
layer over a k x k map is a convolution with a k x k kernel that happens to fit only once. On a
larger picture it fits more often: the one answer becomes a map of answers, and the convolutions
before it are computed once for all of them.
"""

from math import isqrt
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from course_lib.models.arithmetic.trace import evaluating, without_numbers


class FullyConvolutional(nn.Module):
    """A classifier as a map of classifiers: (B, C, H, W) -> logits (B, num_classes, h, w).

    On a picture of `size` pixels the map is 1 x 1 and equals the classifier's logits. Elsewhere,
    the answer at (i, j) is about the window of `size` pixels that begins at (i, j) times `stride`
    pixels. It equals what the classifier says to the window cut out, as far as no layer pads:
    with padding, the cut-out window is framed by zeros and the large picture is not.

    The convolutions are the classifier's own (shared, not copied); its last layers are copied.

    Args:
        classifier: a network of the course whose maps end in linear layers or in a mean: LeNet
            (modern), AlexNet, VGG, NiN, GoogLeNet, Inception v2, ResNet, DenseNet, EfficientNet.
        size: side in pixels of the pictures that it classifies.
    Raises ValueError when the maps and the linear layers do not fit each other at this size.
    """

    def __init__(self, classifier: nn.Module, size: int) -> None:
        super().__init__()
        self.maps = _Maps(classifier)
        self.size = size
        channels, side = _shape_of_maps(self.maps, size)
        head = _head(classifier)
        linear = [layer for layer in head if isinstance(layer, nn.Linear)]
        grid = _grid(linear[0].in_features, channels, side) if linear else 1
        window = side // grid
        # Means over windows, as the classifier's own pooling takes, but at every place.
        self.pool = nn.AvgPool2d(window, stride=1) if window > 1 else nn.Identity()
        self.head = nn.Sequential(*_as_convolutions(head, grid, window))
        self.stride = _stride(self.maps, size, side)
        self.train(classifier.training)

    def forward(self, x: Tensor) -> Tensor:
        if min(x.shape[-2:]) < self.size:
            raise ValueError(
                f"The picture has {x.shape[-2]} x {x.shape[-1]} pixels; the classifier's window "
                f"is {self.size} pixels wide: give at least as many."
            )
        return self.head(self.pool(self.maps(x)))

    def window(self, row: int, column: int) -> tuple[slice, slice]:
        """The pixels (rows, columns) that the answer at (row, column) of the map is about."""
        top, left = row * self.stride, column * self.stride
        return slice(top, top + self.size), slice(left, left + self.size)


class _Maps(nn.Module):
    """What a classifier computes before its mean or linear layers."""

    def __init__(self, classifier: nn.Module) -> None:
        super().__init__()
        self.classifier = classifier
        if not (hasattr(classifier, "features") or hasattr(classifier, "stages")):
            kind = type(classifier).__name__
            raise ValueError(f"{kind} has neither `features` nor `stages`; it cannot slide.")

    def forward(self, x: Tensor) -> Tensor:
        classifier: Any = self.classifier
        return (
            classifier.features(x) if hasattr(classifier, "features") else classifier.stages(x)[-1]
        )


def _head(classifier: nn.Module) -> list[nn.Module]:
    """The layers after the maps: none (NiN), one linear layer, or several with ReLU and dropout."""
    head = getattr(classifier, "classifier", getattr(classifier, "fc", None))
    if head is None:
        return []
    return list(head) if isinstance(head, nn.Sequential) else [head]


def _shape_of_maps(maps: nn.Module, size: int) -> tuple[int, int]:
    """Channels and side of the maps of a picture of `size` pixels; nothing is computed."""
    first = next(m for m in maps.modules() if isinstance(m, nn.Conv2d))
    picture = torch.empty(1, first.in_channels, size, size, device="meta")
    with evaluating(maps):
        out = functional_call(maps, without_numbers(maps), (picture,))
    return out.shape[1], out.shape[-1]


def _grid(features: int, channels: int, side: int) -> int:
    """Side of the grid of means that the first linear layer sees: 1 after a mean over all."""
    grid = isqrt(features // channels)
    if grid**2 * channels != features or side % grid:
        raise ValueError(
            f"The linear layer wants {features} numbers, but the maps are {channels} x {side} x "
            f"{side}: give the size in pixels that the classifier was made for."
        )
    return grid


def _as_convolutions(head: list[nn.Module], grid: int, window: int) -> list[nn.Module]:
    """Linear layers as convolutions with the same weights; other layers as they are.

    The first linear layer reads a grid of means, each `window` pixels from the next; the others
    read single pixels.
    """
    layers: list[nn.Module] = []
    for layer in head:
        if isinstance(layer, nn.Linear):
            layers.append(_as_convolution(layer, grid, window))
            grid = window = 1
        else:
            layers.append(layer)
    return layers


def _as_convolution(layer: nn.Linear, side: int, dilation: int) -> nn.Conv2d:
    has_bias = layer.bias is not None
    channels = layer.in_features // side**2
    conv = nn.Conv2d(channels, layer.out_features, side, dilation=dilation, bias=has_bias)
    with torch.no_grad():
        conv.weight.copy_(layer.weight.reshape(conv.weight.shape))
        if conv.bias is not None:
            conv.bias.copy_(layer.bias)
    return conv


def _stride(maps: nn.Module, size: int, side: int) -> int:
    """Pixels from one window to the next: how much larger a picture gives one more column."""
    more = 64 * size  # so much larger that rounding at the edges does not matter
    return round(more / (_shape_of_maps(maps, size + more)[1] - side))
