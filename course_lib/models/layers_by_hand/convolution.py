"""Convolution: one small kernel slides over the image. Plain, strided, padded, dilated, grouped.

As everywhere in deep learning the kernel is not turned round, so a mathematician would say
cross-correlation. x is (B, C, H, W), w (D, C / groups, kh, kw), b (D,), y (B, D, oh, ow).
"""

import numpy as np

from course_lib.models.arithmetic.sizes import convolution_size
from course_lib.models.layers_by_hand.windows import add_windows, take_windows


def slide(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """The definition: (H, W) and (kh, kw) -> (H - kh + 1, W - kw + 1), without padding."""
    kh, kw = kernel.shape
    height = convolution_size(image.shape[0], kh)
    width = convolution_size(image.shape[1], kw)
    result = np.zeros((height, width))
    for y in range(height):
        for x in range(width):
            for a in range(kh):
                for b in range(kw):
                    result[y, x] += image[y + a, x + b] * kernel[a, b]
    return result


def convolve(
    x: np.ndarray,
    w: np.ndarray,
    b: np.ndarray | None = None,
    s: int = 1,
    p: int = 0,
    d: int = 1,
    groups: int = 1,
) -> np.ndarray:
    """Convolution with stride s, padding p, dilation d; one matrix product per group.

    With `groups` equal to the channels each filter sees one channel only ("depthwise"). Raises
    ValueError if the channels do not fit.
    """
    _check(x, w, groups)
    columns = _grouped(take_windows(x, (w.shape[2], w.shape[3]), s, p, d), groups)
    filters = w.reshape(groups, len(w) // groups, -1)
    batch, _, _, oh, ow = columns.shape
    y = np.einsum("gdk,ngkl->ngdl", filters, columns.reshape(batch, groups, -1, oh * ow))
    y = y.reshape(batch, len(w), oh, ow)
    return y if b is None else y + b[:, None, None]


def convolve_backward(
    dy: np.ndarray,
    x: np.ndarray,
    w: np.ndarray,
    s: int = 1,
    p: int = 0,
    d: int = 1,
    groups: int = 1,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """From the loss's gradient for y to those for x, w and b (same shapes as x, w and b).

    dw: every weight has met one pixel per position; multiply them with dy and add up.
    dx: every pixel gets its share through each weight it met. db: dy summed over positions.
    """
    dw = filter_gradient(dy, x, w.shape, s, p, d, groups)
    dx = input_gradient(dy, w, (x.shape[2], x.shape[3]), s, p, d, groups)
    return dx, dw, dy.sum((0, 2, 3))


def filter_gradient(
    dy: np.ndarray,
    x: np.ndarray,
    shape: tuple[int, ...],
    s: int = 1,
    p: int = 0,
    d: int = 1,
    groups: int = 1,
) -> np.ndarray:
    """dw of the given shape (D, C / groups, kh, kw)."""
    columns = take_windows(x, (shape[2], shape[3]), s, p, d)[..., : dy.shape[2], : dy.shape[3]]
    columns = _grouped(columns, groups).reshape(len(x), groups, -1, dy[0, 0].size)
    shares = dy.reshape(len(dy), groups, shape[0] // groups, -1)
    return np.einsum("ngdl,ngkl->gdk", shares, columns).reshape(shape)


def input_gradient(
    dy: np.ndarray,
    w: np.ndarray,
    size: tuple[int, int],
    s: int = 1,
    p: int = 0,
    d: int = 1,
    groups: int = 1,
) -> np.ndarray:
    """dx (B, C, *size): every filter is stamped into the picture, as strongly as dy says.

    `size` must be told: several input sizes can have the same output size. Raises ValueError if
    `dy` cannot come from an input of that size.
    """
    kernel = w.shape[2:]
    expected = tuple(convolution_size(n, k, p, s, d) for n, k in zip(size, kernel, strict=True))
    if dy.shape[2:] != expected:
        raise ValueError(f"An input of {size} gives an output of {expected}, not {dy.shape[2:]}.")
    return stamp(dy, w, size, s, p, d, groups)


def stamp(
    y: np.ndarray,
    w: np.ndarray,
    size: tuple[int, int],
    s: int = 1,
    p: int = 0,
    d: int = 1,
    groups: int = 1,
) -> np.ndarray:
    """The convolution's adjoint: (B, D, oh, ow) -> (B, C, *size); overlapping stamps add up."""
    batch, filters, oh, ow = y.shape
    shares = y.reshape(batch, groups, filters // groups, -1)
    columns = np.einsum("gdk,ngdl->ngkl", w.reshape(groups, filters // groups, -1), shares)
    columns = columns.reshape(batch, groups * w.shape[1], *w.shape[2:], oh, ow)
    return add_windows(columns, size, s, p, d)


def _grouped(columns: np.ndarray, groups: int) -> np.ndarray:
    """(B, C, kh, kw, oh, ow) -> (B, groups, C / groups * kh * kw, oh, ow)."""
    return columns.reshape(len(columns), groups, -1, *columns.shape[4:])


def _check(x: np.ndarray, w: np.ndarray, groups: int) -> None:
    if x.shape[1] != w.shape[1] * groups or len(w) % groups:
        raise ValueError(
            f"{groups} groups of filters that take {w.shape[1]} channels need "
            f"{groups * w.shape[1]} input channels; there are {x.shape[1]}."
        )
