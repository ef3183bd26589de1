"""A heart that is too large."""

from __future__ import annotations

from dataclasses import replace

from course_lib.patient.body import SIDES
from course_lib.patient.heart import heart_parts
from course_lib.patient.lungs import lung
from course_lib.patient.pathology.placing import check_severity
from course_lib.patient.person import Finding, Patient, part_named, swapped
from course_lib.patient.solids import Part, Pieces


def add_cardiomegaly(
    patient: Patient, severity: float = 0.5, side: str | None = None, seed: int = 0
) -> Patient:
    """Enlarge the heart, mostly to the left: the cardiothoracic ratio exceeds one half.

    The lungs really give way. `side` and `seed` are accepted for a uniform call and not used.
    """
    amount = check_severity(severity)
    body = replace(
        patient.body,
        heart_scale=max(patient.body.heart_scale, 1.0) * (1.18 + 0.42 * amount),
        heart_tilt=patient.body.heart_tilt + 8 * amount,
    )
    heart = heart_parts(body)[0]
    parts = swapped(patient.parts, heart, *lungs_making_room(patient, body))
    finding = Finding("cardiomegaly", amount, None, (), threshold_mm=8.0, outline=(heart,))
    return replace(patient, body=body).with_finding(finding, parts)


def lungs_making_room(patient: Patient, body) -> list[Part]:  # type: ignore[no-untyped-def]
    """New lungs round the new heart; vessels that it covers are gone."""
    parts = []
    for side in SIDES:
        shape = lung(body, side)
        vessels = part_named(patient, f"{side} lung vessels")
        assert isinstance(vessels.geometry, Pieces)
        kept = vessels.geometry[shape.inside(vessels.geometry.centre)]
        parts.append(Part(f"{side} lung", "lung", "soft_tissue", shape))
        parts.append(Part(vessels.name, "blood", "lung", kept))
    return parts
