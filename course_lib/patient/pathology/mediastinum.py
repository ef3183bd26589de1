"""A mediastinum that is too wide, and a stomach that lies in it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from course_lib.patient.body import SIDES
from course_lib.patient.pathology.placing import (
    Rng,
    check_severity,
    choose_side,
    finding_rng,
    lung_shape,
    without_vessels,
)
from course_lib.patient.person import Finding, Patient
from course_lib.patient.skeleton import spine_line
from course_lib.patient.solids import Compound, Part, Pieces, chains, cut, ellipsoids, join


def add_mediastinal_widening(
    patient: Patient, severity: float = 0.5, side: str | None = None, seed: int = 0
) -> Patient:
    """A broad upper mediastinum: lumpy lymph nodes, a smooth haematoma, or a dilated aorta.

    Which of the three is drawn from the seed. Without `side` nodes and haematoma widen both
    sides and the aorta mostly the left. Raises ValueError for an impossible severity or side.
    """
    amount = check_severity(severity)
    rng = finding_rng(patient, "mediastinal_widening", seed)
    if side is not None:
        choose_side(side, rng)
    kind = rng.choice(["nodes", "haematoma", "aorta"], p=[0.4, 0.3, 0.3])
    where = tuple(SIDES) if side is None else (side,)
    makers = {"nodes": _nodes, "haematoma": _haematoma, "aorta": _wide_aorta}
    tissue = "blood" if kind == "aorta" else "soft_tissue"
    parts = []
    for one in where:
        shape = lung_shape(patient, one)
        solid = Compound(makers[kind](patient, one, amount, rng), minus=shape.minus)
        parts.append(Part(f"{one} mediastinal {kind}", tissue, "lung", solid))
        patient = replace(patient, parts=without_vessels(patient, one, solid))
    return patient.with_finding(Finding("mediastinal_widening", amount, side, tuple(parts), 5.0))


def _nodes(patient: Patient, side: str, amount: float, rng: Rng) -> Pieces:
    """Enlarged lymph nodes beside windpipe and great vessels, down to the hilum."""
    s, count = patient.body.scale, 7
    z = np.linspace(-22, 74, count) * s + 5 * rng.normal(size=count)
    bulge = (5 + 24 * amount) * rng.uniform(0.45, 1.0, count) * s
    edge = np.interp(z, np.array([-30, 10, 40, 80]) * s, np.array([30, 36, 33, 25]) * s)
    if side == "left":
        edge = edge + 4 * s
    x = SIDES[side] * (edge + bulge - 22 * s)
    y = rng.uniform(-30, 6, count)
    semi = np.stack(
        [np.full(count, 22 * s), rng.uniform(16, 24, count), rng.uniform(13, 24, count)]
    )
    return ellipsoids(np.stack([x, y, z], 1), semi.T)


def _haematoma(patient: Patient, side: str, amount: float, rng: Rng) -> Pieces:
    """Blood that spread along the great vessels: one smooth, straight edge."""
    s, sign = patient.body.scale, SIDES[side]
    wide = (30 + 30 * amount * rng.uniform(0.8, 1.1) + (5 if side == "left" else 0)) * s
    centres = np.array([[6 * sign, -6, 30 * s], [4 * sign, -4, 62 * s], [8 * sign, -4, -6 * s]])
    semi = np.array([[wide, 34, 58 * s], [0.82 * wide, 24, 40 * s], [0.9 * wide, 30, 42 * s]])
    return ellipsoids(centres, semi)


def _wide_aorta(patient: Patient, side: str, amount: float, rng: Rng) -> Pieces:
    """An aneurysm: on the left the arch and the descending aorta, on the right the ascending."""
    body, s = patient.body, patient.body.scale * patient.body.aorta_scale
    more = (1 + 24 * amount) * rng.uniform(0.85, 1.15) * s
    if side == "right":
        return ellipsoids([-8 * s, -24, 2 * s], [22 * s + more, 30 * s + 0.4 * more, 44 * s + more])
    arch = ellipsoids(
        [20 * s, 14, 14 * s], [21 * s + more, 30 * s + 0.5 * more, 24 * s + 0.8 * more]
    )
    z = np.linspace(10.0, -150.0, 9) * body.scale
    line = spine_line(body, z) + [19 * s, -12, 0]
    return join(arch, chains(line, np.linspace(12 * s + 0.7 * more, 11 * s, 9)))


def add_hernia(
    patient: Patient, severity: float = 0.5, side: str | None = None, seed: int = 0
) -> Patient:
    """A hiatal hernia: a round shadow behind the heart with a level between gas and fluid.

    `side`: where it bulges from the midline, mostly to the left when None. Raises ValueError for
    an impossible severity or side.
    """
    amount = check_severity(severity)
    rng = finding_rng(patient, "hernia", seed)
    drawn = choose_side(side, rng)
    where = side or ("left" if rng.random() < 0.75 else drawn)
    s, radius = patient.body.scale, (15 + 27 * amount) * patient.body.scale
    x = SIDES[where] * rng.uniform(0.35, 0.65) * radius + 6 * s
    low = min(patient.body.left_dome, patient.body.right_dome)
    centre = np.array([x, 18.0, low + (12 + 3 * rng.normal()) * s + 0.75 * radius])
    semi = radius * np.array([1.0, 0.72, 0.85 * rng.uniform(0.9, 1.1)])
    sac, lumen = ellipsoids(centre, semi), ellipsoids(centre, semi - 3.0 * s)
    gas = cut(lumen, [0, 0, -1], centre + [0, 0, radius * rng.uniform(-0.25, 0.3)])
    parts = []
    for one in SIDES:  # outside the lungs there is soft tissue already
        half = cut(sac, [-SIDES[one], 0, 0], [0, 0, 0])
        outer = Compound(half, minus=lung_shape(patient, one).minus)
        parts.append(Part(f"{one} side of the hernia", "soft_tissue", "lung", outer))
        patient = replace(patient, parts=without_vessels(patient, one, outer))
    stomach = Part("herniated stomach", "muscle", "soft_tissue", sac)
    air = Part("gas in the hernia", "air", "soft_tissue", gas)
    finding = Finding("hernia", amount, where, (*parts, stomach, air), 6.0, (stomach,))
    return patient.with_finding(finding)
