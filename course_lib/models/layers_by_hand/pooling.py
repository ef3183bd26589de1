"""Pooling: one value for each window, without anything to learn. (B, C, H, W) -> (B, C, oh, ow).

Max pooling keeps that something was there and forgets where exactly; mean pooling blurs.
"""

import numpy as np

from course_lib.models.layers_by_hand.windows import add_windows, take_windows


def max_pool(x: np.ndarray, k: int, s: int | None = None, p: int = 0) -> np.ndarray:
    """The largest value of each k x k window; the stride is k unless given. Padding never wins."""
    columns = take_windows(x, (k, k), s or k, p, fill=-np.inf)
    return columns.max((2, 3))


def max_pool_backward(
    dy: np.ndarray, x: np.ndarray, k: int, s: int | None = None, p: int = 0
) -> np.ndarray:
    """dx: each window's gradient goes to its largest pixel, to the first if several are equal."""
    columns = take_windows(x, (k, k), s or k, p, fill=-np.inf)
    flat = columns.reshape(*x.shape[:2], k * k, *columns.shape[4:])
    winner = flat.argmax(2)[:, :, None] == np.arange(k * k)[:, None, None]
    shares = (winner * dy[:, :, None]).reshape(columns.shape)
    return add_windows(shares, (x.shape[2], x.shape[3]), s or k, p)


def mean_pool(x: np.ndarray, k: int, s: int | None = None, p: int = 0) -> np.ndarray:
    """The mean of each k x k window; padding counts as zeros, as in PyTorch."""
    return take_windows(x, (k, k), s or k, p).mean((2, 3))


def mean_pool_backward(
    dy: np.ndarray, size: tuple[int, int], k: int, s: int | None = None, p: int = 0
) -> np.ndarray:
    """dx (B, C, *size): every pixel of a window gets the same share, 1 / k^2."""
    shares = np.broadcast_to(dy[:, :, None, None] / k**2, (*dy.shape[:2], k, k, *dy.shape[2:]))
    return add_windows(shares, size, s or k, p)
