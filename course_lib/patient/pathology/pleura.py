"""Fluid and air between lung and chest wall."""

from __future__ import annotations

import numpy as np

from course_lib.patient.body import SIDES
from course_lib.patient.pathology.placing import (
    check_severity,
    choose_side,
    finding_rng,
    lung_shape,
    without_vessels,
)
from course_lib.patient.person import Finding, Patient
from course_lib.patient.solids import (
    Compound,
    Part,
    Pieces,
    cut,
    ellipsoids,
    grow,
    join,
)


def add_pleural_effusion(
    patient: Patient, severity: float = 0.5, side: str | None = None, seed: int = 0
) -> Patient:
    """Fluid that collects below: blunted angle, then a meniscus that climbs the lateral wall."""
    amount = check_severity(severity)
    rng = finding_rng(patient, "pleural_effusion", seed)
    side = choose_side(side, rng)
    fluid = fluid_below(patient, side, 140 * amount**1.2 + 8)
    part = Part(f"{side} pleural fluid", "water", "lung", fluid)
    finding = Finding("pleural_effusion", amount, side, (part,), threshold_mm=6.0)
    return patient.with_finding(finding, without_vessels(patient, side, fluid))


def fluid_below(patient: Patient, side: str, height: float) -> Compound:
    """Fluid at the bottom of one side of the chest, up to about `height` mm above the angle."""
    shape = lung_shape(patient, side)
    assert shape.minus is not None
    level = patient.body.dome(side) - 34 + height * patient.body.scale
    return Compound(shape.union, minus=join(shape.minus, _floating_lung(patient, side, level)))


def _floating_lung(patient: Patient, side: str, level: float) -> Pieces:
    """The lung above the fluid: a rounded bottom, and everything higher up."""
    body = patient.body
    climb = 62 * body.scale
    section = body.wall(side, np.full(3, level + climb), np.array([0.0, 90.0, 180.0]), 0.0)
    # Off centre: the fluid stands higher at the side than towards the heart.
    centre_x = 0.30 * section[1, 0]
    middle = np.array([centre_x, section[[0, 2], 1].mean(), level + climb])
    wide = abs(section[1, 0] - centre_x) * 1.02
    deep = 0.5 * abs(section[0, 1] - section[2, 1]) * 1.02
    bottom = ellipsoids(middle, [max(wide, 1), max(deep, 1), climb])
    above = cut(ellipsoids(middle, [400, 400, 400]), [0, 0, -1], middle)
    return join(bottom, above)


def add_pneumothorax(
    patient: Patient, severity: float = 0.5, side: str | None = None, seed: int = 0
) -> Patient:
    """Air between lung and chest wall: a fine pleural line with no vessels beyond it."""
    amount = check_severity(severity)
    rng = finding_rng(patient, "pneumothorax", seed)
    side = choose_side(side, rng)
    shape = lung_shape(patient, side)
    assert shape.minus is not None
    collapsed = _collapsed_lung(patient, side, amount)
    gap = Compound(shape.union, minus=join(shape.minus, collapsed))
    skin = Compound(grow(collapsed, 1.1), within=shape.union, minus=join(shape.minus, collapsed))
    denser = Compound(collapsed, within=shape.union, minus=shape.minus)
    parts = (
        Part(f"{side} pleural air", "air", "lung", gap),
        Part(f"{side} visceral pleura", "soft_tissue", "air", skin),
        Part(
            f"{side} collapsed lung",
            "soft_tissue",
            "lung",
            denser,
            fraction=0.02 + 0.16 * amount**1.5,
        ),
    )
    finding = Finding("pneumothorax", amount, side, parts, 35.0, outline=parts[:1])
    return patient.with_finding(finding, without_vessels(patient, side, gap))


def _collapsed_lung(patient: Patient, side: str, amount: float) -> Pieces:
    """The lung's envelope, shrunk towards the hilum and sagging."""
    body, box = patient.body, patient.body.lung_box(side)
    # Hardly any air in front and behind: the pleural line is where the gap begins.
    keep = np.array([1 - 0.06 - 0.42 * amount, 1.0 - 0.06 * amount, 1 - 0.035 - 0.26 * amount])
    hilum = np.array([SIDES[side] * 0.12 * body.half_width, 6.0, box.centre[0, 2]])
    centre = hilum + keep * (box.centre - hilum)
    shape = box.shape / keep[None, None, :]
    return Pieces(centre, shape, box.normals, box.offsets, box.half * keep, box.radius)
