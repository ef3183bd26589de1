"""The Bloch equation, played exactly: pulses turn magnetisation, waiting relaxes and turns it.

Between pulses the Bloch equation has a closed solution, so there are no small time steps and no
error: M_xy turns by 2 pi f t and shrinks by exp(-t/T2), M_z returns to 1 by exp(-t/T1). A group of
spins that feel different fields ("isochromats") is a row of such vectors. Coordinates turn with
the scanner's frequency; z is the direction of the field; turns follow the right-hand rule.

Bloch, Phys Rev 1946;70:460; Hargreaves' matrix form: Magn Reson Med 2001;46:149.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

Vectors = NDArray[np.float64]
AXES = {"x": 0.0, "y": 90.0, "-x": 180.0, "-y": 270.0}


@dataclass(frozen=True)
class Spins:
    """N isochromats: magnetisation (N, 3) relative to equilibrium, offset (N,) in Hz."""

    magnetisation: Vectors
    offset_hz: Vectors
    t1_ms: float = np.inf
    t2_ms: float = np.inf

    def pulse(self, flip_deg: ArrayLike, axis: str | float = "x") -> Spins:
        """A short radio pulse: a turn by flip_deg about `axis` ("x", "y", "-x", "-y" or degrees).

        flip_deg may be one angle for every isochromat (N,), for a coil that is not uniform.
        """
        phase = AXES[axis] if isinstance(axis, str) else float(axis)
        turn = rotation(flip_deg, phase)
        return replace(self, magnetisation=(turn @ self.magnetisation[..., None])[..., 0])

    def wait(self, ms: float, gradient_hz: ArrayLike = 0.0) -> Spins:
        """Free precession and relaxation; gradient_hz (N,) is the extra frequency of a gradient."""
        if ms < 0:
            raise ValueError(f"Time runs forwards: {ms:g} ms is negative.")
        turn = np.exp(2j * np.pi * (self.offset_hz + np.asarray(gradient_hz)) * ms / 1000.0)
        across = (self.magnetisation[:, 0] + 1j * self.magnetisation[:, 1]) * turn
        across = across * np.exp(-ms / self.t2_ms)
        along = 1 + (self.magnetisation[:, 2] - 1) * np.exp(-ms / self.t1_ms)
        return replace(self, magnetisation=np.stack([across.real, across.imag, along], 1))

    def spoil(self) -> Spins:
        """Perfect spoiling: what lies across the field is gone."""
        return replace(self, magnetisation=self.magnetisation * [0.0, 0.0, 1.0])

    @property
    def signal(self) -> complex:
        """What a coil receives: the mean of M_x + i M_y."""
        return complex((self.magnetisation[:, 0] + 1j * self.magnetisation[:, 1]).mean())

    def over(self, times_ms: ArrayLike) -> NDArray[np.complex128]:
        """Signal at each of the times (T,) from now on, while nothing is done."""
        return np.array([self.wait(float(t)).signal for t in np.asarray(times_ms)])


def at_rest(t1_ms: float = np.inf, t2_ms: float = np.inf, offset_hz: ArrayLike = 0.0) -> Spins:
    """Spins in equilibrium, pointing along the field, one for each offset (N,).

    Their length is 1: multiply signals by the proton density. Raises ValueError for times that
    are not positive or a T2 above 2 T1, which physics does not allow.
    """
    if min(t1_ms, t2_ms) <= 0:
        raise ValueError("T1 and T2 must be positive times in ms.")
    if t2_ms > 2 * t1_ms:
        raise ValueError(f"T2 ({t2_ms:g} ms) cannot exceed twice T1 ({t1_ms:g} ms).")
    offset = np.atleast_1d(np.asarray(offset_hz, float))
    return Spins(np.tile([0.0, 0.0, 1.0], (len(offset), 1)), offset, t1_ms, t2_ms)


def rotation(flip_deg: ArrayLike, phase_deg: float = 0.0) -> Vectors:
    """(..., 3, 3) turn by flip_deg about the axis (cos phase, sin phase, 0), right-handed."""
    a, p = np.radians(flip_deg), np.radians(phase_deg)
    ca, sa = np.cos(a), np.sin(a)
    cp, sp = np.cos(p) * np.ones_like(a), np.sin(p) * np.ones_like(a)
    rows = [
        [cp**2 + ca * sp**2, cp * sp * (1 - ca), sa * sp],
        [cp * sp * (1 - ca), sp**2 + ca * cp**2, -sa * cp],
        [-sa * sp, sa * cp, ca],
    ]
    return np.moveaxis(np.array(rows), (0, 1), (-2, -1))


def uneven_field(count: int, t2prime_ms: float, centre_hz: float = 0.0) -> Vectors:
    """(count,) offsets in Hz whose sum decays as exp(-t/T2'): quantiles of a Lorentzian.

    1/T2* = 1/T2 + 1/T2'. The outermost quantiles are finite, so the decay is exact up to about
    t = count * T2' / 10.
    """
    share = (np.arange(count) + 0.5) / count
    return centre_hz + np.tan(np.pi * (share - 0.5)) / (2 * np.pi * t2prime_ms) * 1000.0


def selective_pulse(
    flip_deg: float, duration_ms: float, lobes: int, offsets_hz: ArrayLike, steps: int = 200
) -> Spins:
    """Spins at rest after a sinc pulse under a slice gradient, which gives each an offset (N,).

    The pulse is a Hamming-windowed sinc of `lobes` zero crossings; its bandwidth in Hz is about
    lobes / duration. Each of the `steps` is an exact turn about the field that acts; a gradient of
    the opposite sign and half the area then brings the slice's spins together (to a few degrees).
    """
    offsets = np.atleast_1d(np.asarray(offsets_hz, float))
    t = (np.arange(steps) + 0.5) / steps - 0.5
    shape = np.sinc(lobes * t) * (0.54 + 0.46 * np.cos(2 * np.pi * t))
    dt = duration_ms / steps / 1000.0
    nutation_hz = shape / shape.sum() * (flip_deg / 360.0) / dt
    spins = at_rest(offset_hz=offsets)
    vectors = spins.magnetisation
    for strength in nutation_hz:
        field = np.stack([np.full_like(offsets, strength), 0 * offsets, offsets], 1)
        vectors = _turn(vectors, 2 * np.pi * field * dt)
    turned = replace(spins, magnetisation=vectors)
    return turned.wait(duration_ms / 2, -2 * offsets)


def _turn(vectors: Vectors, angles: Vectors) -> Vectors:
    """Vectors (N, 3) turned about the directions of angles (N, 3) by their lengths (Rodrigues)."""
    angle = np.linalg.norm(angles, axis=1, keepdims=True)
    axis = angles / np.maximum(angle, 1e-30)
    along = (axis * vectors).sum(1, keepdims=True) * axis
    return along + (vectors - along) * np.cos(angle) + np.cross(axis, vectors) * np.sin(angle)
