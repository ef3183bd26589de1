"""Grad-CAM++: maps from gradients that also serve when a finding appears more than once.

Chattopadhay et al., WACV 2018 (arXiv:1710.11063). With f(y, x) the maps of a layer, z the logit and
g = dz/df, Grad-CAM weighs every map with the mean of g. Grad-CAM++ averages only what speaks for
the finding, and gives every pixel a weight of its own:

    w_c = sum_yx a_c(y, x) max(g_c(y, x), 0)
    a_c = g^2 / (2 g^2 + S_c g^3),   S_c = sum_yx f_c(y, x),   0 where g = 0

This is equation 19 of the paper, whose second and third derivatives of exp(z) are exp(z) g^2 and
exp(z) g^3 where the logit is piecewise linear in the maps.
"""

import torch
from torch import Tensor, nn

from course_lib.explain.cam import maps_and_gradient


def grad_cam_plus_plus(
    model: nn.Module, images: Tensor, output: int, layer: str = "features", rectify: bool = True
) -> Tensor:
    """Grad-CAM++ (B, h, w) of one output; arguments and errors as in ``cam.grad_cam``.

    The final ReLU is applied, as in the paper: the weights cannot be negative, the maps could.
    """
    maps, gradient = maps_and_gradient(model, images, output, layer, rectify)
    return torch.relu((plus_plus_weights(maps, gradient) * maps).sum(1)).cpu()


def plus_plus_weights(maps: Tensor, gradient: Tensor) -> Tensor:
    """Weights (B, C, 1, 1) of maps (B, C, h, w) with the logit's gradient of the same shape."""
    square = gradient**2
    total = maps.sum((2, 3), keepdim=True)
    below = 2 * square + total * square * gradient
    alpha = torch.where(below != 0, square / torch.where(below != 0, below, 1.0), 0.0)
    return (alpha * gradient.clamp(min=0)).sum((2, 3), keepdim=True)
