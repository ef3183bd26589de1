"""How tissues behave in a magnet: relaxation times, proton density, magnetic susceptibility.

The numbers are means of published measurements at 37 degrees C or in living people; single people
and single papers differ by 10 to 20 % (Bojorquez et al., Magn Reson Imaging 2017;35:69 collect
them for 3 T). Between and a little beyond 1.5 and 3 T we draw a power law through both
(Bottomley et al., Med Phys 1984;11:425).

Sources, by their number in the table:
1 Stanisz et al., Magn Reson Med 2005;54:507 (T1, T2)
2 de Bazelaire et al., Radiology 2004;230:652 (T1, T2: fat, liver, marrow)
3 Peters et al., Magn Reson Imaging 2007;25:748 (T2*: brain)
4 Spijkerman et al., MAGMA 2018;31:415, and usual values (CSF)
5 Du & Bydder, NMR Biomed 2013;26:489 (cortical bone); Yu et al., Magn Reson Med 2011;66:248 (lung)
6 water content: Neeb et al., NeuroImage 2006;31:1156 (brain); else usual values
7 susceptibility against water: Langkammer et al., NeuroImage 2012;62:1593, Wharton & Bowtell,
  NeuroImage 2010;53:515 (brain); Spees et al., Magn Reson Med 2001;45:533 (venous blood of
  haematocrit 0.4, two thirds oxygenated); Hopkins & Wehrli, Magn Reson Med 1997;37:494 (bone, fat)
Values without a source of their own (T2* in the body, lesions) are usual orders of magnitude.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

GAMMA_MHZ_PER_T = 42.577478518  # proton, gamma / (2 pi), CODATA
LOWEST_T, HIGHEST_T = 1.0, 4.0  # where the power law is not too far from measurements


class Relaxation(NamedTuple):
    """One tissue in one magnet: t1_ms, t2_ms, t2star_ms; pd, proton density (water 1); chi_ppm,
    magnetic susceptibility relative to water in parts per million (SI)."""

    t1_ms: float
    t2_ms: float
    t2star_ms: float
    pd: float
    chi_ppm: float


class _Row(NamedTuple):
    """(1.5 T, 3 T) pairs of T1, T2, T2* in ms, then what does not depend on the field."""

    t1: tuple[float, float]
    t2: tuple[float, float]
    t2star: tuple[float, float]
    pd: float
    chi: float


# fmt: off
_TABLE: Mapping[str, _Row] = MappingProxyType({
    "grey_matter":         _Row((1124, 1820), (95, 99),     (84, 66),     0.83, 0.02),   # 1 3 6 7
    "white_matter":        _Row((884, 1084),  (72, 69),     (66, 53),     0.70, -0.03),  # 1 3 6 7
    "csf":                 _Row((4300, 4300), (2000, 2000), (1000, 500),  1.00, 0.0),    # 4
    "deep_grey":           _Row((1010, 1350), (85, 75),     (57, 36),     0.80, 0.06),   # 3 7
    "pallidum":            _Row((850, 1050),  (62, 50),     (40, 22),     0.74, 0.17),   # 7
    "venous_blood":        _Row((1441, 1932), (160, 50),    (70, 22),     0.85, 0.45),   # 1 7
    "white_matter_lesion": _Row((1350, 1700), (180, 170),   (130, 110),   0.85, 0.0),
    "tumour":              _Row((1500, 1900), (130, 125),   (95, 80),     0.88, 0.0),
    "microbleed":          _Row((1100, 1500), (40, 30),     (8, 4),       0.60, 1.0),
    "blood":               _Row((1441, 1932), (290, 275),   (200, 100),   0.85, 0.0),    # 1
    "muscle":              _Row((1008, 1412), (44, 50),     (35, 30),     0.79, 0.0),    # 1
    "soft_tissue":         _Row((900, 1150),  (48, 45),     (33, 28),     0.78, 0.0),
    "liver":               _Row((576, 812),   (46, 42),     (28, 20),     0.73, 0.0),    # 1 2
    "spleen":              _Row((1057, 1328), (79, 61),     (45, 30),     0.80, 0.0),    # 2
    "kidney":              _Row((690, 1194),  (55, 56),     (45, 35),     0.82, 0.0),    # 1
    "fat":                 _Row((343, 382),   (58, 68),     (40, 35),     0.95, 0.65),   # 2 7
    "breast_gland":        _Row((1100, 1400), (60, 55),     (40, 35),     0.75, 0.0),
    "cartilage":           _Row((1024, 1168), (30, 27),     (22, 20),     0.70, 0.0),    # 1
    "bone_spongy":         _Row((549, 586),   (49, 49),     (12, 8),      0.45, -0.3),   # 2
    "bone_cortical":       _Row((200, 223),   (0.5, 0.45),  (0.5, 0.42),  0.20, -2.3),   # 5 7
    "lung":                _Row((1200, 1280), (40, 35),     (1.4, 0.74),  0.20, 6.9),    # 5
    "water":               _Row((4300, 4300), (2200, 2200), (2000, 2000), 1.00, 0.0),
    "calcification":       _Row((200, 223),   (0.5, 0.45),  (0.5, 0.42),  0.02, -2.3),
})
# fmt: on
SILENT = frozenset(
    {"air", "polymer", "titanium", "steel", "pmma", "cesium_iodide", "contrast_iodine"}
)  # no protons that live long enough to be seen
AIR_CHI_PPM = 9.4


def relaxation(tissue: str, field_t: float = 3.0) -> Relaxation:
    """Times, density and susceptibility of `tissue` at `field_t` tesla (1 to 4).

    Materials without visible protons (air, metal, plastic) have density 0. Raises ValueError for
    an unknown tissue or a field without measurements near it.
    """
    if not LOWEST_T <= field_t <= HIGHEST_T:
        raise ValueError(
            f"Relaxation times are known here from {LOWEST_T:g} to {HIGHEST_T:g} T, "
            f"not at {field_t:g} T."
        )
    if tissue in SILENT:
        return Relaxation(1.0, 1.0, 1.0, 0.0, AIR_CHI_PPM if tissue == "air" else 0.0)
    if tissue not in _TABLE:
        raise ValueError(f"No MR values for {tissue!r}; known are: {', '.join(_TABLE)}.")
    row = _TABLE[tissue]
    t1, t2, t2star = (_between(pair, field_t) for pair in (row.t1, row.t2, row.t2star))
    return Relaxation(t1, t2, t2star, row.pd, row.chi)


def _between(pair: tuple[float, float], field_t: float) -> float:
    """Power law through the values at 1.5 and 3 T."""
    low, high = pair
    exponent = np.log(high / low) / np.log(2.0)
    return float(low * (field_t / 1.5) ** exponent)


def larmor_mhz(field_t: float) -> float:
    """Frequency in MHz at which protons precess in a field of `field_t` tesla."""
    return GAMMA_MHZ_PER_T * field_t
