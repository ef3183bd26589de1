"""Layers with an equalised learning rate: all weights are of one size, and so learn at one speed.

Weights are drawn from N(0, 1) and multiplied by gain / sqrt(fan_in) each time they are used, not
once when the network is made. Adam's step does not depend on the scale of a weight; so each weight
now changes by the same share of its usual size. Karras et al., arXiv:1710.10196, section 4.1.
"""

from math import sqrt

import torch
from torch import Tensor, nn
from torch.nn import functional

RELU_GAIN = sqrt(2)  # He et al., arXiv:1502.01852: what a rectifier needs to keep the variance


class EqualisedConv2d(nn.Module):
    """A convolution (B, i, H, W) -> (B, o, H, W), padded to keep its size.

    scale: what the weights are multiplied by: gain / sqrt(i * kernel^2). The bias is not scaled.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, gain: float = RELU_GAIN) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.scale = gain / sqrt(inputs * kernel**2)
        self.padding = kernel // 2

    def forward(self, x: Tensor) -> Tensor:
        return functional.conv2d(x, self.weight * self.scale, self.bias, padding=self.padding)


class EqualisedLinear(nn.Module):
    """A fully connected layer (B, i) -> (B, o); scale = gain / sqrt(i), bias not scaled."""

    def __init__(
        self, inputs: int, outputs: int, gain: float = RELU_GAIN, bias: bool = True
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs))
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None
        self.scale = gain / sqrt(inputs)

    def forward(self, x: Tensor) -> Tensor:
        return functional.linear(x, self.weight * self.scale, self.bias)
