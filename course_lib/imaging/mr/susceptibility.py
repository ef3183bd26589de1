"""Quantitative susceptibility mapping: from the field that iron and calcium make back to them.

A magnetised voxel is a small magnet: its field is a dipole's, up above and below it, down around
its waist. All voxels together: the susceptibility convolved with the dipole, so in k-space a
product with

    D(k) = 1/3 - (k . b)^2 / |k|^2,    b the direction of the scanner's field.

D is zero on a double cone at 54.7 degrees from b: there one orientation of the head tells nothing,
and dividing by D turns noise into streaks. Volumes are (z, y, x); fields and susceptibilities are
in parts per million (ppm). Salomir et al., Concepts Magn Reson B 2003;19:26; Marques & Bowtell,
Concepts Magn Reson B 2005;25:65.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.fft
from numpy.typing import ArrayLike, NDArray

Volume = NDArray[np.float32]
UP = (1.0, 0.0, 0.0)  # the scanner's field in the order (z, y, x)


def frequencies(shape: tuple[int, int, int], voxel_mm: ArrayLike = 1.0) -> tuple[Volume, ...]:
    """kz, ky, kx in 1/mm for `scipy.fft.rfftn` of a volume, ready to be broadcast."""
    size = np.broadcast_to(np.asarray(voxel_mm, float), 3)
    axes = (
        scipy.fft.fftfreq(shape[0], size[0])[:, None, None],
        scipy.fft.fftfreq(shape[1], size[1])[None, :, None],
        scipy.fft.rfftfreq(shape[2], size[2])[None, None, :],
    )
    return tuple(np.asarray(axis, np.float32) for axis in axes)


def dipole_kernel(
    shape: tuple[int, int, int], voxel_mm: ArrayLike = 1.0, direction: Sequence[float] = UP
) -> Volume:
    """D(k) (z, y, x // 2 + 1) for the field's direction (z, y, x); 0 at k = 0.

    At k = 0 the value is a matter of choice: a uniform susceptibility shifts the whole field, which
    the scanner's own frequency adjustment removes.
    """
    b = np.asarray(direction, float)
    b = b / np.linalg.norm(b)
    kz, ky, kx = frequencies(shape, voxel_mm)
    square = kz**2 + ky**2 + kx**2
    square[0, 0, 0] = 1.0
    along = np.float32(b[0]) * kz + np.float32(b[1]) * ky + np.float32(b[2]) * kx
    kernel = np.float32(1 / 3) - along**2 / square
    kernel[0, 0, 0] = 0.0
    return kernel


def filtered(volume: Volume, transfer: Volume) -> Volume:
    """A volume with each of its spatial frequencies multiplied by `transfer`."""
    spectrum = scipy.fft.rfftn(np.asarray(volume, np.float32), workers=2)
    return np.asarray(scipy.fft.irfftn(spectrum * transfer, volume.shape, workers=2), np.float32)


def field_of(
    chi_ppm: Volume, voxel_mm: ArrayLike = 1.0, direction: Sequence[float] = UP, pad: int = 0
) -> Volume:
    """Field in ppm that a susceptibility (z, y, x) in ppm makes.

    The Fourier transform repeats the volume endlessly; `pad` voxels of emptiness on all sides keep
    the copies away.
    """
    wide: Volume = np.pad(np.asarray(chi_ppm, np.float32), pad).astype(np.float32)
    field = filtered(wide, dipole_kernel(wide.shape, voxel_mm, direction))
    inner = slice(pad, -pad) if pad else slice(None)
    return field[inner, inner, inner]


def truncated_division(
    field_ppm: Volume, voxel_mm: ArrayLike = 1.0, threshold: float = 0.15,
    direction: Sequence[float] = UP,
) -> Volume:  # fmt: skip
    """TKD: divide by D, but never by less than `threshold` (Shmueli, Magn Reson Med 2009;62:1510).

    Small values of D are replaced by the threshold with D's sign, so strong streaks are avoided and
    the susceptibility comes out too small.
    """
    if threshold <= 0:
        raise ValueError("The threshold must be positive: D is zero on a cone.")
    kernel = dipole_kernel(field_ppm.shape, voxel_mm, direction)
    sign = np.where(kernel < 0, np.float32(-1), np.float32(1))
    inverse: Volume = (sign / np.maximum(np.abs(kernel), threshold)).astype(np.float32)
    inverse[0, 0, 0] = 0.0
    return filtered(field_ppm, inverse)


def tikhonov(
    field_ppm: Volume, voxel_mm: ArrayLike = 1.0, amount: float = 0.02,
    direction: Sequence[float] = UP,
) -> Volume:  # fmt: skip
    """The chi that minimises |D chi - field|^2 + amount |chi|^2: D / (D^2 + amount)."""
    kernel = dipole_kernel(field_ppm.shape, voxel_mm, direction)
    return filtered(field_ppm, kernel / (kernel**2 + np.float32(amount)))


def cosmos(
    fields_ppm: Sequence[Volume], directions: Sequence[Sequence[float]], voxel_mm: ArrayLike = 1.0
) -> Volume:
    """Least squares over several orientations of the head (COSMOS; Liu, MRM 2009;61:196).

    sum D_i field_i / sum D_i^2: where one orientation is blind, another sees. directions are those
    of the scanner's field as seen from the head. ValueError for fewer than two orientations.
    """
    if len(fields_ppm) != len(directions) or len(fields_ppm) < 2:
        raise ValueError("COSMOS needs two or more fields, each with its direction.")
    shape = fields_ppm[0].shape
    kernels = [dipole_kernel(shape, voxel_mm, direction) for direction in directions]
    spectra = [scipy.fft.rfftn(np.asarray(f, np.float32), workers=2) for f in fields_ppm]
    above = sum(kernel * spectrum for kernel, spectrum in zip(kernels, spectra, strict=True))
    below = np.sum([kernel**2 for kernel in kernels], axis=0)
    quotient = above / np.maximum(below, np.float32(1e-3))
    return np.asarray(scipy.fft.irfftn(quotient, shape, workers=2), np.float32)


def _differences(shape: tuple[int, int, int]) -> list[NDArray[np.complex64]]:
    """What the difference to the next voxel does to every spatial frequency, along z, y and x."""
    return [(1 - np.exp(-2j * np.pi * k)).astype(np.complex64) for k in frequencies(shape)]


def total_variation(
    field_ppm: Volume, voxel_mm: ArrayLike = 1.0, amount: float = 2e-4,
    direction: Sequence[float] = UP, iterations: int = 30, step: float | None = None,
) -> Volume:  # fmt: skip
    """Minimise |D chi - field|^2 / 2 + amount |grad chi|_1, by ADMM in the Fourier domain.

    Streaks have large gradients and tissues few edges, so the blind cone is filled with the least
    edgy guess (as in MEDI; Bilgic et al., Magn Reson Med 2014;72:1444 for the fast form).
    """
    rho = np.float32(step if step is not None else 50 * amount)
    kernel = dipole_kernel(field_ppm.shape, voxel_mm, direction)
    waves = _differences(field_ppm.shape)
    normal = kernel**2 + rho * sum(np.abs(wave) ** 2 for wave in waves)
    normal[0, 0, 0] = 1.0
    data = kernel * scipy.fft.rfftn(np.asarray(field_ppm, np.float32), workers=2)
    split = [np.zeros(field_ppm.shape, np.float32) for _ in waves]  # soft-thresholded minus dual
    dual = [np.zeros(field_ppm.shape, np.float32) for _ in waves]
    for _ in range(iterations):
        pull = sum(
            w.conj() * scipy.fft.rfftn(s, workers=2) for w, s in zip(waves, split, strict=True)
        )
        chi = (data + rho * pull) / normal
        for axis, wave in enumerate(waves):
            slope = scipy.fft.irfftn(wave * chi, field_ppm.shape, workers=2) + dual[axis]
            kept = np.sign(slope) * np.maximum(np.abs(slope) - amount / rho, 0)
            dual[axis] = slope - kept
            split[axis] = 2 * kept - slope
    return np.asarray(scipy.fft.irfftn(chi, field_ppm.shape, workers=2), np.float32)
