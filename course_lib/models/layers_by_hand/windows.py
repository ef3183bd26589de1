"""Windows of an image as columns ("im2col"), and the way back.

Every layer of a CNN that looks at a neighbourhood reads windows. Laid side by side, a convolution
is one matrix product. Arrays are (batch, channel, height, width).
"""

import numpy as np

from course_lib.models.arithmetic.sizes import convolution_size


def take_windows(
    x: np.ndarray, kernel: tuple[int, int], s: int = 1, p: int = 0, d: int = 1, fill: float = 0.0
) -> np.ndarray:
    """All windows: (B, C, H, W) -> (B, C, kh, kw, oh, ow), with stride s, padding p, dilation d.

    [..., a, b, y, x] is the pixel under weight (a, b) when the kernel lies at position (y, x).
    Outside the image everything is `fill`. Raises ValueError if the kernel does not fit.
    """
    oh, ow = (convolution_size(n, k, p, s, d) for n, k in zip(x.shape[2:], kernel, strict=True))
    padded = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)), constant_values=fill)
    columns = np.empty((*x.shape[:2], *kernel, oh, ow), x.dtype)
    for a in range(kernel[0]):
        for b in range(kernel[1]):
            columns[:, :, a, b] = padded[:, :, _places(a, d, s, oh), _places(b, d, s, ow)]
    return columns


def add_windows(
    columns: np.ndarray, size: tuple[int, int], s: int = 1, p: int = 0, d: int = 1
) -> np.ndarray:
    """The way back: add every value to the pixel it was taken from -> (B, C, *size).

    This is the adjoint of `take_windows`: the gradient takes this way.
    """
    batch, channels, kh, kw, oh, ow = columns.shape
    padded = np.zeros((batch, channels, size[0] + 2 * p, size[1] + 2 * p), columns.dtype)
    for a in range(kh):
        for b in range(kw):
            padded[:, :, _places(a, d, s, oh), _places(b, d, s, ow)] += columns[:, :, a, b]
    return padded[:, :, p : p + size[0], p : p + size[1]]


def _places(weight: int, d: int, s: int, positions: int) -> slice:
    """Pixels under one weight of the kernel, for all positions."""
    return slice(weight * d, weight * d + (positions - 1) * s + 1, s)
