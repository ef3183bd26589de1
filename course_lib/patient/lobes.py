"""Lobes: the planes of the fissures, the lobe of a point, and a fissure seen as a hairline."""

from __future__ import annotations

import numpy as np

from course_lib.patient.body import SIDES, Body
from course_lib.patient.solids import Array, Compound, Part, ellipsoids, rotation

STEEP = 1.1  # the oblique fissure rises by so many mm per mm towards the back


def lobe_of(body: Body, points: Array) -> np.ndarray:
    """(P,) names such as 'right middle' for (P, 3) points; the diaphragm and the heart are not
    looked at, only the side and the fissures."""
    right = points[:, 0] < 0
    lower = points[:, 2] < _oblique(body, points[:, 1])
    middle = right & ~lower & (points[:, 2] < _horizontal(body))
    side = np.where(right, "right ", "left ")
    lobe = np.where(lower, "lower", np.where(middle, "middle", "upper"))
    return np.char.add(side, lobe)


def _oblique(body: Body, y: Array) -> Array:
    """z of the oblique fissure at depth y: high at the back, down to the diaphragm in front."""
    return body.apex - 0.62 * body.lung_height + STEEP * y


def _horizontal(body: Body) -> float:
    """z of the right lung's horizontal fissure, at the fourth rib in front."""
    return body.apex - 0.52 * body.lung_height


def fissure_plane(body: Body, name: str) -> tuple[Array, Array]:
    """Unit normal (3,), pointing up, and a point (3,) in mm of the 'oblique' or the 'horizontal'
    fissure."""
    if name == "horizontal":
        return np.array([0.0, 0.0, 1.0]), np.array([0.0, 0.0, _horizontal(body)])
    normal = np.array([0.0, -STEEP, 1.0]) / np.hypot(STEEP, 1.0)
    return normal, np.array([0.0, 0.0, _oblique(body, np.zeros(1))[0]])


def fissure(body: Body, right_lung: Compound) -> tuple[Part, ...]:
    """The horizontal fissure, in the half of the patients in whom a beam grazes it."""
    rng = body.rng("fissure")
    if rng.random() < 0.5:
        return ()
    tilt = rotation(5 + 6 * rng.normal(), 6 * rng.normal())
    centre = [SIDES["right"] * 0.62 * body.half_width, -38, _horizontal(body)]
    sheet = ellipsoids(centre, [0.5 * body.half_width, 46, 0.28], tilt)
    inside = Compound(sheet, within=right_lung.union[:1], minus=right_lung.minus)
    return (Part("horizontal fissure", "soft_tissue", "lung", inside),)
