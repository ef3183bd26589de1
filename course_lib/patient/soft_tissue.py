"""The body's outline: skin, fat under it, muscles, breasts, neck and arms."""

from __future__ import annotations

import numpy as np

from course_lib.patient.body import SIDES, Body
from course_lib.patient.skeleton import shoulder_joint
from course_lib.patient.solids import (
    Compound,
    Part,
    Pieces,
    box_ellipsoid,
    chains,
    ellipsoids,
    join,
    rotation,
    spline,
)


def outline(body: Body, margin: float) -> Pieces:
    """Overlapping pieces whose union is the body `margin` mm outside its muscles (0: no fat)."""
    s, m = body.scale, margin
    wide, deep = body.half_width + body.muscle + m, body.half_depth + 0.95 * body.muscle + m
    trunk = ellipsoids(
        [[0, 4, body.base + 30], [0, 4, body.base - 190]],
        [[wide - 4, deep, 290 * s], [wide - 12 + 0.2 * m, deep + 0.3 * m, 300 * s]],
    )
    girdle = ellipsoids([0, 18, body.apex - 62 * s], [1.12 * wide, 0.78 * deep, 78 * s + 0.5 * m])
    neck = box_ellipsoid([0, 8, body.apex + 120], [54 * s + 0.5 * m, 58 * s + 0.5 * m, 400], 220)
    return join(trunk, girdle, neck, _shoulders(body, m), _arms(body, m))


def _shoulders(body: Body, margin: float) -> Pieces:
    """Trapezius slope from neck to shoulder, then the deltoid: many radii, no disc."""
    s, curves, sizes = body.scale, [], []
    for side in SIDES:
        joint = shoulder_joint(body, side)
        sign = SIDES[side]
        slope = [[sign * 26, 26, body.apex + 52 * s], [sign * 0.5 * body.half_width, 30, body.apex + 8 * s],
                 joint + [-sign * 38, 10, 14 * s], joint + [sign * 4, 2, 0]]  # fmt: skip
        curves.append(spline(slope, 14))
        sizes.append(np.interp(np.linspace(0, 1, 14), [0, 0.35, 0.7, 1], [26, 27, 36, 42]) * s)
    return chains(np.stack(curves), np.stack(sizes) + 0.6 * margin, 1.1)


def _arms(body: Body, margin: float) -> Pieces:
    s, curves = body.scale, []
    tilt = np.radians(body.arm_angle)
    for side, sign in SIDES.items():
        joint = shoulder_joint(body, side) + [sign * 6, 0, 0]
        down = np.array([sign * np.sin(tilt), 0.05, -np.cos(tilt)])
        curves.append(
            spline(
                [joint + [-sign * 3, 0, 22 * s], joint, joint + 60 * down, joint + 360 * down], 16
            )
        )
    size = np.interp(np.linspace(0, 1, 16), [0, 0.15, 0.4, 1], [26, 42, 44, 37]) * s
    size = size * (0.7 + 0.013 * body.muscle)
    return chains(np.stack(curves), size + 0.8 * margin)


def body_parts(body: Body) -> tuple[Part, ...]:
    """Fat in the place of air, and muscle and organs in the place of fat."""
    skin = Compound(outline(body, body.fat))
    inner = Compound(outline(body, 0.0))
    return (
        Part("skin and fat", "fat", "air", skin),
        Part("muscle and organs", "soft_tissue", "fat", inner),
        *chest_muscles(body),
        *(breasts(body) if body.sex == "F" else ()),
    )


def chest_muscles(body: Body) -> tuple[Part, ...]:
    """Pectoral folds: a soft edge from the armpit across the upper outer lung."""
    s, pieces = body.scale, []
    thick = 0.55 * body.muscle
    for sign in SIDES.values():
        centre = [sign * 0.62 * body.half_width, -body.half_depth - 6, body.apex - 108 * s]
        pieces.append(
            ellipsoids(centre, [0.48 * body.half_width, thick, 62 * s], rotation(0, 28 * sign))
        )
    return (Part("pectoral muscle", "muscle", "fat", join(*pieces)),)


def breasts(body: Body) -> tuple[Part, ...]:
    """Two breasts in front of the lower chest: mostly fat, with glandular tissue inside."""
    rng = body.rng("breasts")
    size = (
        float(np.clip(0.72 + 0.024 * (body.bmi - 22) + 0.1 * rng.normal(), 0.55, 1.5)) * body.scale
    )
    sag = 0.35 * np.clip(body.age - 25, 0, 50)
    outer, glands = [], []
    for sign in SIDES.values():
        centre = np.array([
            sign * (0.60 * body.half_width + 4 * rng.normal()), -body.half_depth - body.muscle - 12,
            -88 * body.scale - sag + 4 * rng.normal(),
        ])  # fmt: skip
        outer.append(ellipsoids(centre, np.array([68, 46, 62]) * size, rotation(0, 18 * sign)))
        glands.append(ellipsoids(centre + [0, -4, -4], np.array([48, 30, 44]) * size))
    skin = outline(body, body.fat)
    return (
        Part("breasts", "fat", "air", Compound(join(*outer), minus=skin[:2])),
        Part("breast glands", "soft_tissue", "fat", Compound(join(*glands), minus=skin[:2])),
    )
