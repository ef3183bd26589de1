"""What a pulse sequence makes of a tissue: the closed-form signal equations.

All assume a repetition that has reached its steady state, perfect pulses and no flow (Bernstein,
King & Zhou, Handbook of MRI Pulse Sequences, 2004, chapters 14-16). They are what `spins.py`
gives when it plays the same pulses one by one. Times in ms, angles in degrees.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_lib.imaging.mr.tissues import SILENT, Relaxation, relaxation

Values = NDArray[np.float64]


class Sequence(Protocol):
    """Anything that turns a tissue's relaxation into a signal."""

    def signal(self, tissue: Relaxation) -> float:
        """Signed signal at the echo; that of water, fully relaxed and at once, is 1."""


@dataclass(frozen=True)
class SpinEcho:
    """90 - TE/2 - 180 - TE/2 - echo, repeated every TR."""

    tr_ms: float
    te_ms: float

    def signal(self, tissue: Relaxation) -> float:
        """PD (1 - 2 exp(-(TR - TE/2)/T1) + exp(-TR/T1)) exp(-TE/T2)."""
        return float(tissue.pd * spin_echo(tissue.t1_ms, tissue.t2_ms, self.tr_ms, self.te_ms))


@dataclass(frozen=True)
class InversionRecovery:
    """180 - TI - spin echo; TI chooses the tissue that vanishes."""

    tr_ms: float
    te_ms: float
    ti_ms: float

    def signal(self, tissue: Relaxation) -> float:
        """PD (1 - 2 exp(-TI/T1) + 2 exp(-(TR - TE/2)/T1) - exp(-TR/T1)) exp(-TE/T2)."""
        times = self.tr_ms, self.te_ms, self.ti_ms
        return float(tissue.pd * inversion_recovery(tissue.t1_ms, tissue.t2_ms, *times))


@dataclass(frozen=True)
class GradientEcho:
    """Spoiled gradient echo (FLASH): one pulse of `flip_deg` every TR, no refocusing pulse."""

    tr_ms: float
    te_ms: float
    flip_deg: float

    def signal(self, tissue: Relaxation) -> float:
        """PD sin(a) (1 - E1) / (1 - cos(a) E1) exp(-TE/T2*)."""
        times = self.tr_ms, self.te_ms, self.flip_deg
        return float(tissue.pd * gradient_echo(tissue.t1_ms, tissue.t2star_ms, *times))


@dataclass(frozen=True)
class BalancedEcho:
    """Balanced steady-state free precession (TrueFISP, FIESTA) on resonance, echo at TR/2."""

    tr_ms: float
    flip_deg: float

    def signal(self, tissue: Relaxation) -> float:
        """PD sin(a) (1 - E1) exp(-TR/(2 T2)) / (1 - (E1 - E2) cos(a) - E1 E2)."""
        e1, e2 = (np.exp(-self.tr_ms / t) for t in (tissue.t1_ms, tissue.t2_ms))
        flip = np.radians(self.flip_deg)
        steady = np.sin(flip) * (1 - e1) / (1 - (e1 - e2) * np.cos(flip) - e1 * e2)
        return float(tissue.pd * steady * np.exp(-self.tr_ms / (2 * tissue.t2_ms)))


def spin_echo(t1_ms: ArrayLike, t2_ms: ArrayLike, tr_ms: ArrayLike, te_ms: ArrayLike) -> Values:
    """Signal of a spin echo for a proton density of 1; arrays are combined by broadcasting."""
    t1, t2, tr, te = (np.asarray(v, float) for v in (t1_ms, t2_ms, tr_ms, te_ms))
    recovered = 1 - 2 * np.exp(-(tr - te / 2) / t1) + np.exp(-tr / t1)
    return np.asarray(recovered * np.exp(-te / t2))


def inversion_recovery(
    t1_ms: ArrayLike, t2_ms: ArrayLike, tr_ms: ArrayLike, te_ms: ArrayLike, ti_ms: ArrayLike
) -> Values:
    """Signal (with its sign) of an inversion-recovery spin echo for a proton density of 1."""
    t1, t2, tr, te, ti = (np.asarray(v, float) for v in (t1_ms, t2_ms, tr_ms, te_ms, ti_ms))
    recovered = 1 - 2 * np.exp(-ti / t1) + 2 * np.exp(-(tr - te / 2) / t1) - np.exp(-tr / t1)
    return np.asarray(recovered * np.exp(-te / t2))


def gradient_echo(
    t1_ms: ArrayLike, t2star_ms: ArrayLike, tr_ms: ArrayLike, te_ms: ArrayLike, flip_deg: ArrayLike
) -> Values:
    """Signal of a spoiled gradient echo for a proton density of 1."""
    e1 = np.exp(-np.asarray(tr_ms, float) / t1_ms)
    flip = np.radians(flip_deg)
    steady = np.sin(flip) * (1 - e1) / (1 - np.cos(flip) * e1)
    return np.asarray(steady * np.exp(-np.asarray(te_ms, float) / t2star_ms))


def ernst_angle(t1_ms: float, tr_ms: float) -> float:
    """Flip angle in degrees that gives the strongest spoiled gradient echo: acos(exp(-TR/T1))."""
    return float(np.degrees(np.arccos(np.exp(-tr_ms / t1_ms))))


def null_time(t1_ms: float, tr_ms: float = np.inf, te_ms: float = 0.0) -> float:
    """TI in ms at which a tissue gives no signal in inversion recovery.

    For an endless TR this is T1 ln 2. Raises ValueError when TR is shorter than TE/2.
    """
    if tr_ms < te_ms / 2:
        raise ValueError("TR must be longer than TE/2.")
    left = 1 + 2 * np.exp(-(tr_ms - te_ms / 2) / t1_ms) - np.exp(-tr_ms / t1_ms)
    return float(-t1_ms * np.log(left / 2))


# Usual settings at 3 T for the head, by the name that the picture gets.
CONTRASTS: Mapping[str, Sequence] = {
    "T1": SpinEcho(600.0, 12.0),
    "PD": SpinEcho(4000.0, 15.0),
    "T2": SpinEcho(4500.0, 95.0),
    "T2*": GradientEcho(700.0, 20.0, 20.0),
    "FLAIR": InversionRecovery(9000.0, 100.0, null_time(4300.0, 9000.0, 100.0)),
    "STIR": InversionRecovery(4000.0, 40.0, null_time(382.0, 4000.0, 40.0)),
}


def weights(
    sequence: Sequence | str, tissues: Iterable[str], field_t: float = 3.0
) -> dict[str, float]:
    """Tissue -> magnitude of its signal, for pictures and k-space; air and metal give 0.

    sequence: one of the classes here, or a name in CONTRASTS. ValueError for an unknown name.
    """
    if isinstance(sequence, str):
        if sequence not in CONTRASTS:
            raise ValueError(
                f"There is no contrast {sequence!r}; choose from {', '.join(CONTRASTS)}."
            )
        sequence = CONTRASTS[sequence]
    result = {"air": 0.0}
    for tissue in tissues:
        silent = tissue in SILENT
        result[tissue] = 0.0 if silent else abs(sequence.signal(relaxation(tissue, field_t)))
    return result
