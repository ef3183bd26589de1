"""Infection of the lung as radiologists call it: lobar and bronchopneumonia, infiltration."""

from __future__ import annotations

import numpy as np

from course_lib.patient.lobes import fissure_plane
from course_lib.patient.pathology.placing import (
    Rng,
    check_severity,
    choose_side,
    finding_rng,
    lung_shape,
    points_in_lung,
)
from course_lib.patient.pathology.shapes import cloud, strands
from course_lib.patient.person import Finding, Patient
from course_lib.patient.solids import Array, Part, Pieces, cut, join

# Where a lobe lies: heights in the lung (0 diaphragm, 1 apex) and the fissures that bound it,
# each with +1 when the lobe lies above it and -1 when below.
LOBES = {
    "right upper": ((0.55, 0.8), (("horizontal", 1), ("oblique", 1))),
    "right middle": ((0.22, 0.45), (("horizontal", -1), ("oblique", 1))),
    "right lower": ((0.1, 0.42), (("oblique", -1),)),
    "left upper": ((0.45, 0.8), (("oblique", 1),)),
    "left lower": ((0.1, 0.42), (("oblique", -1),)),
}


def add_pneumonia(
    patient: Patient, severity: float = 0.5, side: str | None = None, seed: int = 0
) -> Patient:
    """Lobar pneumonia, which fills one lobe evenly and stops at the fissure, or (half of them)
    bronchopneumonia, many small patches along the airways of both lungs (of one, with `side`).

    Unlike `add_consolidation`, one cloud that knows no lobes. Raises ValueError for an impossible
    severity or side.
    """
    amount = check_severity(severity)
    rng = finding_rng(patient, "pneumonia", seed)
    main = choose_side(side, rng)
    if rng.random() < 0.5:
        parts = _lobar(patient, main, amount, rng)
    else:
        parts = _patchy(patient, main, amount, rng)
        if side is None and amount > 0.35:
            parts += _patchy(patient, "left" if main == "right" else "right", 0.7 * amount, rng)
    return patient.with_finding(Finding("pneumonia", amount, main, tuple(parts), 4.0))


def _lobar(patient: Patient, side: str, amount: float, rng: Rng) -> list[Part]:
    """One lobe, filled up to its fissures."""
    name = str(rng.choice([lobe for lobe in LOBES if lobe.startswith(side)]))
    zone, borders = LOBES[name]
    centre = _place_in_lobe(patient, side, zone, borders, rng)
    reach = (24 + 34 * amount) * patient.body.scale
    acini = cloud(patient, side, centre, reach, int(70 + 190 * amount), rng, (1.0, 0.9, 0.8))
    for fissure, above in borders:
        normal, point = fissure_plane(patient.body, fissure)
        # Acini whose middle lies beyond the fissure are gone, the others end at it.
        acini = acini[above * ((acini.centre - point) @ normal) > 0]
        acini = cut(acini, -above * normal, point)
    return [Part(f"{name} pneumonia", "soft_tissue", "lung", acini, 0.14 + 0.15 * amount)]


def _place_in_lobe(
    patient: Patient, side: str, zone: tuple[float, float],
    borders: tuple[tuple[str, int], ...], rng: Rng,
) -> Array:  # fmt: skip
    """(3,) mm: a place between the fissures, not far from one of them."""
    places = points_in_lung(patient, side, rng, 60, 10, zone)
    depth = np.full(len(places), np.inf)
    for fissure, above in borders:
        normal, point = fissure_plane(patient.body, fissure)
        depth = np.minimum(depth, above * ((places - point) @ normal))
    return np.asarray(places[np.abs(depth - 14).argmin()])


def _patchy(patient: Patient, side: str, amount: float, rng: Rng) -> list[Part]:
    """Small patches scattered along the airways, and thick airway walls among them."""
    foci = points_in_lung(patient, side, rng, 3 + int(6 * amount), 10, (0.05, 0.72))
    clouds = [cloud(patient, side, place, 9 + 13 * rng.random() * (0.4 + amount),
                    int(8 + 16 * amount), rng) for place in foci]  # fmt: skip
    lines = strands(foci, foci + 14 * rng.normal(size=foci.shape), (0.9, 1.6), rng)
    keep = lung_shape(patient, side).inside(lines.centre)
    keep[0] = True
    return [
        Part(
            f"{side} bronchopneumonia", "soft_tissue", "lung", join(*clouds), 0.14 + 0.14 * amount
        ),
        Part(f"{side} thick airways", "soft_tissue", "lung", lines[keep]),
    ]


def add_infiltration(
    patient: Patient, severity: float = 0.5, side: str | None = None, seed: int = 0
) -> Patient:
    """An ill-defined haze, neither solid nor linear, often in both lower zones: what reports call
    "infiltration". Raises ValueError for an impossible severity or side."""
    amount = check_severity(severity)
    rng = finding_rng(patient, "infiltration", seed)
    main = choose_side(side, rng)
    both = side is None and rng.random() < 0.5
    parts = []
    for one in ("right", "left") if both else (main,):
        haze: list[Pieces] = []
        for place in points_in_lung(patient, one, rng, 2 + int(2.5 * amount), 12, (0.05, 0.65)):
            haze.append(cloud(patient, one, place, 30 + 22 * amount, int(26 + 44 * amount), rng))
        parts.append(
            Part(f"{one} infiltrate", "soft_tissue", "lung", join(*haze), 0.08 + 0.09 * amount)
        )
    label = None if both else main
    return patient.with_finding(Finding("infiltration", amount, label, tuple(parts), 4.5))
