"""What the magnet and its gradients allow: echo spacing and signal to noise as parameters.

A gradient has a greatest strength (mT/m) and a greatest slew rate (T/m/s, the same as mT/m/ms).
Both decide how soon the next echo can follow, and so how blurred a turbo spin echo is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from course_lib.imaging.mr.sequences import Sequence
from course_lib.imaging.mr.tissues import GAMMA_MHZ_PER_T, relaxation


@dataclass(frozen=True)
class Gradients:
    """Greatest strength in mT/m and greatest slew rate in T/m/s."""

    strength: float
    slew: float


WHOLE_BODY = Gradients(50.0, 200.0)  # a usual clinical 3 T system
COMPACT_3T = Gradients(80.0, 700.0)  # head-sized 3 T system: Foo et al., MRM 2018;80:2232


def trapezoid_ms(area: float, gradients: Gradients) -> float:
    """Shortest time in ms for a gradient pulse of `area` in mT/m ms: a triangle or a trapezoid."""
    if area < 0:
        raise ValueError("The area of a gradient pulse must not be negative; turn its sign.")
    if area <= gradients.strength**2 / gradients.slew:
        return float(2 * np.sqrt(area / gradients.slew))
    return area / gradients.strength + gradients.strength / gradients.slew


def moment(cycles: float, length_mm: float) -> float:
    """Area in mT/m ms of a gradient that winds `cycles` turns over `length_mm`."""
    return cycles / (GAMMA_MHZ_PER_T * length_mm) * 1000.0


def echo_spacing_ms(
    gradients: Gradients, matrix: int = 256, field_of_view_mm: float = 240.0,
    slice_mm: float = 1.2, readout_ms: float = 2.05, pulse_ms: float = 0.7,
    crusher_cycles: float = 2.0,
) -> float:  # fmt: skip
    """Shortest echo spacing of a turbo spin echo: pulse, crusher, readout, crusher.

    The crushers wind crusher_cycles over one slice; phase encoding and the readout's ramps are
    played at the same time, so the longest of the three counts.
    """
    crusher = trapezoid_ms(moment(crusher_cycles, slice_mm), gradients)
    phase = trapezoid_ms(moment(matrix / 2, field_of_view_mm), gradients)
    readout_strength = moment(matrix, field_of_view_mm) / readout_ms
    if readout_strength > gradients.strength:
        raise ValueError(
            f"This readout needs {readout_strength:.0f} mT/m, more than the gradients give; "
            "make it longer."
        )
    ramp = readout_strength / gradients.slew
    return pulse_ms + readout_ms + 2 * max(crusher, phase, ramp)


def relative_snr(sequence: Sequence, tissue: str, field_t: float, voxel_mm3: float = 1.0) -> float:
    """Signal to noise in arbitrary units: field x voxel volume x the sequence's signal.

    In the head and above 0.5 T noise comes from the patient, so SNR grows in proportion to the
    field (Hoult & Lauterbur, J Magn Reson 1979;34:425); relaxation times take a part of it back.
    """
    return field_t * voxel_mm3 * abs(sequence.signal(relaxation(tissue, field_t)))
