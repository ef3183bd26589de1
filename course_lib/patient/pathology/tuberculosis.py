"""Tuberculosis: active disease, and the lung that it leaves destroyed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from course_lib.patient.body import SIDES
from course_lib.patient.lungs import hilum
from course_lib.patient.pathology.lung import raised_dome
from course_lib.patient.pathology.placing import (
    Rng,
    check_severity,
    choose_side,
    finding_rng,
    lung_shape,
    points_in_lung,
)
from course_lib.patient.pathology.pleura_scars import apical_cap
from course_lib.patient.pathology.shapes import (
    cloud,
    directions,
    fits_in_lung,
    lobulated,
    pulled,
    strands,
)
from course_lib.patient.person import Finding, Patient, part_named, swapped
from course_lib.patient.solids import Array, Compound, Part, Pieces, ellipsoids, grow, join

UPPER = (0.62, 0.93)  # where tuberculosis likes to be: share of the lung's height


def add_active_tuberculosis(
    patient: Patient, severity: float = 0.5, side: str | None = None, seed: int = 0
) -> Patient:
    """Patches in the upper lobe, cavities with a wall, and small nodules spread by the airways.

    Marked disease (above 0.6) seeds the other lung as well, unless `side` forbids it. Raises
    ValueError for an impossible severity or side.
    """
    amount = check_severity(severity)
    rng = finding_rng(patient, "active_tuberculosis", seed)
    main = choose_side(side, rng)
    parts = _active_lung(patient, main, amount, rng)
    if side is None and amount > 0.6:
        other = "left" if main == "right" else "right"
        parts += _active_lung(patient, other, 0.6 * (amount - 0.4), rng)
    finding = Finding("active_tuberculosis", amount, main, tuple(parts), threshold_mm=3.0)
    return patient.with_finding(finding)


def _active_lung(patient: Patient, side: str, amount: float, rng: Rng) -> list[Part]:
    """Patches, cavities and nodules of one lung."""
    foci = points_in_lung(patient, side, rng, 2 + int(4 * amount), 11, UPPER)
    patches = join(*(
        cloud(patient, side, focus, 10 + 15 * amount, int(13 + 26 * amount), rng) for focus in foci
    ))  # fmt: skip
    buds = buds_round(patient, side, foci, int(26 + 170 * amount), 24 + 26 * amount, rng)
    parts = [
        Part(f"{side} patches", "soft_tissue", "lung", patches, 0.16 + 0.15 * amount),
        Part(f"{side} tree-in-bud", "soft_tissue", "lung", buds),
    ]
    count = int(3.4 * max(amount - 0.25, 0) * rng.uniform(0.7, 1.3) + 0.3)
    for place in foci[:count]:
        parts += cavity(patient, side, place, 7 + 9 * amount * rng.random(), 2.4, rng)
    return parts


def buds_round(
    patient: Patient, side: str, foci: Array, count: int, reach: float, rng: Rng
) -> Pieces:
    """Nodules of 2 to 5 mm on short stalks in clusters, as where airways are filled."""
    stems = foci[rng.integers(len(foci), size=count // 4 + 1)]
    stems = stems + 0.7 * reach * rng.normal(size=stems.shape) * [1, 1, 1.1]
    stems = stems[lung_shape(patient, side).inside(stems)]
    if len(stems) == 0:
        stems = foci
    base = np.repeat(stems, 4, axis=0)
    tips = base + rng.uniform(3, 8, (len(base), 1)) * directions(rng, len(base))
    radius = rng.uniform(1.0, 2.3, len(tips))
    fits = fits_in_lung(lung_shape(patient, side), tips, radius)
    fits[0] = True  # never an empty batch
    bulbs = ellipsoids(tips[fits], radius[fits, None] * np.ones(3))
    return join(bulbs, strands(base[fits], tips[fits], (0.5, 0.8), rng))


def cavity(
    patient: Patient, side: str, place: Array, radius: float, wall: float, rng: Rng
) -> list[Part]:
    """A hole with a wall of about `wall` mm: air within a lumpy shell inside the lung."""
    shape = lung_shape(patient, side)
    lumen = lobulated(place, radius, 5, rng)
    shell = Compound(grow(lumen, wall), within=None, minus=join(lumen, *_limits(shape)))
    hole = Compound(lumen, minus=shape.minus)
    return [
        Part(f"{side} cavity wall", "soft_tissue", "lung", shell, 0.85),
        Part(f"{side} cavity", "air", "lung", hole),
    ]


def _limits(shape: Compound) -> tuple[Pieces, ...]:
    """What the lung leaves room for, as a tuple that may be empty."""
    return () if shape.minus is None else (shape.minus,)


def add_advanced_tuberculosis(
    patient: Patient, severity: float = 0.5, side: str | None = None, seed: int = 0
) -> Patient:
    """A destroyed lung: scars that pull hilum, windpipe and diaphragm up, calcified nodules,
    thick-walled cavities, and a thick apical pleura. The other lung has a few scars as well
    unless `side` is given. Raises ValueError for an impossible severity or side."""
    amount = check_severity(severity)
    rng = finding_rng(patient, "advanced_tuberculosis", seed)
    main = choose_side(side, rng)
    shrunk = raised_dome(patient, main, (2 + 20 * amount) * patient.body.scale)
    shrunk = _retracted(shrunk, main, amount)
    parts = _scarred_lung(shrunk, main, amount, rng)
    if side is None and amount > 0.3:
        other = "left" if main == "right" else "right"
        parts += _scarred_lung(shrunk, other, 0.5 * (amount - 0.25), rng)
    marks = tuple(part for part in parts if "pleural" not in part.name)
    finding = Finding("advanced_tuberculosis", amount, main, tuple(parts), 3.0, marks)
    return shrunk.with_finding(finding)


def _retracted(patient: Patient, side: str, amount: float) -> Patient:
    """Hilum drawn up, windpipe drawn to the side."""
    up = np.array([4.0 * SIDES[side], 0.0, 8 + 26 * amount]) * patient.body.scale
    aside = np.array([(3 + 13 * amount) * SIDES[side], 0.0, 0.0])
    apex = np.array([0.0, 0.0, 0.6 * patient.body.apex])
    vessels, trachea = part_named(patient, f"{side} lung vessels"), part_named(patient, "trachea")
    assert isinstance(vessels.geometry, Pieces) and isinstance(trachea.geometry, Pieces)
    place = hilum(patient.body, side)
    news = (
        replace(vessels, geometry=pulled(vessels.geometry, place, up, 46)),
        replace(trachea, geometry=pulled(trachea.geometry, apex, aside, 44)),
    )
    return replace(patient, parts=swapped(patient.parts, *news))


def _scarred_lung(patient: Patient, side: str, amount: float, rng: Rng) -> list[Part]:
    """Strands, dense lung, calcified nodules, cavities and a pleural cap in one lung."""
    foci = points_in_lung(patient, side, rng, 5, 12, (0.55, 0.95))
    root = hilum(patient.body, side)
    count = int(24 + 120 * amount)
    ends = foci[rng.integers(5, size=count)] + 13 * rng.normal(size=(count, 3))
    start = (
        root + (ends - root) * rng.uniform(0.1, 0.75, (count, 1)) + 7 * rng.normal(size=(count, 3))
    )
    inside = lung_shape(patient, side).inside
    keep = inside(ends) & inside(start)
    keep[0] = True
    bands = strands(start[keep], ends[keep], (0.8, 1.3 + 1.3 * amount), rng)
    dense = join(*(
        cloud(patient, side, focus, 8 + 24 * amount, int(8 + 44 * amount), rng)
        for focus in foci[:4]
    ))  # fmt: skip
    stones = points_in_lung(patient, side, rng, int(5 + 22 * amount), 5, (0.45, 0.95))
    chalk = ellipsoids(stones, rng.uniform(0.8, 1.6 + 1.4 * amount, (len(stones), 3)))
    cap = apical_cap(patient, side, 3 + 17 * amount)
    parts = [
        Part(f"{side} scars", "soft_tissue", "lung", bands),
        Part(f"{side} shrunken lung", "soft_tissue", "lung", dense, 0.10 + 0.22 * amount),
        Part(f"{side} calcified nodules", "calcification", "lung", chalk, 0.45),
        Part(f"{side} pleural cap", "soft_tissue", "lung", cap, 0.9),
    ]
    for place in foci[: int(2.9 * amount)]:
        parts += cavity(patient, side, place, 9 + 11 * amount * rng.random(), 4.5, rng)
    return parts
