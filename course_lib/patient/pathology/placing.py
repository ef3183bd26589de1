"""Shared by all findings: severity, side, and places inside a lung."""

from __future__ import annotations

import numpy as np

from course_lib.patient.body import SIDES
from course_lib.patient.person import Patient, part_named, swapped
from course_lib.patient.solids import Compound, Part, Pieces, grow

Rng = np.random.Generator


def check_severity(severity: float) -> float:
    """The severity as a float; ValueError outside 0 (barely there) to 1 (extreme)."""
    if not 0 <= severity <= 1:
        raise ValueError(f"Severity must lie between 0 and 1, got {severity:g}.")
    return float(severity)


def finding_rng(patient: Patient, name: str, seed: int) -> Rng:
    """Random numbers of one finding: they depend on patient, finding and seed only."""
    return np.random.default_rng([patient.seed, seed, *name.encode()])


def choose_side(side: str | None, rng: Rng) -> str:
    """'right' or 'left', drawn when None; ValueError for anything else."""
    drawn = "right" if rng.random() < 0.55 else "left"
    if side is None:
        return drawn
    if side not in SIDES:
        raise ValueError(f"Side must be 'right' or 'left', got {side!r}.")
    return side


def lung_shape(patient: Patient, side: str) -> Compound:
    """The lung of one side, as it is in this patient."""
    geometry = part_named(patient, f"{side} lung").geometry
    assert isinstance(geometry, Compound)
    return geometry


def points_in_lung(
    patient: Patient,
    side: str,
    rng: Rng,
    count: int,
    margin: float = 0.0,
    zone: tuple[float, float] = (0.0, 1.0),
) -> np.ndarray:
    """(count, 3) points in a lung, `margin` mm from its surface, between two heights.

    zone runs from 0 (diaphragm) to 1 (apex). Raises ValueError when the lung has no such place.
    """
    shape, body = lung_shape(patient, side), patient.body
    assert shape.minus is not None
    inner = Compound(grow(shape.union, -margin), minus=grow(shape.minus, margin))
    floor = body.dome(side) - 25
    low, high = (floor + f * (body.apex - floor) for f in zone)
    found: list[np.ndarray] = []
    for _ in range(60):
        tries = shape.union.centre[0] + shape.union.half[0] * rng.uniform(-1, 1, (400, 3))
        tries[:, 2] = rng.uniform(low, high, 400)
        found.append(tries[inner.inside(tries)])
        if sum(map(len, found)) >= count:
            return np.concatenate(found)[:count]
    raise ValueError(f"No room in the {side} lung {margin:g} mm from its surface.")


def without_vessels(patient: Patient, side: str, gone: Compound) -> tuple[Part, ...]:
    """The patient's parts, without the lung vessels of one side that lie in `gone`."""
    part = part_named(patient, f"{side} lung vessels")
    assert isinstance(part.geometry, Pieces)
    kept = part.geometry[~gone.inside(part.geometry.centre)]
    return swapped(patient.parts, Part(part.name, part.tissue, part.displaces, kept))
