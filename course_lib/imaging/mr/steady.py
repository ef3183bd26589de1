"""Steady states of repeated sequences, from 3x3 matrices: no need to play hundreds of pulses.

Pulses and waiting are affine maps of the magnetisation, M -> A M + b. A whole repetition is one
such map; what it leaves unchanged is the steady state (Hargreaves et al., Magn Reson Med
2001;46:149).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from course_lib.imaging.mr.spins import rotation

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Move:
    """The affine map M -> matrix M + shift."""

    matrix: Array
    shift: Array

    def then(self, later: Move) -> Move:
        """This move and then a later one, as one move."""
        return Move(later.matrix @ self.matrix, later.matrix @ self.shift + later.shift)

    def __call__(self, magnetisation: Array) -> Array:
        """Where the move takes a vector (3,)."""
        return np.asarray(self.matrix @ magnetisation + self.shift)

    def steady_state(self) -> Array:
        """The vector (3,) that the move leaves as it is. ValueError when nothing relaxes."""
        rest = np.eye(3) - self.matrix
        if abs(np.linalg.det(rest)) < 1e-12:
            raise ValueError("Without relaxation a sequence has no single steady state.")
        return np.asarray(np.linalg.solve(rest, self.shift))


def pulse(flip_deg: float, phase_deg: float = 0.0) -> Move:
    """A short radio pulse about the axis at phase_deg from x."""
    return Move(rotation(flip_deg, phase_deg), np.zeros(3))


def waiting(ms: float, t1_ms: float, t2_ms: float, offset_hz: float = 0.0) -> Move:
    """Free precession with relaxation."""
    e1, e2 = np.exp(-ms / t1_ms), np.exp(-ms / t2_ms)
    angle = 2 * np.pi * offset_hz * ms / 1000.0
    c, s = e2 * np.cos(angle), e2 * np.sin(angle)
    return Move(np.array([[c, -s, 0], [s, c, 0], [0, 0, e1]]), np.array([0, 0, 1 - e1]))


def spoiling() -> Move:
    """Perfect spoiling: only the part along the field is left."""
    return Move(np.diag([0.0, 0.0, 1.0]), np.zeros(3))
