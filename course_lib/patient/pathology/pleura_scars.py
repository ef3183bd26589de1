"""Old disease of the pleura: chalk and thick scars."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from course_lib.patient.body import SIDES
from course_lib.patient.pathology.free_air import dome_of
from course_lib.patient.pathology.placing import (
    Rng,
    check_severity,
    choose_side,
    finding_rng,
    lung_shape,
)
from course_lib.patient.person import Finding, Patient
from course_lib.patient.solids import (
    Array,
    Compound,
    Part,
    Pieces,
    cut,
    ellipsoids,
    grow,
    join,
)

CHALK = 0.45  # share of pure mineral in a plaque


def add_pleural_calcification(
    patient: Patient, severity: float = 0.5, side: str | None = None, seed: int = 0
) -> Patient:
    """Plaques of chalk along ribs and diaphragm: a dense line where the beam grazes them, a
    geographic pattern where it meets them squarely. Both sides in half of the marked cases unless
    `side` is given. Raises ValueError for an impossible severity or side."""
    amount = check_severity(severity)
    rng = finding_rng(patient, "pleural_calcification", seed)
    main = choose_side(side, rng)
    both = side is None and rng.random() < amount
    parts: list[Part] = []
    for one in ("right", "left") if both else (main,):
        parts += _plaques(patient, one, amount, rng)
    label = None if both else main
    finding = Finding("pleural_calcification", amount, label, tuple(parts), threshold_mm=0.8)
    return patient.with_finding(finding)


def _plaques(patient: Patient, side: str, amount: float, rng: Rng) -> list[Part]:
    """Plaques on the ribs' side and, in two of three patients, on the diaphragm."""
    shape, body = lung_shape(patient, side), patient.body
    wall = shape.union[:1]
    thick = (1.9 + 2.6 * amount) * body.scale
    count = 4 + int(9 * amount)
    low, high = body.dome(side) + 6, body.dome(side) + 0.55 * body.lung_height
    angle = np.where(
        rng.random(count) < 0.5, rng.uniform(78, 102, count), rng.uniform(35, 150, count)
    )
    angle[0] = rng.uniform(80, 100)
    places = body.wall(side, rng.uniform(low, high, count), angle, 0.0)
    patch = _patches(places, (9 + 16 * amount) * body.scale, rng)
    minus = join(grow(wall, -thick), *([] if shape.minus is None else [shape.minus]))
    sheet = Compound(patch, within=wall, minus=minus)
    parts = [Part(f"{side} pleural plaques", "calcification", "lung", sheet, CHALK)]
    if rng.random() < 0.67:
        dome = dome_of(patient, side)
        top = dome.centre[0] + rng.uniform(-0.3, 0.5) * dome.half[0] * [1, 0.4, 0]
        top[2] = dome.centre[0, 2] + dome.half[0, 2]
        flat = _patches(top[None], (11 + 17 * amount) * body.scale, rng)
        sheet = Compound(flat, within=grow(dome, thick), minus=dome)
        parts.append(Part(f"{side} diaphragmatic plaque", "calcification", "lung", sheet, CHALK))
    return parts


def _patches(places: Array, size: float, rng: Rng) -> Pieces:
    """Irregular blobs of about `size` mm round each of the (N, 3) places."""
    centre = np.repeat(places, 5, axis=0)
    centre = centre + 0.7 * size * rng.normal(size=centre.shape) * [0.5, 1, 1]
    return ellipsoids(centre, size * rng.uniform(0.25, 0.75, centre.shape))


def add_pleural_thickening(
    patient: Patient, severity: float = 0.5, side: str | None = None, seed: int = 0
) -> Patient:
    """A scarred pleura of up to 13 mm: along the lower wall with a filled angle, or over the apex.

    Raises ValueError for an impossible severity or side.
    """
    amount = check_severity(severity)
    rng = finding_rng(patient, "pleural_thickening", seed)
    main = choose_side(side, rng)
    body, thick = patient.body, (2.2 + 11 * amount) * patient.body.scale
    apical = rng.random() < 0.35
    if apical:
        solid = apical_cap(patient, main, 1.6 * thick)
    else:
        start = body.dome(main) + rng.uniform(0.35, 0.75) * body.lung_height
        solid = _lower_rind(patient, main, thick, start)
    rind = Part(f"{main} pleural thickening", "soft_tissue", "lung", solid, 0.95)
    finding = Finding("pleural_thickening", amount, main, (rind,), 7.0)
    return patient.with_finding(finding)


def _lower_rind(patient: Patient, side: str, thick: float, start: float) -> Compound:
    """A rind that grows from nothing at height `start` (z, mm) to `thick` mm at the diaphragm.

    The lung that is left leans away from the wall: the envelope, sheared.
    """
    shape, low = lung_shape(patient, side), patient.body.dome(side) - 20
    lean = SIDES[side] * thick / (start - low)
    change = np.eye(3)
    change[0, 2] = lean
    back, union = np.linalg.inv(change), shape.union
    shift = lean * (union.centre[:, 2:] - start) * [1.0, 0.0, 0.0]
    left = replace(
        union,
        centre=union.centre + shift,
        shape=union.shape @ back,
        normals=union.normals @ back,
        half=union.half @ np.abs(change).T,
    )
    below = cut(ellipsoids([0.0, 0.0, start], [600.0, 600.0, 600.0]), [0, 0, 1], [0, 0, start])
    return Compound(union, below, join(left, *([] if shape.minus is None else [shape.minus])))


def apical_cap(patient: Patient, side: str, thick: float) -> Compound:
    """Thick pleura over the apex, `thick` mm at the top and tapering down the wall."""
    shape = lung_shape(patient, side)
    lower = replace(shape.union, centre=shape.union.centre - [0, 0, thick])
    return Compound(shape.union, minus=join(lower, *([] if shape.minus is None else [shape.minus])))
