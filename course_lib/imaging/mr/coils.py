"""Receiver coils: small loops around the head, each hears best what lies near it.

The receive field of a loop follows from the law of Biot and Savart. It is smooth, so a few slow
waves describe it; kept as waves, it can be applied to exact k-space (imaging.mr.exact).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from course_lib.imaging.mr.fourier import pixel_axis

Maps = NDArray[np.complex64]


@dataclass(frozen=True)
class CoilArray:
    """Sensitivities as sums of waves, s(x, y) = sum of waves[p, q] exp(2 pi i (p y + q x) / 2 FOV).

    waves (coils, 2 order + 1, 2 order + 1), p and q run from -order to order; field_of_view_mm is
    (rows, columns). The waves' period is twice the field of view, so that a map need not repeat.
    """

    waves: Maps
    field_of_view_mm: tuple[float, float]

    @property
    def order(self) -> int:
        """The highest wave: `order` periods in twice the field of view."""
        return self.waves.shape[-1] // 2

    def maps(self, shape: tuple[int, int]) -> Maps:
        """(coils, rows, columns) sensitivities at the pixels' centres."""
        rows, columns = (
            _waves(pixel_axis(n, fov), fov, self.order)
            for n, fov in zip(shape, self.field_of_view_mm, strict=True)
        )
        return np.einsum("rp,kpq,cq->krc", rows, self.waves, columns, optimize=True)


def _waves(position_mm: NDArray, fov_mm: float, order: int) -> NDArray[np.complex64]:
    """(positions, 2 order + 1) values of the waves along one axis."""
    number = np.arange(-order, order + 1)
    return np.exp(1j * np.pi * position_mm[:, None] * number / fov_mm).astype(np.complex64)


def loop_field(points: NDArray, centre: NDArray, normal: NDArray, radius_mm: float) -> NDArray:
    """(N, 3) magnetic field at points (N, 3) of a loop with unit current (constant left out).

    Biot-Savart: dB = dl x r / |r|^3, summed over 60 straight segments.
    """
    upright = np.array([0.0, 0.0, 1.0])
    across = np.cross(upright, normal)
    angle = np.linspace(0, 2 * np.pi, 61)
    rim = centre + radius_mm * (np.cos(angle)[:, None] * across + np.sin(angle)[:, None] * upright)
    step, middle = np.diff(rim, axis=0), 0.5 * (rim[1:] + rim[:-1])
    reach = points[:, None, :] - middle
    return (np.cross(step, reach) / np.linalg.norm(reach, axis=-1, keepdims=True) ** 3).sum(1)


def head_coil(
    coils: int = 8, field_of_view_mm: float | tuple[float, float] = 240.0, ring_mm: float = 160.0,
    loop_mm: float = 60.0, order: int = 4,
) -> CoilArray:  # fmt: skip
    """`coils` loops (radius `loop_mm`) evenly on a ring (radius `ring_mm`) around the z axis.

    A coil hears Bx - i By (the receive field). The waves are fitted by least squares to the field
    in the ellipse that the field of view holds; the mean root sum of squares there is set to 1.
    """
    fov = field_of_view_mm if isinstance(field_of_view_mm, tuple) else (field_of_view_mm,) * 2
    inside = min(0.5 * max(fov), ring_mm - 20.0)  # close to its wire no wave follows a loop's field
    y, x = (pixel_axis(40, length) for length in fov)
    grid = np.stack([*np.meshgrid(x, y), np.zeros((40, 40))], -1).reshape(-1, 3)
    near = np.linalg.norm(grid, axis=1) < inside
    fields = []
    for angle in 2 * np.pi * (np.arange(coils) + 0.5) / coils:
        outward = np.array([np.cos(angle), np.sin(angle), 0.0])
        field = loop_field(grid[near], ring_mm * outward, -outward, loop_mm)
        fields.append(field[:, 0] - 1j * field[:, 1])
    target = np.array(fields).T
    target /= np.sqrt((np.abs(target) ** 2).sum(1)).mean()
    wave_y, wave_x = _waves(grid[near, 1], fov[0], order), _waves(grid[near, 0], fov[1], order)
    basis = (wave_y[:, :, None] * wave_x[:, None, :]).reshape(near.sum(), -1).astype(complex)
    # A little damping keeps the waves small where there was nothing to fit.
    damping = 1e-3 * near.sum() * np.eye(basis.shape[1])
    waves = np.linalg.solve(basis.conj().T @ basis + damping, basis.conj().T @ target)
    side = 2 * order + 1
    return CoilArray(waves.T.reshape(coils, side, side).astype(np.complex64), fov)


def noise_covariance(coils: CoilArray, shared: float = 0.6) -> NDArray[np.complex128]:
    """(coils, coils) covariance of the coils' noise, mean variance 1.

    The body's thermal noise reaches neighbouring coils together: this part (`shared`) is the
    overlap of their maps (Roemer et al., MRM 16 (1990) 192); the rest is each coil's own.
    """
    maps = coils.maps((64, 64)).reshape(len(coils.waves), -1)
    overlap = maps @ maps.conj().T
    overlap = overlap / np.trace(overlap).real * len(maps)
    return shared * overlap + (1 - shared) * np.eye(len(maps))
