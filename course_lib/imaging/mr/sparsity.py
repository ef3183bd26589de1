"""Domains in which an image is sparse: a few large coefficients say almost everything.

A domain offers `analyse` (image to coefficients), `penalty` (their sum of magnitudes) and `shrink`
(make the image sparser): the proximal step, argmin_x 1/2 |x - image|^2 + amount * penalty(x).
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import pywt
from numpy.typing import NDArray

Complex = NDArray[np.complex64]


class Domain(Protocol):
    """Where sparsity is looked for."""

    def analyse(self, image: Complex) -> NDArray:
        """(...) coefficients of an image (rows, columns)."""

    def shrink(self, image: Complex, amount: float, turn: int = 0) -> Complex:
        """The image after the proximal step; `turn` is the number of the iteration."""

    def penalty(self, image: Complex) -> float:
        """How far the image is from sparse: the sum of magnitudes that `shrink` makes smaller."""


def soft_threshold(values: NDArray, amount: float) -> NDArray:
    """Magnitudes made smaller by `amount`, those below set to 0; the phase stays.

    Minimises 1/2 |x - value|^2 + amount |x| for every value.
    """
    size = np.abs(values)
    factor = 1 - amount / np.maximum(size, np.finfo(np.float32).tiny)
    np.maximum(factor, 0, out=factor)
    return values * factor.astype(size.dtype, copy=False)


class Pixels:
    """The image itself: sparse for vessels on black ground, hardly for a head."""

    def analyse(self, image: Complex) -> NDArray:
        """(rows, columns): the image."""
        return image

    def shrink(self, image: Complex, amount: float, turn: int = 0) -> Complex:
        """Soft threshold of the pixels."""
        return soft_threshold(image, amount)

    def penalty(self, image: Complex) -> float:
        """Sum of the pixels' magnitudes."""
        return float(np.abs(image).sum())


class Wavelets:
    """Orthonormal wavelets (Daubechies): steps and blobs at every scale and place.

    The coarsest image is left as it is: it is not sparse. Sizes must be divisible by 2 ** levels.
    With `spin`, every turn moves the wavelets' grid, so that no grid shows through (Coifman and
    Donoho 1995, "cycle spinning"); what is minimised then is only nearly the same in every turn.
    """

    def __init__(
        self, shape: tuple[int, int], name: str = "db4", levels: int = 4, spin: bool = True
    ) -> None:
        if any(n % 2**levels for n in shape):
            raise ValueError(
                f"{levels} wavelet levels need sides divisible by {2**levels}: {shape}."
            )
        self.name, self.levels, self.spin = name, levels, spin

    def split(self, image: Complex) -> list:
        """pywt's list: coarse image, then (horizontal, vertical, diagonal) per level."""
        return pywt.wavedec2(image, self.name, "periodization", self.levels)

    def join(self, parts: list) -> Complex:
        """The image (rows, columns) of `split`'s list."""
        return pywt.waverec2(parts, self.name, "periodization")

    def analyse(self, image: Complex) -> NDArray:
        """(rows, columns): all coefficients, coarse ones at the top left."""
        return pywt.coeffs_to_array(self.split(image))[0]

    def shrink(self, image: Complex, amount: float, turn: int = 0) -> Complex:
        """Soft threshold of the details: exact, because the transform is orthonormal."""
        period = 2**self.levels
        # Multiples of two odd numbers visit many different places of the grid.
        move = (7 * turn % period, 11 * turn % period) if self.spin else (0, 0)
        coarse, *details = self.split(np.roll(image, move, (0, 1)))
        kept = [tuple(soft_threshold(band, amount) for band in level) for level in details]
        return np.roll(self.join([coarse, *kept]), (-move[0], -move[1]), (0, 1))

    def penalty(self, image: Complex) -> float:
        """Sum of the details' magnitudes, without the coarse image."""
        return float(sum(np.abs(band).sum() for level in self.split(image)[1:] for band in level))


class Differences:
    """Differences between neighbours: sparse for uniform regions (total variation)."""

    def __init__(self, inner: int = 12) -> None:
        self.inner = inner

    def analyse(self, image: Complex) -> NDArray:
        """(2, rows, columns): down and to the right, 0 at the last row and column."""
        result = np.zeros((2, *image.shape), image.dtype)
        result[0, :-1] = image[1:] - image[:-1]
        result[1, :, :-1] = image[:, 1:] - image[:, :-1]
        return result

    def adjoint(self, field: NDArray) -> NDArray:
        """(rows, columns): the transpose of `analyse`."""
        result = np.zeros(field.shape[1:], field.dtype)
        result[:-1] -= field[0, :-1]
        result[1:] += field[0, :-1]
        result[:, :-1] -= field[1, :, :-1]
        result[:, 1:] += field[1, :, :-1]
        return result

    def shrink(self, image: Complex, amount: float, turn: int = 0) -> Complex:
        """Total-variation denoising by projected gradients on the dual (Chambolle 2004; Beck and
        Teboulle 2009), `inner` accelerated steps; length of a difference: both directions, complex.
        """
        if amount <= 0:
            return image
        dual = np.zeros((2, *image.shape), image.dtype)
        ahead, t = dual, 1.0
        for _ in range(self.inner):
            slope = self.analyse(image - amount * self.adjoint(ahead))
            step = ahead + slope / (8 * amount)
            new = step / np.maximum(1, np.sqrt((np.abs(step) ** 2).sum(0)))
            t_next = (1 + np.sqrt(1 + 4 * t * t)) / 2
            ahead, dual, t = new + (t - 1) / t_next * (new - dual), new, t_next
        return (image - amount * self.adjoint(dual)).astype(image.dtype)

    def penalty(self, image: Complex) -> float:
        """Total variation: the sum of the lengths of all differences."""
        return float(np.sqrt((np.abs(self.analyse(image)) ** 2).sum(0)).sum())


def largest_only(values: NDArray, share: float) -> NDArray:
    """`values` with only the largest `share` (0 to 1) of them kept, the rest 0."""
    keep = max(1, round(share * values.size))
    limit = np.partition(np.abs(values).ravel(), -keep)[-keep]
    return np.where(np.abs(values) >= limit, values, 0)
