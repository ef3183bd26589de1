"""How the tissues of a knee behave at 1.5 and 3 T, and the three series of a knee examination.

T1 and T2 of cartilage, synovial fluid, muscle and both kinds of fat: Gold et al., AJR
2004;183:343. Tendons, ligaments and menisci decay within milliseconds (Du & Bydder, NMR Biomed
2013;26:489); their values, and those of torn or swollen tissue, are usual orders of magnitude.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from course_lib.imaging.mr.sequences import spin_echo

# Tissue -> (T1 at 1.5 T, T1 at 3 T), (T2 at 1.5 T, T2 at 3 T) in ms, proton density (water 1).
# fmt: off
TISSUES: Mapping[str, tuple[tuple[float, float], tuple[float, float], float]] = MappingProxyType({
    "skin":           ((800, 1000),  (25, 22),     0.60),
    "fat":            ((343, 371),   (150, 133),   0.95),
    "marrow":         ((288, 365),   (165, 133),   0.85),
    "bone":           ((200, 223),   (0.5, 0.45),  0.20),
    "muscle":         ((1130, 1420), (35, 32),     0.79),
    "flowing_blood":  ((1441, 1932), (290, 275),   0.02),  # has left before the echo
    "fluid":          ((2850, 3620), (1210, 767),  1.00),
    "synovium":       ((700, 800),   (48, 42),     0.62),  # with fat between its folds
    "cartilage":      ((1060, 1240), (42, 37),     0.75),
    "tendon":         ((600, 700),   (3, 2.5),     0.65),
    "pcl":            ((700, 850),   (8, 7),       0.70),
    "acl":            ((750, 900),   (16, 15),     0.72),
    "meniscus":       ((800, 950),   (11, 10),     0.70),
    "aged_meniscus":  ((900, 1050),  (28, 26),     0.74),
    "torn_meniscus":  ((1000, 1200), (55, 50),     0.80),
    "torn_ligament":  ((1100, 1350), (65, 60),     0.82),
    "marrow_oedema":  ((900, 1100),  (75, 70),     0.80),
    "oedema":         ((1300, 1600), (90, 80),     0.85),
})
# fmt: on
FATTY = ("fat", "marrow")


@dataclass(frozen=True)
class KneeSequence:
    """One series: plane, spin echo times in ms, share of the fat's signal that is left (1: all).

    gap_mm: from slice to slice; thick_mm: of a slice; field_t in tesla.
    """

    plane: str
    tr_ms: float
    te_ms: float
    fat_left: float = 1.0
    thick_mm: float = 3.5
    gap_mm: float = 4.5
    field_t: float = 3.0


# The three series of the MRNet examinations (Bien et al. 2018, table of series).
PROTOCOL: Mapping[str, KneeSequence] = MappingProxyType({
    "sagittal T2": KneeSequence("sagittal", 4000, 60, fat_left=0.2),
    "coronal T1": KneeSequence("coronal", 650, 12),
    "axial PD": KneeSequence("axial", 3200, 28, fat_left=0.2),
})  # fmt: skip
# Another hospital, at 1.5 T: no fat saturation, shorter echo, thicker slices. After the external
# set of the same paper, whose sagittal series were of another weighting.
ELSEWHERE: Mapping[str, KneeSequence] = MappingProxyType({
    "sagittal T2": KneeSequence("sagittal", 2600, 36, 0.45, thick_mm=4.5, gap_mm=5.5, field_t=1.5),
})  # fmt: skip


def knee_signals(
    sequence: KneeSequence, tissues: tuple[str, ...], person: int | None = None
) -> np.ndarray:
    """(T,) float32 signal of each tissue; air and unseen material give 0.

    person: seed of the T1 and T2 of this person, who differs from the mean by some 10 % (the ACL,
    more or less mixed with fat and fluid, by 25 %); None is the mean.
    Raises ValueError for an unknown tissue.
    """
    signals = np.zeros(len(tissues), np.float32)
    for i, tissue in enumerate(tissues):
        if tissue == "air":
            continue
        if tissue not in TISSUES:
            raise ValueError(f"No MR values for {tissue!r}; known are: {', '.join(TISSUES)}.")
        t1, t2, density = TISSUES[tissue]
        values = [_between(pair, sequence.field_t) for pair in (t1, t2)]
        if person is not None:
            rng = np.random.default_rng([person, *tissue.encode()])
            spread = np.array([0.06, 0.25 if tissue == "acl" else 0.10])
            values = list(values * np.exp(spread * rng.standard_normal(2)))
        echo = density * spin_echo(values[0], values[1], sequence.tr_ms, sequence.te_ms)
        signals[i] = abs(echo) * (sequence.fat_left if tissue in FATTY else 1.0)
    return signals


def _between(pair: tuple[float, float], field_t: float) -> float:
    """Power law through the values at 1.5 and 3 T (Bottomley et al., Med Phys 1984;11:425)."""
    low, high = pair
    return float(low * (field_t / 1.5) ** np.log2(high / low))
