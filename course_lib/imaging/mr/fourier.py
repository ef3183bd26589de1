"""From image to k-space and back: the centred, orthonormal Fourier transform.

The scanner counts k from the centre (negative, zero, positive), the fast Fourier transform counts
from the first element. Two shifts translate between the two; `ifftshift` on the way in and
`fftshift` on the way out. For even sizes both do the same; for odd sizes a mix-up moves the image.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import scipy.fft
import torch
from numpy.typing import NDArray

AXES = (-2, -1)  # rows and columns; whatever stands before them (coils, time) is carried along
Image = TypeVar("Image", NDArray[np.complex64], torch.Tensor)


def to_kspace(image: Image) -> Image:
    """(..., rows, columns) image to k-space; k = 0 lies at [rows // 2, columns // 2].

    Orthonormal: the sum of squares is the same on both sides, so noise of standard deviation s in
    k-space has the same s in the image. Takes numpy arrays and torch tensors.
    """
    if isinstance(image, torch.Tensor):
        moved = torch.fft.ifftshift(image, dim=AXES)
        return torch.fft.fftshift(torch.fft.fft2(moved, norm="ortho"), dim=AXES)
    moved = np.fft.ifftshift(image, axes=AXES)
    return np.fft.fftshift(scipy.fft.fft2(moved, norm="ortho", overwrite_x=True), axes=AXES)


def to_image(kspace: Image) -> Image:
    """(..., rows, columns) k-space to image: the exact inverse of `to_kspace`."""
    if isinstance(kspace, torch.Tensor):
        moved = torch.fft.ifftshift(kspace, dim=AXES)
        return torch.fft.fftshift(torch.fft.ifft2(moved, norm="ortho"), dim=AXES)
    moved = np.fft.ifftshift(kspace, axes=AXES)
    return np.fft.fftshift(scipy.fft.ifft2(moved, norm="ortho", overwrite_x=True), axes=AXES)


def k_axis(count: int, field_of_view_mm: float) -> NDArray[np.float64]:
    """(count,) spatial frequencies in 1/mm that are sampled: steps of 1 / field of view."""
    return (np.arange(count) - count // 2) / field_of_view_mm


def pixel_axis(count: int, field_of_view_mm: float) -> NDArray[np.float64]:
    """(count,) positions of the pixels' centres in mm; the field's centre is 0."""
    return (np.arange(count) - (count - 1) / 2) * field_of_view_mm / count


def centre_crop(array: NDArray, rows: int, columns: int | None = None) -> NDArray:
    """The middle rows (and columns) of k-space, k = 0 staying at the middle."""
    top = array.shape[-2] // 2 - rows // 2
    array = array[..., top : top + rows, :]
    if columns is None:
        return array
    left = array.shape[-1] // 2 - columns // 2
    return array[..., left : left + columns]


def zero_pad(kspace: NDArray, rows: int, columns: int) -> NDArray:
    """k-space laid into the middle of zeros: the image gets smaller pixels, not more detail.

    Scaled so that grey values stay as they are; pixel [rows // 2, columns // 2] keeps its place.
    """
    shape = kspace.shape[-2:]
    result = np.zeros((*kspace.shape[:-2], rows, columns), kspace.dtype)
    top, left = rows // 2 - shape[0] // 2, columns // 2 - shape[1] // 2
    result[..., top : top + shape[0], left : left + shape[1]] = kspace
    return result * kspace.dtype.type(np.sqrt(rows * columns / (shape[0] * shape[1])))
