"""Ellipses and their Fourier transform in closed form: the truth that tests lean on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import j1


@dataclass(frozen=True)
class Ellipse:
    """A uniform ellipse: value, centre (x, y) and semi-axes (a, b) in mm, turned by `angle_deg`."""

    value: float
    centre_mm: tuple[float, float]
    semi_axes_mm: tuple[float, float]
    angle_deg: float = 0.0

    def _frame(self, x: NDArray, y: NDArray) -> tuple[NDArray, NDArray]:
        """Components of (x, y) along the two semi-axes."""
        angle = np.deg2rad(self.angle_deg)
        return x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)

    def signal(self, kx: NDArray, ky: NDArray) -> NDArray[np.complex128]:
        """Fourier transform in mm^2 at kx, ky (1/mm, broadcast together).

        integral of value * exp(-2 pi i k r) = value * a b J1(2 pi q) / q * exp(-2 pi i k c),
        with q the length of (a k1, b k2) in the ellipse's own axes (Bracewell 2000, ch. 13).
        """
        a, b = self.semi_axes_mm
        k1, k2 = self._frame(kx, ky)
        q = np.maximum(np.hypot(a * k1, b * k2), 1e-9)  # J1(2 pi q) / q tends to pi
        shift = np.exp(-2j * np.pi * (kx * self.centre_mm[0] + ky * self.centre_mm[1]))
        result: NDArray[np.complex128] = self.value * a * b * j1(2 * np.pi * q) / q * shift
        return result

    def covers(self, x: NDArray, y: NDArray) -> NDArray[np.bool_]:
        """Whether the points (mm) lie inside."""
        u, v = self._frame(x - self.centre_mm[0], y - self.centre_mm[1])
        a, b = self.semi_axes_mm
        result: NDArray[np.bool_] = (u / a) ** 2 + (v / b) ** 2 <= 1
        return result


@dataclass(frozen=True)
class EllipseSubject:
    """A subject made of ellipses; values add up where they overlap."""

    ellipses: Sequence[Ellipse]

    def signal(self, kx: NDArray, ky: NDArray) -> NDArray[np.complex128]:
        """(rows, columns) signal in mm^2 at every pair of ky (rows,) and kx (columns,), in 1/mm."""
        grid = np.zeros((len(ky), len(kx)), complex)
        for ellipse in self.ellipses:
            grid += ellipse.signal(kx[None, :], ky[:, None])
        return grid

    def picture(self, x: NDArray, y: NDArray) -> NDArray[np.float64]:
        """(rows, columns) value at every pair of y (rows,) and x (columns,), in mm."""
        total = np.zeros((len(y), len(x)))
        for ellipse in self.ellipses:
            total += ellipse.value * ellipse.covers(x[None, :], y[:, None])
        return total


def shepp_logan(size_mm: float = 220.0) -> EllipseSubject:
    """The head phantom of Shepp and Logan (1974) with Toft's (1996) stronger contrasts.

    size_mm is the side of the square that holds it; y points to posterior, so the face is up.
    """
    half = size_mm / 2
    rows = [
        (1.0, 0.0, 0.0, 0.69, 0.92, 0), (-0.8, 0.0, 0.0184, 0.6624, 0.874, 0),
        (-0.2, 0.22, 0.0, 0.11, 0.31, 18), (-0.2, -0.22, 0.0, 0.16, 0.41, -18),
        (0.1, 0.0, -0.35, 0.21, 0.25, 0), (0.1, 0.0, -0.1, 0.046, 0.046, 0),
        (0.1, 0.0, 0.1, 0.046, 0.046, 0), (0.1, -0.08, 0.605, 0.046, 0.023, 0),
        (0.1, 0.0, 0.605, 0.023, 0.023, 0), (0.1, 0.06, 0.605, 0.023, 0.046, 0),
    ]  # fmt: skip
    return EllipseSubject(
        [Ellipse(v, (x * half, y * half), (a * half, b * half), t) for v, x, y, a, b, t in rows]
    )
