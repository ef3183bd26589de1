"""Lungs changed for good: over-inflated in emphysema, stiff and honeycombed in fibrosis."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from course_lib.patient.abdomen import abdomen_parts
from course_lib.patient.body import SIDES
from course_lib.patient.heart import heart_parts
from course_lib.patient.lungs import lung
from course_lib.patient.pathology.lung import net, raised_dome
from course_lib.patient.pathology.placing import (
    Rng,
    check_severity,
    choose_side,
    finding_rng,
    lung_shape,
    points_in_lung,
)
from course_lib.patient.pathology.shapes import lobulated
from course_lib.patient.person import Finding, Patient, part_named, swapped
from course_lib.patient.solids import Array, Compound, Part, Pieces, ellipsoids, grow, join


def add_emphysema(
    patient: Patient, severity: float = 0.5, side: str | None = None, seed: int = 0
) -> Patient:
    """Too much air: a low, flat diaphragm, dark lungs with few small vessels, bullae above.

    The heart becomes narrow and upright. `side`: only that lung is dark (the diaphragm is low on
    both sides). Raises ValueError for an impossible severity or side.
    """
    amount = check_severity(severity)
    rng = finding_rng(patient, "emphysema", seed)
    if side is not None:
        choose_side(side, rng)
    wide = _over_inflated(patient, amount)
    dark, bullae = [], []
    for one in SIDES if side is None else (side,):
        wide = _pruned(wide, one, amount, rng)
        shape = lung_shape(wide, one)
        dark.append(Part(f"{one} lost lung", "air", "lung", shape, 0.09 + 0.31 * amount))
        for place in points_in_lung(wide, one, rng, int(0.4 + 4 * amount), 12, (0.6, 0.95)):
            bullae += _bulla(shape, one, place, (8 + 16 * amount) * rng.uniform(0.6, 1.2), rng)
    parts = (*dark, *bullae)
    return wide.with_finding(Finding("emphysema", amount, side, parts, 9.0, tuple(dark)))


def _over_inflated(patient: Patient, amount: float) -> Patient:
    """Diaphragm lower and flatter, and what lies on and under it moved along."""
    old, drop = patient.body, (3 + 17 * amount) * patient.body.scale
    body = replace(
        old,
        right_dome=old.right_dome - drop,
        left_dome=old.left_dome - drop,
        dome_flatness=1.05 + 0.5 * amount,
    )
    heart: tuple[Part, ...] = ()
    heart_of = old
    if "cardiomegaly" not in patient.labels:
        tilt = max(old.heart_tilt - 8 * amount, 24.0)
        body = replace(body, heart_scale=old.heart_scale * (1 - 0.12 * amount), heart_tilt=tilt)
        heart, heart_of = heart_parts(body), body
    lungs = [Part(f"{one} lung", "lung", "soft_tissue", lung(body, one, heart_of)) for one in SIDES]
    parts = swapped(patient.parts, *lungs, *heart, *abdomen_parts(body))
    return replace(patient, body=body, parts=parts)


def _pruned(patient: Patient, side: str, amount: float, rng: Rng) -> Patient:
    """Most small vessels gone, more of them above; no vessel outside the lung."""
    vessels = part_named(patient, f"{side} lung vessels")
    pieces = vessels.geometry
    assert isinstance(pieces, Pieces)
    height = (pieces.centre[:, 2] - patient.body.dome(side)) / patient.body.lung_height
    lost = (0.15 + 0.7 * amount) * np.clip(0.5 + height, 0, 1) * (pieces.radius < 1.3)
    keep = rng.random(len(pieces)) >= lost
    parts = swapped(patient.parts, replace(vessels, geometry=pieces[keep]))
    return replace(patient, parts=parts)


def _bulla(shape: Compound, side: str, place: Array, radius: float, rng: Rng) -> list[Part]:
    """A bubble of air with a wall thin as a hair."""
    bubble = lobulated(place, radius, 4, rng)
    hole = [] if shape.minus is None else [shape.minus]
    wall = Compound(grow(bubble, 0.7), within=shape.union[:1], minus=join(bubble, *hole))
    inside = Compound(bubble, within=shape.union[:1], minus=shape.minus)
    return [
        Part(f"{side} bulla wall", "soft_tissue", "lung", wall),
        Part(f"{side} bulla", "air", "lung", inside, 0.6),
    ]


def add_fibrosis(
    patient: Patient, severity: float = 0.5, side: str | None = None, seed: int = 0
) -> Patient:
    """Scarred bases: thick lines and honeycomb under the pleura, small lungs; both sides unless
    `side` is given. Unlike `add_interstitial_opacity`, a net all over, the lung shrinks.

    Raises ValueError for an impossible severity or side.
    """
    amount = check_severity(severity)
    rng = finding_rng(patient, "fibrosis", seed)
    if side is not None:
        choose_side(side, rng)
    parts: list[Part] = []
    for one in SIDES if side is None else (side,):
        patient = raised_dome(patient, one, (3 + 20 * amount) * patient.body.scale)
        parts += _honeycomb(patient, one, amount, rng)
    return patient.with_finding(Finding("fibrosis", amount, side, tuple(parts), 2.2))


def _honeycomb(patient: Patient, side: str, amount: float, rng: Rng) -> list[Part]:
    """Cysts with walls, a coarse net between them, and a haze round both."""
    shape = lung_shape(patient, side)
    core = grow(shape.union, -(16 + 18 * amount))
    places = points_in_lung(patient, side, rng, int(1100 + 4200 * amount), 3, (0.0, 0.9))
    floor, tall = patient.body.dome(side) - 25, patient.body.lung_height
    ever_rarer = rng.random(len(places)) < 1.05 - 1.25 * (places[:, 2] - floor) / tall
    places = places[~core.inside(places).any(0) & ever_rarer]
    low = floor + (0.15 + 0.3 * rng.random(len(places))) * tall
    cysts = places[(places[:, 2] < low) & (rng.random(len(places)) < 0.25 + 0.5 * amount)][:400]
    cysts = cysts if len(cysts) else places[:1]
    radius = rng.uniform(1.8, 3.0 + 1.8 * amount, (len(cysts), 1)) * np.ones(3)
    walls = ellipsoids(cysts, radius)
    holes = ellipsoids(cysts, radius - 0.8)
    return [
        Part(f"{side} fibrous net", "soft_tissue", "lung", net(places, 0.4 + amount, rng), 0.8),
        Part(f"{side} honeycomb walls", "soft_tissue", "lung", walls, 0.8),
        Part(f"{side} honeycomb", "air", "soft_tissue", holes, 0.8),
    ]
