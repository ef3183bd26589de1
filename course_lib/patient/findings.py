"""All findings by name. Each takes a patient and returns one that has the finding as well.

    ill = FINDINGS["pneumothorax"](patient, severity=0.4, side="left", seed=1)

Severity runs from 0 (barely visible) to 1 (extreme). A new finding is one function and one entry.
"""

from __future__ import annotations

from collections.abc import Callable

from course_lib.patient.pathology.chronic import add_emphysema, add_fibrosis
from course_lib.patient.pathology.devices import add_support_device
from course_lib.patient.pathology.edema import add_edema
from course_lib.patient.pathology.focal import add_mass, add_nodule
from course_lib.patient.pathology.fracture import add_rib_fracture
from course_lib.patient.pathology.free_air import add_pneumoperitoneum
from course_lib.patient.pathology.heart import add_cardiomegaly
from course_lib.patient.pathology.lung import (
    add_atelectasis,
    add_consolidation,
    add_interstitial_opacity,
)
from course_lib.patient.pathology.mediastinum import add_hernia, add_mediastinal_widening
from course_lib.patient.pathology.pleura import add_pleural_effusion, add_pneumothorax
from course_lib.patient.pathology.pleura_scars import (
    add_pleural_calcification,
    add_pleural_thickening,
)
from course_lib.patient.pathology.pneumonia import add_infiltration, add_pneumonia
from course_lib.patient.pathology.tuberculosis import (
    add_active_tuberculosis,
    add_advanced_tuberculosis,
)
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
    "pneumoperitoneum": add_pneumoperitoneum,
    "mediastinal_widening": add_mediastinal_widening,
    "active_tuberculosis": add_active_tuberculosis,
    "advanced_tuberculosis": add_advanced_tuberculosis,
    "pleural_calcification": add_pleural_calcification,
    "pneumonia": add_pneumonia,
    "edema": add_edema,
    "rib_fracture": add_rib_fracture,
    "emphysema": add_emphysema,
    "fibrosis": add_fibrosis,
    "hernia": add_hernia,
    "infiltration": add_infiltration,
    "pleural_thickening": add_pleural_thickening,
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
