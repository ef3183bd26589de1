"""Receptive fields measured: the gradient of one output position with respect to the picture.

Where the gradient is not zero, the position sees the picture: its support. The theoretical field
is the support in a copy of the net in which nothing can cancel or be switched off. The effective
field is how strongly each pixel counts; it is much smaller, and looks like a bell.
Source: Luo, Li, Urtasun, Zemel, "Understanding the effective receptive field in deep convolutional
neural networks", arXiv:1701.04128.
"""

import copy
from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor, nn

from course_lib.models.arithmetic.trace import evaluating


def gradient_of_one_position(
    model: nn.Module, picture: Tensor, layer: str | None = None
) -> tuple[Tensor, tuple[int, ...]]:
    """|d (sum over channels of the middle position of `layer`) / d picture|, and that position.

    `picture` (1, C, H, W); without `layer` the model's own output counts. Returns (H, W), summed
    over the picture's channels, and the position's (row, column). Raises ValueError if the output
    is no map.
    """
    found: list[Tensor] = []
    module = model.get_submodule(layer) if layer else model
    handle = module.register_forward_hook(lambda _m, _i, out: found.append(out))
    picture = picture.detach().clone().requires_grad_(True)
    try:
        with evaluating(model), torch.enable_grad():
            model(picture)
    finally:
        handle.remove()
    out = found[-1]
    if out.ndim != picture.ndim:
        raise ValueError(f"The output has shape {tuple(out.shape)}: name a layer that gives a map.")
    middle = tuple(int(n) // 2 for n in out.shape[2:])
    values = out[0]
    for place in middle:  # one axis after the other; the channels stay
        values = values.select(1, place)
    (gradient,) = torch.autograd.grad(values.sum(), picture)
    return gradient[0].abs().sum(0), middle


@dataclass(frozen=True)
class Support:
    """Pixels low..high (both included) along each axis of the picture that a position sees."""

    position: tuple[int, ...]
    low: tuple[int, ...]
    high: tuple[int, ...]

    @property
    def size(self) -> tuple[int, ...]:
        """Pixels along each axis."""
        return tuple(h - b + 1 for b, h in zip(self.low, self.high, strict=True))


def measured_support(model: nn.Module, picture_size: tuple[int, ...], layer: str) -> Support:
    """What the middle position of `layer` can see at most, measured by autograd.

    Measured in an averaging copy of the model; see `averaging_copy`. The picture must be larger
    than the support, or the support is cut off at its border.
    """
    averaging = averaging_copy(model)
    channels = first_channels(model)
    picture = torch.ones(1, channels, *picture_size, dtype=torch.float64)
    gradient, position = gradient_of_one_position(averaging, picture, layer)
    seen = torch.nonzero(gradient)
    low, high = seen.min(0).values.tolist(), seen.max(0).values.tolist()
    return Support(position, tuple(low), tuple(high))


def averaging_copy(model: nn.Module) -> nn.Module:
    """A copy in double precision in which every weight is positive and pooling takes means.

    Each filter averages its inputs: nothing cancels and nothing is switched off, so the gradient
    is positive exactly where information can flow. Pooling must be a layer (nn.MaxPool2d).
    """
    averaging = copy.deepcopy(model).double()
    for parent in list(averaging.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.ReLU | nn.ReLU6 | nn.Hardtanh):
                setattr(parent, name, nn.Identity())
            if isinstance(child, nn.MaxPool2d):
                mean = nn.AvgPool2d(child.kernel_size, child.stride, child.padding, child.ceil_mode)
                setattr(parent, name, mean)
        if isinstance(parent, nn.modules.batchnorm._BatchNorm):
            parent.reset_running_stats()
    with torch.no_grad():
        for parameter in averaging.parameters():
            parameter.fill_(1 / prod(parameter.shape[1:]) if parameter.ndim > 1 else 1.0)
    return averaging


def first_channels(model: nn.Module) -> int:
    """Channels of the picture that the model's first convolution takes."""
    for module in model.modules():
        if isinstance(module, nn.modules.conv._ConvNd):
            return module.in_channels
    raise ValueError("This model has no convolution, so no receptive field to measure.")


def width_at_fraction(gradient: Tensor, fraction: float = 0.9545) -> float:
    """Side (pixels) of the square round the gradient's centre that holds `fraction` of it.

    The gradient is a (H, W) map as `gradient_of_one_position` returns it.
    """
    total = gradient.sum()
    if total <= 0:
        raise ValueError("The gradient is zero everywhere: this position sees nothing.")
    rows = torch.arange(gradient.shape[0], dtype=gradient.dtype)
    columns = torch.arange(gradient.shape[1], dtype=gradient.dtype)
    y = (gradient.sum(1) * rows).sum() / total
    x = (gradient.sum(0) * columns).sum() / total
    distance = torch.maximum((rows - y).abs()[:, None], (columns - x).abs()[None, :])
    order = distance.flatten().argsort()
    inside = gradient.flatten()[order].cumsum(0) / total
    place = int((inside < fraction).sum().clamp(max=len(order) - 1))
    return float(2 * distance.flatten()[order[place]] + 1)
