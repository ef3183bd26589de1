"""Nodules and masses."""

from __future__ import annotations

import numpy as np

from course_lib.patient.pathology.placing import (
    Rng,
    check_severity,
    choose_side,
    finding_rng,
    points_in_lung,
)
from course_lib.patient.pathology.shapes import lobulated
from course_lib.patient.person import Finding, Patient
from course_lib.patient.solids import Compound, Part, Pieces, chains, grow


def add_nodule(
    patient: Patient, severity: float = 0.5, side: str | None = None, seed: int = 0
) -> Patient:
    """A rounded opacity of 7 to 29 mm in the lung."""
    amount = check_severity(severity)
    rng = finding_rng(patient, "nodule", seed)
    side = choose_side(side, rng)
    radius = 3.5 + 11 * amount
    centre = points_in_lung(patient, side, rng, 1, radius + 4, (0.15, 0.92))[0]
    core = lobulated(centre, radius, 4, rng)
    rim = Compound(grow(core, 0.22 * radius), minus=core)
    parts = (
        Part(f"{side} nodule", "soft_tissue", "lung", Compound(core)),
        Part(f"{side} nodule rim", "soft_tissue", "lung", rim, fraction=0.35),
    )
    return patient.with_finding(Finding("nodule", amount, side, parts, threshold_mm=1.5))


def add_mass(
    patient: Patient, severity: float = 0.5, side: str | None = None, seed: int = 0
) -> Patient:
    """A lobulated, spiculated opacity of more than 30 mm."""
    amount = check_severity(severity)
    rng = finding_rng(patient, "mass", seed)
    side = choose_side(side, rng)
    radius = 17 + 20 * amount
    centre = points_in_lung(patient, side, rng, 1, 0.72 * radius, (0.15, 0.9))[0]
    core = lobulated(centre, radius, 8, rng)
    rim = Compound(grow(core, 0.12 * radius), minus=core)
    parts = (
        Part(f"{side} mass", "soft_tissue", "lung", Compound(core)),
        Part(f"{side} mass rim", "soft_tissue", "lung", rim, fraction=0.3),
        Part(
            f"{side} mass spicules",
            "soft_tissue",
            "lung",
            _spicules(centre, radius, rng),
        ),
    )
    return patient.with_finding(Finding("mass", amount, side, parts, 3.0, outline=parts[:2]))


def _spicules(centre: np.ndarray, radius: float, rng: Rng) -> Pieces:
    """Fine strands that radiate into the lung."""
    way = rng.normal(size=(28, 3))
    way /= np.linalg.norm(way, axis=1, keepdims=True)
    reach = np.linspace(0.75, 1.0, 4)[None, :, None] * np.ones((28, 1, 1))
    reach[:, 1:] += rng.uniform(0, 0.4, (28, 1, 1)) * np.linspace(0.3, 1, 3)[None, :, None]
    wobble = 0.03 * radius * rng.normal(size=(28, 4, 3))
    points = centre + radius * reach * way[:, None] + wobble
    return chains(points, np.array([1.1, 0.8, 0.5, 0.3]) * (0.6 + radius / 40))
