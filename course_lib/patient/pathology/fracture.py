"""Broken ribs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from course_lib.patient.body import SIDES
from course_lib.patient.pathology.placing import Rng, check_severity, choose_side, finding_rng
from course_lib.patient.person import Finding, Patient
from course_lib.patient.skeleton import RIBS, rib_courses
from course_lib.patient.solids import Array, Part, Pieces, ellipsoids


def add_rib_fracture(
    patient: Patient, severity: float = 0.5, side: str | None = None, seed: int = 0
) -> Patient:
    """One to five neighbouring ribs broken behind or at the side: a step, a gap, blood beside it,
    and in old fractures a callus instead.

    Raises ValueError for an impossible severity or side.
    """
    amount = check_severity(severity)
    rng = finding_rng(patient, "rib_fracture", seed)
    main = choose_side(side, rng)
    count = 1 + int(4.5 * amount**1.3)
    first = int(rng.integers(4, 10 - count + 1))  # the fourth to the ninth rib break most often
    old = rng.random() < 0.35
    where = 5 + int(rng.integers(0, 9))  # of 20 segments from spine to cartilage
    breaks, places = [], []
    for number in range(first, first + count):
        segment = int(np.clip(where + rng.integers(-1, 2), 5, 14))
        step = (2.5 + 8.5 * amount) * rng.uniform(0.7, 1.2) * rng.choice([-1, 1])
        breaks.append((number - 1, segment, step, 0.8 if old else 1.2 + 5 * amount))
        places.append(rib_courses(patient.body, main)[number - 1, segment])
    broken = tuple(_with_breaks(part, main, breaks) for part in patient.parts)
    parts = _round_the_breaks(main, np.array(places), amount, old, rng)
    hurt = replace(patient, parts=_sharing(patient.parts, broken))
    return hurt.with_finding(Finding("rib_fracture", amount, main, parts, threshold_mm=1.0))


def _with_breaks(part: Part, side: str, breaks: list[tuple[int, int, float, float]]) -> Part:
    """The ribs with each (rib, segment, step mm, gap mm) broken; other parts as they are."""
    if part.name != "ribs" or not isinstance(part.geometry, Pieces):
        return part
    pieces = part.geometry
    each = len(pieces) // (2 * RIBS)
    centre, offsets = pieces.centre.copy(), pieces.offsets.copy()
    for rib, segment, step, gap in breaks:
        start = (list(SIDES).index(side) * RIBS + rib) * each
        front = np.arange(start + segment, start + each)  # the fragment away from the spine
        share = np.linspace(1.0, 0.0, len(front))
        centre[front, 2] += step * share
        offsets[front[0] - 1, 1] -= 0.5 * gap
        offsets[front[0], 0] -= 0.5 * gap
    return replace(part, geometry=replace(pieces, centre=centre, offsets=offsets))


def _sharing(before: tuple[Part, ...], after: tuple[Part, ...]) -> tuple[Part, ...]:
    """Parts that shared one solid before share one afterwards, so that it is projected once."""
    solids = {id(old.geometry): new.geometry for old, new in zip(before, after, strict=True)}
    return tuple(
        replace(new, geometry=solids[id(old.geometry)])
        for old, new in zip(before, after, strict=True)
    )


def _round_the_breaks(
    side: str, places: Array, amount: float, old: bool, rng: Rng
) -> tuple[Part, ...]:
    """Callus round old fractures, blood under the pleura beside fresh ones."""
    size = (4.5 + 5.0 * amount) * rng.uniform(0.85, 1.15, (len(places), 1))
    if old:
        lump = ellipsoids(places, size * [1.0, 1.3, 1.25])
        return (Part(f"{side} callus", "bone_spongy", "muscle", lump, 0.75),)
    inwards = places - [3.5 * SIDES[side], 0, 0]
    blood = ellipsoids(inwards, (size + 3) * [0.55, 1.6, 1.2])
    return (Part(f"{side} rib haematoma", "blood", "lung", blood, 0.4),)
