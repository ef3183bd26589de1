"""Coil sensitivities out of the data themselves: from the fully measured centre of k-space."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from course_lib.imaging.mr.fourier import to_image, zero_pad
from course_lib.imaging.mr.windows import windowed

Complex = NDArray[np.complex64]


def coarse_images(acs: Complex, shape: tuple[int, int]) -> Complex:
    """(coils, rows, columns) blurred coil images from the centre, acs (coils, lines, columns)."""
    return to_image(zero_pad(windowed(acs, "hann"), *shape))


def estimate_maps(
    acs: Complex, shape: tuple[int, int], patch: int = 7, threshold: float = 0.05
) -> Complex:
    """(coils, rows, columns) maps, root sum of squares 1 in the body and 0 in the air around.

    In every patch of the coarse images the coils share one anatomy, so the strongest eigenvector of
    their covariance is the coils' sensitivity (Walsh, Gmitro, Marcellin, MRM 43 (2000) 682). Its
    phase is taken relative to the strongest coil. Where the coarse image is below `threshold` of
    its maximum there is only noise to learn from: the map is 0.
    """
    images = coarse_images(acs, shape)
    products = np.einsum("irc,jrc->ijrc", images, images.conj())
    size = (1, 1, patch, patch)
    smooth = uniform_filter(products.real, size) + 1j * uniform_filter(products.imag, size)
    main = _strongest(smooth.transpose(2, 3, 0, 1)).transpose(2, 0, 1)
    reference = np.argmax((np.abs(images) ** 2).sum((1, 2)))
    phase = main[reference] / np.maximum(np.abs(main[reference]), 1e-12)
    power = np.sqrt((np.abs(images) ** 2).sum(0))
    body = power > threshold * power.max()
    return (main * phase.conj() * body).astype(np.complex64)


def _strongest(matrices: NDArray) -> NDArray:
    """(rows, columns, coils) eigenvector of the largest eigenvalue, by power iteration."""
    vector = np.ones(matrices.shape[:-1], complex)
    vector += np.arange(matrices.shape[-1]) * 0.1j  # not orthogonal to what is looked for
    for _ in range(12):
        vector = np.einsum("rcij,rcj->rci", matrices, vector)
        vector /= np.maximum(np.linalg.norm(vector, axis=-1, keepdims=True), 1e-20)
    return vector
