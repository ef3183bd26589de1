"""Free air in the abdomen."""

from __future__ import annotations

import numpy as np

from course_lib.patient.abdomen import diaphragm
from course_lib.patient.body import SIDES
from course_lib.patient.pathology.placing import (
    check_severity,
    choose_side,
    finding_rng,
    lung_shape,
)
from course_lib.patient.person import Finding, Patient
from course_lib.patient.solids import Compound, Part, Pieces, ellipsoids, grow, join, rotation

MUSCLE_MM = 2.8  # thickness of the diaphragm: the white line between lung and free air


def add_pneumoperitoneum(
    patient: Patient, severity: float = 0.5, side: str | None = None, seed: int = 0
) -> Patient:
    """Air between diaphragm and liver: a dark crescent under the dome of a patient who stands.

    From a line of 3 mm to a sickle of 23 mm. Without `side` it lies on the right, and on both
    sides in half of the marked cases. Raises ValueError for a severity outside 0 to 1 or a side
    that does not exist.
    """
    amount = check_severity(severity)
    rng = finding_rng(patient, "pneumoperitoneum", seed)
    first = choose_side(side, rng)
    both = side is None and rng.random() < 0.15 + 0.6 * amount
    where = tuple(SIDES) if both else (first if side else "right",)
    parts = []
    for one in where:
        thick = (3.2 + 20 * amount**1.3) * (1.0 if one == where[0] else 0.65)
        wide = (36 + 30 * amount) * rng.uniform(0.85, 1.15)
        air = _crescent(patient, one, thick, wide)
        parts.append(Part(f"{one} free air", "air", "soft_tissue", air))
    label = None if both else where[0]
    return patient.with_finding(Finding("pneumoperitoneum", amount, label, tuple(parts), 8.0))


def _crescent(patient: Patient, side: str, thick: float, wide: float) -> Compound:
    """What lies under the diaphragm and above the organs, which sank by `thick` mm.

    The organs' top is flatter than the dome, so the crescent closes about `wide` mm from its
    middle.
    """
    dome = dome_of(patient, side)
    under = grow(dome, -MUSCLE_MM)
    semi = 1 / np.linalg.norm(under.shape[0], axis=1)
    flatter = 1 / np.sqrt(np.maximum(1 / semi[:2] ** 2 - 2 * thick / (semi[2] * wide**2), 2e-6))
    turn = rotation(-9, 4 * SIDES[side])
    organs = ellipsoids(under.centre[0] - [0, 0, thick], [*flatter, semi[2]], turn)
    gas = [p.geometry for p in patient.parts if p.name in ("stomach gas", "colon gas")]
    hollow = [g.union if isinstance(g, Compound) else g for g in gas]
    return Compound(under, minus=join(organs, *hollow))


def dome_of(patient: Patient, side: str) -> Pieces:
    """One dome of the diaphragm, where it is in this patient: an atelectasis may have raised it."""
    usual = diaphragm(patient.body)[[list(SIDES).index(side)]]
    limits = lung_shape(patient, side).minus
    assert limits is not None
    alike = np.isclose(limits.shape, usual.shape, rtol=1e-9).all((1, 2))
    return limits[alike][:1] if alike.any() else usual
