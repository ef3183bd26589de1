"""Up-sampling: more pixels without more information. (B, C, H, W) -> (B, C, f H, f W).

All are linear. Each has its adjoint beside it: the way that gradients take.
"""

import numpy as np

# Weights of a missing pixel's neighbours: half of each. Along a line of zeros and values in turn,
# [1/4, 1/2, 1/4] also keeps the mean brightness; times 2 per axis it keeps the values.
TRIANGLE = np.array([0.25, 0.5, 0.25])


def insert_zeros(x: np.ndarray, f: int) -> np.ndarray:
    """Pixels f apart, zeros between them and behind."""
    y = np.zeros((*x.shape[:2], x.shape[2] * f, x.shape[3] * f), x.dtype)
    y[:, :, ::f, ::f] = x
    return y


def insert_zeros_backward(dy: np.ndarray, f: int) -> np.ndarray:
    """Only the pixels that were copied send their gradient back."""
    return dy[:, :, ::f, ::f]


def smooth(x: np.ndarray, kernel: np.ndarray = TRIANGLE) -> np.ndarray:
    """Blur both axes with an odd, symmetric 1-D kernel; zeros outside. It is its own adjoint."""
    if len(kernel) % 2 == 0 or not np.allclose(kernel, kernel[::-1]):
        raise ValueError("Take a symmetric kernel with a middle, such as [0.25, 0.5, 0.25].")
    for axis in (2, 3):
        x = np.apply_along_axis(np.convolve, axis, x, kernel, mode="same")
    return x


def upsample_triangle(x: np.ndarray) -> np.ndarray:
    """Twice as large: insert zeros, blur with [0.25, 0.5, 0.25], make up for the zeros (times 4).

    Old pixels keep their value, new ones are the mean of their two or four neighbours.
    """
    return 4 * smooth(insert_zeros(x, 2))


def upsample_triangle_backward(dy: np.ndarray) -> np.ndarray:
    """The same steps turned round."""
    return insert_zeros_backward(4 * smooth(dy), 2)


def upsample_nearest(x: np.ndarray, f: int) -> np.ndarray:
    """Every pixel becomes f x f equal ones."""
    return x.repeat(f, axis=2).repeat(f, axis=3)


def upsample_nearest_backward(dy: np.ndarray, f: int) -> np.ndarray:
    """The f x f copies of a pixel add up their gradients."""
    batch, channels, height, width = dy.shape
    return dy.reshape(batch, channels, height // f, f, width // f, f).sum((3, 5))


def upsample_bilinear(x: np.ndarray, f: int) -> np.ndarray:
    """Weighted by distance between the two nearest pixels along each axis; the edge is repeated.

    Pixels are squares, and their centres are what is interpolated (PyTorch's align_corners=False).
    """
    rows, columns = linear_weights(x.shape[2], f), linear_weights(x.shape[3], f)
    return np.einsum("yi,ncij,xj->ncyx", rows, x, columns)


def upsample_bilinear_backward(dy: np.ndarray, f: int) -> np.ndarray:
    """The same weights, read the other way."""
    rows, columns = linear_weights(dy.shape[2] // f, f), linear_weights(dy.shape[3] // f, f)
    return np.einsum("yi,ncyx,xj->ncij", rows, dy, columns)


def linear_weights(n: int, f: int) -> np.ndarray:
    """(f n, n): how much each old pixel of an axis counts for each new one; rows add up to 1."""
    place = np.clip((np.arange(n * f) + 0.5) / f - 0.5, 0, n - 1)
    return np.clip(1 - np.abs(place[:, None] - np.arange(n)), 0, None)
