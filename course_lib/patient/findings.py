"""All findings by name. Each takes a patient and returns one that has the finding as well.

    ill = FINDINGS["pneumothorax"](patient, severity=0.4, side="left", seed=1)

Severity runs from 0 (barely visible) to 1 (extreme). A new finding is one function and one entry.
"""

from __future__ import annotations

from collections.abc import Callable

from course_lib.patient.pathology.devices import add_support_device
from course_lib.patient.pathology.focal import add_mass, add_nodule
from course_lib.patient.pathology.heart import add_cardiomegaly
from course_lib.patient.pathology.lung import (
    add_atelectasis,
    add_consolidation,
    add_interstitial_opacity,
)
from course_lib.patient.pathology.pleura import add_pleural_effusion, add_pneumothorax
from course_lib.patient.person import Patient

FINDINGS: dict[str, Callable[..., Patient]] = {
    "cardiomegaly": add_cardiomegaly,
    "pleural_effusion": add_pleural_effusion,
    "pneumothorax": add_pneumothorax,
    "nodule": add_nodule,
    "mass": add_mass,
    "consolidation": add_consolidation,
    "atelectasis": add_atelectasis,
    "interstitial_opacity": add_interstitial_opacity,
    "support_device": add_support_device,
}


def add_finding(
    patient: Patient,
    name: str,
    severity: float = 0.5,
    side: str | None = None,
    seed: int = 0,
) -> Patient:
    """Add the finding called `name`; ValueError lists the known ones when there is none such."""
    if name not in FINDINGS:
        raise ValueError(f"Unknown finding {name!r}; known are: {', '.join(FINDINGS)}.")
    return FINDINGS[name](patient, severity=severity, side=side, seed=seed)
