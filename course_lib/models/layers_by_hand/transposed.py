"""Transposed convolution: the gradient's way through a convolution, used as a layer of its own.

If a convolution is the matrix A, this is A^T: <A x, y> = <x, A^T y> for all x and y. It stamps
the kernel into the output at every input pixel, s pixels apart; where stamps overlap they add up.
x is (B, C, H, W), w (C, D / groups, kh, kw) as in PyTorch, y (B, D, oh, ow).
"""

import numpy as np

from course_lib.models.arithmetic.sizes import transposed_size
from course_lib.models.layers_by_hand.convolution import (
    convolve,
    filter_gradient,
    stamp,
)


def transposed_convolve(
    x: np.ndarray,
    w: np.ndarray,
    b: np.ndarray | None = None,
    s: int = 1,
    p: int = 0,
    d: int = 1,
    groups: int = 1,
    output_padding: int = 0,
) -> np.ndarray:
    """Every input pixel stamps its kernel; stride s, padding p, dilation d as in the convolution.

    Raises ValueError if `output_padding` is not smaller than the stride or the dilation.
    """
    height = transposed_size(x.shape[2], w.shape[2], s, p, d, output_padding)
    width = transposed_size(x.shape[3], w.shape[3], s, p, d, output_padding)
    y = stamp(x, w, (height, width), s, p, d, groups)
    return y if b is None else y + b[:, None, None]


def transposed_backward(
    dy: np.ndarray,
    x: np.ndarray,
    w: np.ndarray,
    s: int = 1,
    p: int = 0,
    d: int = 1,
    groups: int = 1,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gradients for x, w and b. Transposed twice is as before: dx is a plain convolution of dy."""
    dx = convolve(dy, w, None, s, p, d, groups)[:, :, : x.shape[2], : x.shape[3]]
    dw = filter_gradient(x, dy, w.shape, s, p, d, groups)
    return dx, dw, dy.sum((0, 2, 3))
