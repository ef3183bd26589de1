"""Lung that is filled, collapsed or scarred."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from course_lib.patient.lungs import lung
from course_lib.patient.pathology.placing import (
    Rng,
    check_severity,
    choose_side,
    finding_rng,
    lung_shape,
    points_in_lung,
)
from course_lib.patient.pathology.shapes import cloud
from course_lib.patient.person import Finding, Patient, part_named, swapped
from course_lib.patient.solids import (
    Compound,
    Part,
    Pieces,
    chains,
    ellipsoids,
    join,
    rotation,
    spline,
)


def add_consolidation(
    patient: Patient, severity: float = 0.5, side: str | None = None, seed: int = 0
) -> Patient:
    """Air spaces full of fluid: a fluffy opacity without volume loss, with air bronchograms."""
    amount = check_severity(severity)
    rng = finding_rng(patient, "consolidation", seed)
    side = choose_side(side, rng)
    zone = (0.05, 0.5) if rng.random() < 0.7 else (0.45, 0.9)
    centre = points_in_lung(patient, side, rng, 1, 14, zone)[0]
    reach = (26 + 34 * amount) * patient.body.scale
    acini = cloud(patient, side, centre, reach, int(120 + 260 * amount), rng)
    fraction = 0.17 + 0.10 * amount
    parts = (
        Part(f"{side} consolidation", "soft_tissue", "lung", acini, fraction),
        Part(
            f"{side} air bronchograms",
            "air",
            "soft_tissue",
            _bronchograms(centre, reach, rng),
            0.8,
        ),
    )
    return patient.with_finding(Finding("consolidation", amount, side, parts, 7.0, parts[:1]))


def _bronchograms(centre: np.ndarray, reach: float, rng: Rng) -> Pieces:
    """Branching airways that stay open in the filled lung."""
    inner = np.array([-np.sign(centre[0]) * 0.5 * reach, 4, 0.45 * reach])
    lines = []
    for _ in range(5):
        end = 0.6 * reach * rng.normal(size=3) * [0.8, 0.6, 0.8]
        lines.append(spline([centre + inner, centre + 0.3 * inner + 0.3 * end, centre + end], 6))
    return chains(np.stack(lines), np.linspace(2.2, 1.0, 6))


def add_atelectasis(
    patient: Patient, severity: float = 0.5, side: str | None = None, seed: int = 0
) -> Patient:
    """Collapsed lung: plates above a raised diaphragm, and crowded dense lung at the base."""
    amount = check_severity(severity)
    rng = finding_rng(patient, "atelectasis", seed)
    side = choose_side(side, rng)
    raised = raised_dome(patient, side, (5 + 26 * amount) * patient.body.scale)
    shape = lung_shape(raised, side)
    discs = _plates(raised, side, 1 + int(2.99 * amount), amount, rng)
    plates = Compound(discs, within=shape.union[:1], minus=shape.minus)
    centre = points_in_lung(raised, side, rng, 1, 8, (0.02, 0.22))[0]
    crowd = cloud(raised, side, centre, 16 + 14 * amount, int(25 + 50 * amount), rng)
    parts = (
        Part(f"{side} plate atelectasis", "soft_tissue", "lung", plates, 0.8),
        Part(f"{side} crowded lung", "soft_tissue", "lung", crowd, 0.06 + 0.12 * amount),
    )
    return raised.with_finding(Finding("atelectasis", amount, side, parts, threshold_mm=4.0))


def _plates(patient: Patient, side: str, count: int, amount: float, rng: Rng) -> Pieces:
    """Thin discs, nearly horizontal, so that a frontal film sees them edge-on as lines."""
    batches = []
    for centre in points_in_lung(patient, side, rng, count, 16, (0.1, 0.42)):
        semi = [
            rng.uniform(24, 40) + 14 * amount,
            rng.uniform(16, 30),
            1.6 + 2.6 * amount,
        ]
        batches.append(ellipsoids(centre, semi, rotation(4 * rng.normal(), 14 * rng.normal(), 0)))
    return join(*batches)


def raised_dome(patient: Patient, side: str, rise: float) -> Patient:
    """The patient with one half of the diaphragm `rise` mm higher and the lung smaller."""
    name = f"{side}_dome"
    body = replace(patient.body, **{name: getattr(patient.body, name) + rise})
    # The heart rests on the middle of the diaphragm and stays where it was.
    still = patient.body
    shape = lung(body, side, heart_of=still)
    vessels = part_named(patient, f"{side} lung vessels")
    assert isinstance(vessels.geometry, Pieces)
    kept = vessels.geometry[shape.inside(vessels.geometry.centre)]
    parts = swapped(
        patient.parts,
        Part(f"{side} lung", "lung", "soft_tissue", shape),
        replace(vessels, geometry=kept),
    )
    return replace(patient, parts=parts)


def add_interstitial_opacity(
    patient: Patient, severity: float = 0.5, side: str | None = None, seed: int = 0
) -> Patient:
    """A net of fine lines with small nodules, worst at the bases; in both lungs without `side`."""
    amount = check_severity(severity)
    rng = finding_rng(patient, "interstitial_opacity", seed)
    sides = ("right", "left") if side is None else (choose_side(side, rng),)
    parts = []
    for one in sides:
        count = int(500 + 1500 * amount)
        nodes = np.concatenate([
            points_in_lung(patient, one, rng, count * 2 // 3, 3, (0.0, 0.55)),
            points_in_lung(patient, one, rng, count // 3, 3, (0.3, 0.95)),
        ])  # fmt: skip
        parts.append(Part(f"{one} septal lines", "soft_tissue", "lung", net(nodes, amount, rng)))
        grains = ellipsoids(nodes[::3], rng.uniform(1.2, 2.0 + 1.6 * amount, (len(nodes[::3]), 3)))
        parts.append(Part(f"{one} interstitial nodules", "soft_tissue", "lung", grains))
    finding = Finding("interstitial_opacity", amount, side, tuple(parts), threshold_mm=1.6)
    return patient.with_finding(finding)


def net(nodes: np.ndarray, amount: float, rng: Rng) -> Pieces:
    """Short bent strands, each starting at a node."""
    way = rng.normal(size=nodes.shape)
    way /= np.linalg.norm(way, axis=1, keepdims=True)
    length = rng.uniform(6, 16, (len(nodes), 1))
    bend = nodes + 0.5 * length * way + 0.15 * length * rng.normal(size=nodes.shape)
    points = np.stack([nodes, bend, nodes + length * way], 1)
    thick = rng.uniform(0.55, 1.0 + 0.8 * amount, (len(nodes), 1)) * np.ones(3)
    return chains(points, thick)
