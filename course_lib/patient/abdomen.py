"""Diaphragm, and what lies under it: liver, spleen, stomach bubble, gas in the colon."""

from __future__ import annotations

import numpy as np

from course_lib.patient.body import SIDES, Body
from course_lib.patient.solids import (
    Compound,
    Part,
    Pieces,
    cut,
    ellipsoids,
    join,
    rotation,
)


def diaphragm(body: Body) -> Pieces:
    """The two domes and the heart's bed between them; lungs end where these begin."""
    s, w, d = body.scale, body.half_width, body.half_depth
    domes, flat = [], body.dome_flatness
    for side, sign in SIDES.items():
        top = body.dome(side)
        drop = 104 * s
        domes.append(
            ellipsoids(
                [sign * 0.42 * w, -14, top - drop],
                [0.84 * w * flat, 1.22 * d * flat, drop],
                rotation(-9, 4 * sign),
            )
        )
    middle = ellipsoids([4, 0, body.left_dome - 98 * s], [0.62 * w, 1.25 * d, 100 * s])
    bed = ellipsoids([18 * s, -22, body.left_dome - 27 * s], np.array([84, 74, 40]) * s)
    return join(*domes, middle, bed)


def abdomen_parts(body: Body) -> tuple[Part, ...]:
    """Organs that stand out on a chest film."""
    s, w, d = body.scale, body.half_width, body.half_depth
    rng = body.rng("abdomen")
    liver = ellipsoids(
        [-0.42 * w, -10, body.right_dome - 88 * s],
        [0.58 * w, 0.9 * d, 84 * s],
        rotation(0, 12),
    )
    spleen = ellipsoids([0.72 * w, 42, body.left_dome - 62 * s], np.array([24, 38, 52]) * s)
    parts = [
        Part("liver", "muscle", "soft_tissue", liver),
        Part("spleen", "muscle", "soft_tissue", spleen),
    ]
    if rng.random() < 0.8:
        parts.append(Part("stomach gas", "air", "soft_tissue", _stomach(body, rng)))
    if rng.random() < 0.45:
        parts.append(Part("colon gas", "air", "soft_tissue", _colon(body, rng)))
    return tuple(parts)


def _stomach(body: Body, rng: np.random.Generator) -> Pieces:
    """Gas under the left dome with a flat fluid level below."""
    size = rng.uniform(0.55, 1.15) * body.scale
    x = body.half_width * rng.uniform(0.36, 0.52)
    top = body.left_dome - 9 * body.scale
    semi = np.array([34, 30, 24]) * size
    gas = ellipsoids([x, -4, top - semi[2]], semi, rotation(0, 12 * rng.normal()))
    return cut(gas, [0, 0, -1], [x, -4, top - semi[2] * rng.uniform(1.1, 1.9)])


def _colon(body: Body, rng: np.random.Generator) -> Compound:
    """A row of gas-filled haustra below the left dome."""
    count = int(rng.integers(5, 12))
    u = np.linspace(0, 1, count)
    x = body.half_width * (0.80 - 0.6 * u * rng.uniform(0.4, 1)) + 3 * rng.normal(size=count)
    z = body.left_dome - (40 + 30 * rng.random() + 70 * u + 4 * rng.normal(size=count)) * body.scale
    y = -30 + 6 * rng.normal(size=count)
    semi = rng.uniform(8, 15, (count, 3)) * [1.3, 0.6, 0.9] * body.scale
    return Compound(ellipsoids(np.stack([x, y, z], 1), semi))
