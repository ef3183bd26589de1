"""The X-ray rooms of the virtual hospital: the same patient, imaged by different machines.

A scanner is a technique (tube, grid, detector, processing) and the view that it is used for. The
figures are typical of such machines; no product is meant.
"""

from __future__ import annotations

from dataclasses import dataclass

from course_lib.imaging.radiography import CHEST_AP, CHEST_PA, Technique


@dataclass(frozen=True)
class Scanner:
    """A machine: what it is, the view it is used for, and its technique."""

    description: str
    view: str
    technique: Technique


SCANNERS: dict[str, Scanner] = {
    "A": Scanner("flat panel, 120 kVp, moderate processing", "PA", CHEST_PA),
    "B": Scanner(
        "flat panel of another maker: harder beam, flat and edge-enhanced pictures",
        "PA",
        Technique(
            kvp=133.0, mas=1.6, filtration_mm_al=5.0, compression=0.52, detail=0.55,
            compression_mm=34.0, detail_mm=4.5, steepness=3.4, middle=0.42, sharp_lp_mm=1.7,
        ),
    ),
    "C": Scanner(
        "old computed radiography: 90 kVp, thin plate, noisy, steep curve, no processing",
        "PA",
        Technique(
            kvp=90.0, mas=1.2, filtration_mm_al=2.5, compression=0.05, detail=0.0,
            scintillator_mm=0.10, noise_kev=2500.0, sharp_lp_mm=0.8, steepness=5.6, middle=0.45,
        ),
    ),
    "portable": Scanner(
        "bedside, from the front at 1.1 m without a grid: magnified heart, scatter, grey",
        "AP",
        Technique(
            kvp=CHEST_AP.kvp, mas=1.6, source_distance_mm=CHEST_AP.source_distance_mm, grid=False,
            compression=0.50, detail=0.20, compression_mm=40.0, sharp_lp_mm=1.2, middle=0.34,
        ),
    ),
}  # fmt: skip


def scanner_named(name: str) -> Scanner:
    """The scanner called `name`; ValueError lists those that exist."""
    if name not in SCANNERS:
        raise ValueError(f"There is no scanner {name!r}; there are {', '.join(SCANNERS)}.")
    return SCANNERS[name]
