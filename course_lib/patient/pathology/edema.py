"""Water in the lungs because the heart fails."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from course_lib.patient.body import SIDES
from course_lib.patient.heart import heart_parts
from course_lib.patient.lungs import hilum
from course_lib.patient.pathology.heart import lungs_making_room
from course_lib.patient.pathology.placing import (
    Rng,
    check_severity,
    choose_side,
    finding_rng,
    lung_shape,
    without_vessels,
)
from course_lib.patient.pathology.pleura import fluid_below
from course_lib.patient.pathology.shapes import cloud, fits_in_lung
from course_lib.patient.person import Finding, Patient, part_named, swapped
from course_lib.patient.solids import Part, Pieces, ellipsoids, rotation


def add_edema(
    patient: Patient, severity: float = 0.5, side: str | None = None, seed: int = 0
) -> Patient:
    """Cardiogenic edema: wide vessels above, a larger heart, Kerley's B lines at the bases, then a
    haze round both hila (bat's wings) and a little fluid in the angles.

    `side`: the lung that is worse (None: both alike; True edema has two sides). Raises ValueError
    for an impossible severity or side.
    """
    amount = check_severity(severity)
    rng = finding_rng(patient, "edema", seed)
    if side is not None:
        choose_side(side, rng)
    failing = _failing_heart(patient, amount)
    parts: list[Part] = []
    for one in SIDES if side is None else (side,):
        failing = _wide_upper_vessels(failing, one, amount)
        parts += [_bat_wing(failing, one, amount, rng), _kerley_lines(failing, one, amount, rng)]
        if amount > 0.5:
            fluid = fluid_below(failing, one, 14 * (amount - 0.4))
            parts.append(Part(f"{one} fluid in the angle", "water", "lung", fluid))
            failing = replace(failing, parts=without_vessels(failing, one, fluid))
    marks = tuple(part for part in parts if part.tissue == "soft_tissue")
    return failing.with_finding(Finding("edema", amount, side, tuple(parts), 3.5, marks))


def _failing_heart(patient: Patient, amount: float) -> Patient:
    """A wider heart, unless it is large already."""
    if "cardiomegaly" in patient.labels:
        return patient
    body = replace(patient.body, heart_scale=patient.body.heart_scale * (1.05 + 0.17 * amount))
    parts = swapped(patient.parts, heart_parts(body)[0], *lungs_making_room(patient, body))
    return replace(patient, body=body, parts=parts)


def _wide_upper_vessels(patient: Patient, side: str, amount: float) -> Patient:
    """Blood turns to the upper lobes: vessels above the hilum become wider than those below."""
    vessels = part_named(patient, f"{side} lung vessels")
    assert isinstance(vessels.geometry, Pieces)
    pieces, level = vessels.geometry, hilum(patient.body, side)[2]
    share = np.clip((pieces.centre[:, 2] - level) / 25, 0, 1)
    wider = 1 + (0.15 + 0.45 * amount) * share
    pieces = replace(
        pieces,
        shape=pieces.shape / wider[:, None, None],
        half=pieces.half * wider[:, None],
        radius=pieces.radius * wider,
    )
    return replace(patient, parts=swapped(patient.parts, replace(vessels, geometry=pieces)))


def _bat_wing(patient: Patient, side: str, amount: float, rng: Rng) -> Part:
    """A haze round the hilum that spares the lung's rim."""
    s, sign = patient.body.scale, SIDES[side]
    centre = hilum(patient.body, side) + np.array([22 * sign, 6, -14]) * s
    reach = (36 + 22 * amount) * s
    acini = cloud(patient, side, centre, reach, int(70 + 120 * amount), rng, (0.85, 0.9, 1.25))
    return Part(f"{side} haze", "soft_tissue", "lung", acini, 0.035 + 0.15 * amount**1.2)


def _kerley_lines(patient: Patient, side: str, amount: float, rng: Rng) -> Part:
    """Kerley's B lines: thickened septa, 1 to 2 cm long, at right angles to the lateral wall.

    Septa are sheets; those that the beam grazes are seen as lines.
    """
    body, count = patient.body, int(10 + 34 * amount)
    z = body.dome(side) + rng.uniform(-30, 70, count) * body.scale
    long = rng.uniform(5, 10, count)
    place = body.wall(side, z, rng.uniform(70, 112, count), 0.0)
    place[:, 0] -= SIDES[side] * (long + 0.5)
    semi = np.stack(
        [long, rng.uniform(4, 9, count), rng.uniform(0.35, 0.5 + 0.4 * amount, count)], 1
    )
    turn = np.stack([rotation(3 * a, 8 * b) for a, b in rng.normal(size=(count, 2))])
    keep = fits_in_lung(lung_shape(patient, side), place, np.full(count, 1.0))
    keep[0] = True
    return Part(f"{side} Kerley lines", "soft_tissue", "lung", ellipsoids(place, semi, turn)[keep])
