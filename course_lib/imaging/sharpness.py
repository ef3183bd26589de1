"""Sharpness: how a detector blurs, written as a modulation transfer function (MTF), and measured.

The MTF says which share of a fine pattern's contrast is left at each spatial frequency (line pairs
per mm). Blurs in a row multiply: scintillator, pixel, focal spot.
"""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import fft

_THREADS = 2  # a transform of a large film is worth them
MTF = Callable[[NDArray[np.floating]], NDArray[np.floating]]


def scintillator_mtf(frequency: ArrayLike, half_at: float = 1.4) -> NDArray[np.float64]:
    """MTF of a CsI layer: light spreads sideways; half the contrast is left at `half_at` lp/mm.

    A Lorentz curve; 1.4 lp/mm gives 0.66, 0.33, 0.18 at 1, 2, 3 lp/mm, as general panels have.
    """
    return 1 / (1 + (np.asarray(frequency, dtype=np.float64) / half_at) ** 2)


def aperture_mtf(frequency: ArrayLike, width_mm: float) -> NDArray[np.float64]:
    """MTF of a square of `width_mm`: a pixel, or the focal spot's shadow; zero at 1 / width."""
    return np.abs(np.sinc(np.asarray(frequency, dtype=np.float64) * width_mm))


def focal_spot_shadow(focal_spot_mm: float, magnification: float) -> float:
    """Width of an edge's penumbra on the detector, mm: the focal spot seen past the edge."""
    return focal_spot_mm * (magnification - 1)


def blur(image: NDArray[np.floating], pixel_mm: float, mtf: MTF) -> NDArray[np.float32]:
    """`image` (H, W) seen through a system with this MTF (a function of lp/mm), same total.

    The image is continued by its border pixels, so that opposite sides do not mix.
    """
    margin = min(32, *image.shape)
    padded = np.pad(np.asarray(image, dtype=np.float32), margin, mode="edge")
    spectrum = fft.rfft2(padded, workers=_THREADS)
    spectrum *= _response(padded.shape, pixel_mm, mtf)
    blurred = fft.irfft2(spectrum, s=padded.shape, workers=_THREADS)
    return np.asarray(blurred[margin:-margin, margin:-margin], dtype=np.float32)


@lru_cache(maxsize=4)
def _response(shape: tuple[int, int], pixel_mm: float, mtf: MTF) -> NDArray[np.float32]:
    """The MTF at all frequencies of a picture; kept for the next exposure."""
    rows = fft.fftfreq(shape[0], pixel_mm)[:, None]
    columns = fft.rfftfreq(shape[1], pixel_mm)[None, :]
    return mtf(np.hypot(rows, columns)).astype(np.float32)


def mtf_from_edge(
    image: NDArray[np.floating], pixel_mm: float, angle_deg: float, oversampling: int = 8
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """MTF measured on the picture of a straight, slightly slanted edge (as in IEC 62220-1).

    image (H, W): linear signal, dark on one side, bright on the other, edge through the middle and
    turned by angle_deg from the columns. Every row meets the edge at another sub-pixel place, so
    all rows together sample it `oversampling` times finer than one. Returns frequencies (lp/mm, up
    to 1 / pixel_mm) and the MTF there. ValueError if the edge is not slanted.
    """
    if not 0.5 <= abs(angle_deg) <= 20:
        raise ValueError(f"The edge must be slanted by 0.5-20 degrees, not {angle_deg:g}.")
    profile, step_mm = _edge_profile(image, pixel_mm, angle_deg, oversampling)
    line_spread = np.diff(profile) * np.hanning(profile.size - 1)
    spectrum = np.abs(np.fft.rfft(line_spread))
    frequency = np.fft.rfftfreq(line_spread.size, step_mm)
    # A difference of neighbours is itself a small blur of the derivative: undo it.
    spectrum = spectrum / np.sinc(frequency * step_mm)
    keep = frequency <= 1 / pixel_mm
    return np.asarray(frequency[keep]), np.asarray(spectrum[keep] / spectrum[0])


def _edge_profile(
    image: NDArray[np.floating], pixel_mm: float, angle_deg: float, oversampling: int
) -> tuple[NDArray[np.float64], float]:
    """Mean signal against distance from the edge, and the distance between its samples (mm)."""
    height, width = image.shape
    rows, columns = np.mgrid[:height, :width]
    angle = np.radians(angle_deg)
    right, down = columns - (width - 1) / 2, rows - (height - 1) / 2
    distance = right * np.cos(angle) + down * np.sin(angle)  # pixels
    reach = 0.5 * width * np.cos(angle) - 0.5 * height * abs(np.sin(angle))
    bins = np.arange(-reach, reach, 1 / oversampling)
    total, _ = np.histogram(distance, bins, weights=image)
    number, _ = np.histogram(distance, bins)
    return total / np.maximum(number, 1), pixel_mm / oversampling
