"""SENSE: parallel imaging that unfolds the image with known coil sensitivities.

Pruessmann et al., MRM 42 (1999) 952. Leaving out lines folds the image: R pixels lie on each other.
Every coil sees another mixture, so C coils give C equations for R unknowns.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from course_lib.imaging.mr.encoding import Encoding
from course_lib.imaging.mr.fourier import to_image
from course_lib.imaging.mr.noise import add_noise

Complex = NDArray[np.complex64]


def fold(image: NDArray, factor: int) -> NDArray:
    """(..., rows / factor, columns): the rows that lie on each other, summed.

    Raises ValueError when factor does not divide the number of rows.
    """
    return _stack(image, factor).sum(-3)


def unfold(
    kspace: Complex, maps: NDArray, factor: int, covariance: NDArray | None = None
) -> Complex:
    """(rows, columns) image from k-space in which only every `factor`-th line was measured.

    kspace (coils, rows, columns), zero elsewhere, with the line k = 0; maps (coils, rows, columns).
    For every set of pixels that lie on each other: rho = (S^H P S)^-1 S^H P a, P the inverse noise
    covariance. Pixels without any sensitivity stay 0.
    """
    folded = to_image(kspace)[:, : kspace.shape[1] // factor] * factor
    system, weighted, present = _systems(maps, factor, covariance)
    right = np.einsum("yxrc,cyx->yxr", weighted, folded)
    values = np.linalg.solve(system, right[..., None])[..., 0] * present
    return _unstack(values).astype(np.complex64)


def g_factor(maps: NDArray, factor: int, covariance: NDArray | None = None) -> NDArray[np.float64]:
    """(rows, columns) how much the unfolding itself raises the noise: g >= 1, 0 outside the maps.

    g = sqrt([(S^H P S)^-1]_ii [S^H P S]_ii); the SNR falls by g sqrt(factor).
    """
    system, _, present = _systems(maps, factor, covariance)
    diagonal = np.einsum("yxrr->yxr", system).real
    inverse = np.einsum("yxrr->yxr", np.linalg.inv(system)).real
    return _unstack(np.sqrt(np.maximum(inverse * diagonal, 1)) * present)


def _systems(maps: NDArray, factor: int, covariance: NDArray | None):
    """S^H P S (y, x, R, R), S^H P (y, x, R, coils) and where there is any sensitivity (y, x, R).

    A pixel that no coil hears is taken out of its system by a 1 on the diagonal.
    """
    if factor > len(maps):
        raise ValueError(f"{len(maps)} coils give too few equations to unfold {factor} pixels.")
    inverse = np.eye(len(maps)) if covariance is None else np.linalg.inv(covariance)
    stacked = _stack(maps.astype(complex), factor)  # coils, R, y, x
    weighted = np.einsum("cryx,cd->yxrd", stacked.conj(), inverse)
    system = np.einsum("yxrd,dsyx->yxrs", weighted, stacked)
    present = (np.abs(stacked) ** 2).sum(0).transpose(1, 2, 0) > 1e-9
    # Where coils cannot tell pixels apart, this keeps the system solvable; g then says so.
    tiny = 1e-9 * np.einsum("yxrr->yx", system).real[..., None, None]
    return system + np.eye(factor) * (~present[..., None] + tiny), weighted, present


def _stack(image: NDArray, factor: int) -> NDArray:
    """(..., rows, columns) to (..., factor, rows / factor, columns)."""
    rows, columns = image.shape[-2:]
    if rows % factor:
        raise ValueError(f"{rows} rows cannot be folded {factor} times; choose a divisor.")
    return image.reshape(*image.shape[:-2], factor, rows // factor, columns)


def _unstack(values: NDArray) -> NDArray:
    """(y, x, R) back to (R * y, x)."""
    return values.transpose(2, 0, 1).reshape(-1, values.shape[1])


def cg_sense(
    kspace: Complex, encoding: Encoding, iterations: int = 30, ridge: float = 0.0,
    watch: Callable[[Complex], None] | None = None,
) -> Complex:  # fmt: skip
    """(rows, columns) image by conjugate gradients, for any mask (Pruessmann, MRM 46 (2001) 638).

    Solves (E^H E + ridge) image = E^H kspace from zero; stopping early tames the noise. `watch` is
    called with the image after every iteration.
    """
    residual = np.fft.ifftshift(encoding.adjoint(kspace))
    image, direction = np.zeros_like(residual), residual.copy()
    power = _power(residual)
    start = power
    for _ in range(iterations):
        if power <= 1e-14 * start:  # solved as well as single precision can
            break
        pushed = encoding.normal_moved(direction)
        if ridge:
            pushed += np.float32(ridge) * direction
        step = np.float32(power / np.vdot(direction, pushed).real)
        image += step * direction
        residual -= step * pushed
        power, before = _power(residual), power
        direction *= np.float32(power / before)
        direction += residual
        if watch is not None:
            watch(np.fft.fftshift(image))
    return np.fft.fftshift(image)


def _power(image: Complex) -> float:
    return float(np.vdot(image, image).real)


def pseudo_replicas(
    reconstruct: Callable[[Complex], NDArray], kspace: Complex, sd: float, replicas: int, *,
    seed: int, covariance: NDArray | None = None, mask: NDArray | None = None,
) -> NDArray[np.float64]:  # fmt: skip
    """(rows, columns) standard deviation of a reconstruction's real part, measured.

    Reconstructs the same k-space with fresh noise `replicas` times (Robson, MRM 60 (2008) 895).
    Works for any method; the figure itself is uncertain by 1 / sqrt(2 replicas).
    """
    rng = np.random.default_rng(seed)
    images = [
        reconstruct(add_noise(kspace, sd, seed=rng, covariance=covariance, mask=mask)).real
        for _ in range(replicas)
    ]
    return np.std(images, axis=0, ddof=1)
