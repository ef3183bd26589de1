"""Extended phase graphs: a sequence with gradients, followed exactly in a handful of numbers.

Gradients wind magnetisation into spirals. Written as Fourier coefficients over the winding, all of
it is three rows of numbers: F+ (winding up), F- (unwinding), Z (stored along the field), one column
for each number of turns. A pulse mixes the three of one column, relaxation shrinks them, a gradient
moves F+ up and F- down by one column; the signal is F+ without a turn.

Hennig, Concepts Magn Reson 1991;3:125; conventions of Weigel, J Magn Reson Imaging 2015;41:266.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

Complex = NDArray[np.complex128]


@dataclass(frozen=True)
class Phases:
    """F+, F- and Z, each (..., columns); t1 and t2 (..., 1) in ms. Many tissues go together."""

    up: Complex
    down: Complex
    stored: Complex
    t1_ms: NDArray[np.float64]
    t2_ms: NDArray[np.float64]

    def pulse(self, flip_deg: ArrayLike, phase_deg: float = 0.0) -> Phases:
        """Mix the three rows by a turn of flip_deg (a number, or (..., 1): one for each tissue)."""
        a, p = np.radians(flip_deg), np.exp(1j * np.radians(phase_deg))
        cos2, sin2 = np.cos(a / 2) ** 2, np.sin(a / 2) ** 2
        sine, cosine = np.sin(a), np.cos(a)
        up, down, stored = self.up, self.down, self.stored
        return replace(
            self,
            up=cos2 * up + p**2 * sin2 * down - 1j * p * sine * stored,
            down=np.conj(p) ** 2 * sin2 * up + cos2 * down + 1j * np.conj(p) * sine * stored,
            stored=-0.5j * np.conj(p) * sine * up + 0.5j * p * sine * down + cosine * stored,
        )

    def relax(self, ms: float) -> Phases:
        """T2 shrinks both F, T1 brings Z back (new magnetisation enters without a turn)."""
        e1, e2 = np.exp(-ms / self.t1_ms), np.exp(-ms / self.t2_ms)
        stored = self.stored * e1
        stored[..., :1] += 1 - e1
        return replace(self, up=self.up * e2, down=self.down * e2, stored=stored)

    def wind(self) -> Phases:
        """One turn more by a gradient: F+ moves up, F- down, and what unwinds becomes F+(0)."""
        up, down = np.zeros_like(self.up), np.zeros_like(self.down)
        up[..., 1:], up[..., 0] = self.up[..., :-1], np.conj(self.down[..., 1])
        down[..., :-1] = self.down[..., 1:]
        down[..., 0] = np.conj(up[..., 0])
        return replace(self, up=up, down=down)

    @property
    def signal(self) -> Complex:
        """(...) F+ without a turn: what the coil receives."""
        return self.up[..., 0]


def at_rest(t1_ms: ArrayLike, t2_ms: ArrayLike, columns: int) -> Phases:
    """Equilibrium for tissues with T1 and T2 (...) in ms; `columns` turns are followed.

    Raises ValueError when times are not positive.
    """
    t1, t2 = np.broadcast_arrays(np.asarray(t1_ms, float), np.asarray(t2_ms, float))
    if t1.min(initial=np.inf) <= 0 or t2.min(initial=np.inf) <= 0:
        raise ValueError("T1 and T2 must be positive times in ms.")
    empty = np.zeros((*t1.shape, columns), complex)
    stored = empty.copy()
    stored[..., 0] = 1.0
    return Phases(empty, empty.copy(), stored, t1[..., None], t2[..., None])


def spin_echo_train(
    t1_ms: ArrayLike, t2_ms: ArrayLike, echoes: int, spacing_ms: float, refocusing_deg: ArrayLike
) -> NDArray[np.float64]:
    """(..., echoes): amplitudes of a turbo spin echo (CPMG) for tissues with T1, T2 (...).

    90 degrees about y, then pulses of refocusing_deg (one angle, or one for each echo) about x,
    between crusher gradients. With 180 degrees this is exp(-n spacing / T2); smaller angles store
    part of the signal along the field and bring it back later (stimulated echoes).
    """
    angles = np.broadcast_to(np.asarray(refocusing_deg, float), (echoes,))
    phases = at_rest(t1_ms, t2_ms, columns=2 * echoes + 2).pulse(90.0, 90.0)
    result = []
    for angle in angles:
        phases = phases.relax(spacing_ms / 2).wind().pulse(float(angle), 0.0)
        phases = phases.relax(spacing_ms / 2).wind()
        result.append(phases.signal.real)
    return np.stack(result, -1)
