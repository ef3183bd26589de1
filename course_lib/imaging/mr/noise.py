"""Thermal noise: Gaussian, complex, the same at every k, shared between neighbouring coils."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from course_lib.imaging.mr.fourier import to_image


def add_noise(
    kspace: NDArray, sd: float, *, seed: int | np.random.Generator,
    covariance: NDArray | None = None, mask: NDArray | None = None,
) -> NDArray[np.complex64]:  # fmt: skip
    """k-space (..., rows, columns) plus complex noise; real and imaginary part have `sd` each.

    covariance (coils, coils) lets the coils (first axis) share noise; mask leaves unmeasured
    points at zero. As `to_image` is orthonormal, the image's noise has the same sd.
    """
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((*kspace.shape, 2)).astype(np.float32).view(np.complex64)[..., 0]
    if covariance is not None:
        mixed = np.linalg.cholesky(covariance).astype(np.complex64)
        noise = np.einsum("ij,j...->i...", mixed, noise)
    noisy = kspace + np.float32(sd) * noise
    return noisy if mask is None else noisy * mask


def prewhiten(values: NDArray, covariance: NDArray) -> NDArray[np.complex64]:
    """New, independent "virtual" coils: values (coils, ...) times the inverse Cholesky factor.

    Apply it to data and sensitivity maps alike; then each coil has noise variance 1 and none is
    shared (Pruessmann, MRM 46 (2001) 638).
    """
    inverse = np.linalg.inv(np.linalg.cholesky(covariance)).astype(np.complex64)
    return np.einsum("ij,j...->i...", inverse, values)


def root_sum_of_squares(coil_images: NDArray) -> NDArray[np.float32]:
    """(rows, columns): coil images (coils, rows, columns) joined without knowing their maps."""
    return np.sqrt((np.abs(coil_images) ** 2).sum(0))


def combine(coil_images: NDArray, maps: NDArray) -> NDArray[np.complex64]:
    """(rows, columns): the sum with the best SNR when the maps are known and the noise is white.

    sum conj(s) m / sum |s|^2 (Roemer et al., MRM 16 (1990) 192).
    """
    weight = np.maximum((np.abs(maps) ** 2).sum(0), 1e-12)
    return (maps.conj() * coil_images).sum(0) / weight


def measured_covariance(noise_only: NDArray) -> NDArray[np.complex128]:
    """(coils, coils) covariance from a scan without excitation, noise_only (coils, ...).

    Of the complex noise, per real and imaginary part (so that white noise of sd 1 gives the unit
    matrix).
    """
    flat = noise_only.reshape(len(noise_only), -1).astype(complex)
    return flat @ flat.conj().T / (2 * flat.shape[1])


def nrmse(image: NDArray, truth: NDArray, where: NDArray | None = None) -> float:
    """Root mean square of the difference divided by that of the truth, where `where` is True."""
    difference, reference = np.abs(image - truth) ** 2, np.abs(truth) ** 2
    if where is not None:
        difference, reference = difference[where], reference[where]
    return float(np.sqrt(difference.sum() / reference.sum()))


def simple_image(coil_kspace: NDArray) -> NDArray[np.float32]:
    """(rows, columns): Fourier transform and root sum of squares, whatever was left out."""
    return root_sum_of_squares(to_image(coil_kspace))
