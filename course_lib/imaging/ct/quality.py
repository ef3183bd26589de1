"""How good a slice is: distance from a reference, texture of the noise, sharpness of edges.

No single number tells. Peak signal-to-noise ratio (PSNR) and structural similarity (SSIM) compare
grey values with a reference; the noise power spectrum (NPS) says how coarse the grain is; the width
of an edge says what was smoothed away. Whether a lesion is seen: `observer`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from course_lib.imaging.ct.rows import centred

Floats = NDArray[np.float64]


def psnr(image: ArrayLike, reference: ArrayLike, width: float = 400.0) -> float:
    """Peak signal-to-noise ratio in dB: 20 log10(width / RMS difference), for two arrays alike.

    width: the range of values that counts as full signal, e.g. of the window, in HU.
    """
    first, second = _alike(image, reference)
    return float(peak_signal_noise_ratio(second, first, data_range=width))


def ssim(image: ArrayLike, reference: ArrayLike, width: float = 400.0) -> float:
    """Mean structural similarity of two (rows, columns), 1 for equal ones.

    Wang, Bovik, Sheikh, Simoncelli, IEEE Trans Image Process 2004;13:600, with its Gaussian
    weights of 1.5 pixels. width: as for `psnr`.
    """
    first, second = _alike(image, reference)
    return float(
        structural_similarity(
            second, first, data_range=width, gaussian_weights=True, use_sample_covariance=False
        )
    )


def _alike(image: ArrayLike, reference: ArrayLike) -> tuple[Floats, Floats]:
    first, second = np.asarray(image, np.float64), np.asarray(reference, np.float64)
    if first.shape != second.shape:
        raise ValueError(f"Images must be alike, but have shapes {first.shape} and {second.shape}.")
    return first, second


@dataclass(frozen=True)
class NoisePower:
    """A noise power spectrum.

    power (rows, columns): HU^2 mm^2, frequency 0 in the middle. step: distance (vertical,
    horizontal) of neighbouring values, 1/mm. Its integral is the variance of the noise.
    """

    power: Floats
    step: tuple[float, float]

    @property
    def variance(self) -> float:
        """Integral over both frequencies: HU^2."""
        return float(self.power.sum() * self.step[0] * self.step[1])

    @property
    def radius(self) -> Floats:
        """(rows, columns) distance from frequency 0, cycles per mm."""
        rows, columns = self.power.shape
        vertical = (np.arange(rows) - rows // 2) * self.step[0]
        horizontal = (np.arange(columns) - columns // 2) * self.step[1]
        return np.hypot(vertical[:, None], horizontal)

    @property
    def mean_frequency(self) -> float:
        """Centre of gravity, cycles per mm: low for coarse, blotchy noise, high for fine grain."""
        return float((self.radius * self.power).sum() / self.power.sum())

    def radial(self) -> tuple[Floats, Floats]:
        """Mean over rings: frequencies (cycles per mm) and power (HU^2 mm^2), up to Nyquist."""
        width = max(self.step)
        ring = np.rint(self.radius / width).astype(int)
        count = min(self.power.shape) // 2 + 1
        total = np.bincount(ring.ravel(), self.power.ravel())[:count]
        return np.arange(count) * width, total / np.bincount(ring.ravel())[:count]


def noise_power(noise: ArrayLike, pixel_mm: float) -> NoisePower:
    """NPS of an ensemble of noise (images, rows, columns) in HU.

    NPS(u, v) = pixel area / pixels * mean |DFT of noise|^2 (ICRU Report 87, 2012). The mean over
    the images is taken off first: what all have in common is structure, not noise; the rest is
    scaled up for it. Raises ValueError for fewer than two images.
    """
    images = np.asarray(noise, np.float64)
    if images.ndim != 3 or len(images) < 2:
        raise ValueError(
            f"A noise spectrum needs at least two images (images, rows, columns), not the shape "
            f"{images.shape}."
        )
    grain = images - images.mean(axis=0)
    rows, columns = grain.shape[1:]
    power = (np.abs(np.fft.fft2(grain)) ** 2).sum(axis=0) / (len(images) - 1)
    power = np.fft.fftshift(power) * pixel_mm**2 / (rows * columns)
    return NoisePower(power, (1 / (rows * pixel_mm), 1 / (columns * pixel_mm)))


def disc_profile(
    image: ArrayLike, centre_mm: tuple[float, float], pixel_mm: float, distances_mm: ArrayLike
) -> Floats:
    """Mean value of `image` in rings about a point: one for each interval of `distances_mm`.

    centre_mm: x and y from the middle of the image. Averaging along the whole edge of a round
    object makes its profile visible under noise. NaN where a ring holds no pixel.
    """
    values = np.asarray(image, np.float64)
    y, x = (centred(count, pixel_mm) for count in values.shape)
    distance = np.hypot(y[:, None] - centre_mm[1], x - centre_mm[0])
    edges = np.asarray(distances_mm, np.float64)
    count, _ = np.histogram(distance, edges)
    total, _ = np.histogram(distance, edges, weights=values)
    with np.errstate(invalid="ignore"):
        return np.where(count > 0, total / count, np.nan)


def edge_width(profile: ArrayLike, step_mm: float) -> float:
    """Millimetres from 25 % to 75 % of the way across an edge whose two ends are flat.

    profile (n,): values step_mm apart; the mean of the first and of the last fifth are the two
    levels. Crossings are interpolated. Raises ValueError if the two levels are the same.
    """
    values = np.asarray(profile, np.float64)
    fifth = max(1, len(values) // 5)
    start, end = values[:fifth].mean(), values[-fifth:].mean()
    if np.isclose(start, end):
        raise ValueError("There is no edge here: both ends of the profile have the same value.")
    way = (values - start) / (end - start)
    low, high = (_first_crossing(way, share) for share in (0.25, 0.75))
    return (high - low) * step_mm


def _first_crossing(way: Floats, share: float) -> float:
    """Where, in steps, `way` (from 0 to 1) first reaches a share."""
    after = int(np.argmax(way >= share))
    if after == 0:
        return 0.0
    return after - 1 + (share - way[after - 1]) / (way[after] - way[after - 1])


def contrast_to_noise(inside: ArrayLike, outside: ArrayLike) -> float:
    """|difference of the means| / standard deviation outside, for two sets of pixels."""
    inner, outer = np.asarray(inside, np.float64), np.asarray(outside, np.float64)
    return float(abs(inner.mean() - outer.mean()) / outer.std())
