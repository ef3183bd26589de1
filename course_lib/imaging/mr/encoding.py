"""What a scanner does to an image, as one linear operator: coils, Fourier transform, sampling."""

from __future__ import annotations

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from course_lib.imaging.mr.fourier import to_image, to_kspace

Complex = NDArray[np.complex64]


class Encoding:
    """y = mask * F(s_c * image), for every coil c.

    maps (coils, rows, columns) sensitivities; mask (rows, columns) of the measured points.
    """

    def __init__(self, maps: NDArray, mask: NDArray) -> None:
        if maps.shape[-2:] != mask.shape:
            raise ValueError(f"Maps {maps.shape[-2:]} and mask {mask.shape} differ in size.")
        self.maps = maps.astype(np.complex64, copy=False)
        self.mask = mask.astype(np.float32)
        # The loops of `normal` run without any shift, on everything shifted once beforehand; and an
        # axis along which all was measured needs no transform at all.
        self._moved = np.fft.ifftshift(self.maps, axes=(-2, -1))
        self._moved_conj = self._moved.conj()
        self._moved_mask = np.fft.ifftshift(self.mask)
        self._axes = tuple(a for a in (-2, -1) if not _same_along(self.mask, a))

    def forward(self, image: Complex) -> Complex:
        """(rows, columns) image to (coils, rows, columns) measured k-space."""
        return self.mask * to_kspace(self.maps * image)

    def adjoint(self, kspace: Complex) -> Complex:
        """(coils, rows, columns) k-space to (rows, columns): the transpose of `forward`."""
        return (self.maps.conj() * to_image(self.mask * kspace)).sum(0)

    def normal(self, image: Complex) -> Complex:
        """adjoint(forward(image)), with fewer and shorter transforms."""
        return np.fft.fftshift(self.normal_moved(np.fft.ifftshift(image)))

    def normal_moved(self, image: Complex) -> Complex:
        """`normal` for an image whose middle is at [0, 0] (np.fft.ifftshift), and so its result."""
        coils = self._moved * image
        if self._axes:
            coils = scipy.fft.fftn(coils, axes=self._axes, norm="ortho", overwrite_x=True)
            coils *= self._moved_mask
            coils = scipy.fft.ifftn(coils, axes=self._axes, norm="ortho", overwrite_x=True)
        else:
            coils *= self._moved_mask[0, 0]
        result: Complex = np.einsum("crk,crk->rk", self._moved_conj, coils)
        return result

    @property
    def largest(self) -> float:
        """An upper bound of the operator's largest eigenvalue, for the step of ISTA and FISTA."""
        return float((np.abs(self.maps) ** 2).sum(0).max())


def single_coil(mask: NDArray) -> Encoding:
    """The encoding of one coil that hears everything equally well."""
    return Encoding(np.ones((1, *mask.shape), np.complex64), mask)


def _same_along(mask: NDArray, axis: int) -> bool:
    return bool((mask == mask.take([0], axis)).all())
