"""Patients who do not keep still: the same person with another breath or heart phase.

Every position is a complete, exact patient, so that a scanner that takes its time sees each view
of another one.
"""

from __future__ import annotations

from dataclasses import replace

from course_lib.patient.body import Body
from course_lib.patient.person import Patient, anatomy

# A full breath moves the diaphragm by this share of the lungs' height (see `body.sample_body`).
DOME_TRAVEL = 0.17


def breathed(patient: Patient, inspiration: float) -> Patient:
    """The healthy patient at another point of the breath, 0 (out) to 1 (in).

    Diaphragm, heart and ribs follow; findings are refused, as they would stay where they are.
    Raises ValueError for other values and for patients with findings.
    """
    if not 0 <= inspiration <= 1:
        raise ValueError(f"Inspiration runs from 0 to 1, got {inspiration:g}.")
    old = patient.body
    rise = DOME_TRAVEL * old.lung_height * (old.inspiration - inspiration)
    body = replace(
        old, inspiration=inspiration,
        right_dome=old.right_dome + rise, left_dome=old.left_dome + rise,
    )  # fmt: skip
    return _rebuilt(patient, body)


def contracted(patient: Patient, share: float) -> Patient:
    """The healthy patient with the heart narrower by `share` (0.1: 10 %), as in systole.

    Raises ValueError for a share outside 0 to 0.5 and for patients with findings.
    """
    if not 0 <= share <= 0.5:
        raise ValueError(f"A heart contracts by a share of 0 to 0.5, got {share:g}.")
    old = patient.body
    return _rebuilt(patient, replace(old, heart_scale=old.heart_scale * (1 - share)))


def _rebuilt(patient: Patient, body: Body) -> Patient:
    """A patient of these proportions: all organs find their new places."""
    if patient.findings:
        raise ValueError("Only patients without findings can move: findings would stay in place.")
    return replace(patient, body=body, parts=anatomy(body))
