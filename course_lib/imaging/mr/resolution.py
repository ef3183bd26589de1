"""Thick slices from thin ones, and back by interpolation: what super-resolution starts from.

A two-dimensional scan cuts slices of 3-6 mm. Seen from the side, its pixels are that tall. What a
slice adds up is given by its profile; a 3-D scan instead leaves out the outer lines of k-space.
"""

from __future__ import annotations

import numpy as np
import scipy.ndimage
from numpy.typing import NDArray

from course_lib.imaging.mr.fourier import centre_crop, to_image, to_kspace

PROFILES = ("box", "gaussian", "gap", "k-space")
FWHM = 2 * np.sqrt(2 * np.log(2))  # full width at half maximum of a Gaussian of sd 1


def thick_slices(image: NDArray, factor: int, profile: str = "box") -> NDArray[np.float32]:
    """(..., rows / factor, columns): every `factor` rows of an image (..., rows, columns) as one.

    profile: "box" (all rows the same), "gaussian" (full width at half maximum of `factor` rows, as
    of a short pulse, so that neighbours overlap), "gap" (thin slices with spaces between: the
    middle row alone) or "k-space" (the middle lines only; ringing).
    Raises ValueError for another name, or if factor does not divide the rows.
    """
    rows = image.shape[-2]
    if profile not in PROFILES:
        raise ValueError(f"The profile is one of {', '.join(PROFILES)}, not {profile!r}.")
    if rows % factor:
        raise ValueError(f"{rows} rows cannot be split into slices of {factor}.")
    if profile == "k-space":
        return _fewer_lines(image, rows // factor)
    if profile == "gaussian":
        image = scipy.ndimage.gaussian_filter1d(image, factor / FWHM, axis=-2, mode="nearest")
    if profile in ("gaussian", "gap"):
        low, high = (factor - 1) // 2, factor // 2  # the two middle rows, or twice the middle one
        middle = (image[..., low::factor, :] + image[..., high::factor, :]) / 2
        return np.asarray(middle, np.float32)
    split = image.reshape(*image.shape[:-2], rows // factor, factor, image.shape[-1])
    return np.asarray(split.mean(-2), np.float32)


def enlarge(image: NDArray, factor: int) -> NDArray[np.float32]:
    """(..., factor rows, columns) by cubic splines along the rows: smooth, but nothing new."""
    zoom = [1.0] * (image.ndim - 2) + [float(factor), 1.0]
    big = scipy.ndimage.zoom(image, zoom, order=3, mode="nearest", grid_mode=True)
    return np.asarray(big, np.float32)


def _fewer_lines(image: NDArray, rows: int) -> NDArray[np.float32]:
    """The middle `rows` lines of k-space, pixels centred as those of the box profile."""
    count = image.shape[-2]
    k = (np.arange(count) - count // 2) / count
    # Phases are counted from pixel count // 2; the new pixel's centre lies half a step further.
    shift = (count / rows - 1) / 2
    moved = to_kspace(image) * np.exp(2j * np.pi * k * shift)[:, None]
    scale = np.sqrt(rows / count)
    return np.abs(to_image(centre_crop(moved, rows)) * scale).astype(np.float32)
