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
    grow,
    join,
    rotation,
    spline,
)


def outline(body: Body, margin: float) -> Pieces:
    """Overlapping pieces whose union is the body `margin` mm outside its muscles (0: no fat)."""
    s, m = body.scale, margin
    wide, deep = (
        body.half_width + body.muscle + m,
        body.half_depth + 0.95 * body.muscle + m,
    )
    trunk = ellipsoids(
        [[0, 4, body.base + 30], [0, -6, body.base - 200]],
        [
            [wide + 8, deep, body.apex - body.base - 22],
            [wide + 4 + 0.3 * m, 1.2 * deep + 0.3 * m, 300 * s],
        ],
    )
    # Lateral columns make the cross-section rounder than an ellipse, down to the waist.
    flank = ellipsoids(
        [[sign * 0.80 * body.half_width, 12, body.apex - 270 * s] for sign in (-1, 1)],
        [0.42 * body.half_width + m, 0.84 * body.half_depth, 270 * s],
        [rotation(0, -3 * sign) for sign in (-1, 1)],
    )
    above = ellipsoids(
        [[sign * 50 * s, 28, body.apex - 24] for sign in (-1, 1)],
        [104 * s + m, 60 * s + m, 36 * s + m],
    )
    lateral = ellipsoids(
        [[sign * 1.02 * body.half_width, 24, body.apex - 165 * s] for sign in (-1, 1)],
        [36 * s + m, 56 * s + m, 150 * s + m],
    )
    girdle = ellipsoids([0, 18, body.apex - 84 * s], [1.12 * wide, 0.78 * deep, 78 * s + 0.5 * m])
    neck = box_ellipsoid([0, 8, body.apex + 120], [54 * s + 0.5 * m, 58 * s + 0.5 * m, 400], 220)
    return join(trunk, flank, above, lateral, girdle, neck, _shoulders(body, m), _arms(body, m))


def _shoulders(body: Body, margin: float) -> Pieces:
    """Trapezius slope from neck to shoulder, then the deltoid: many radii, no disc."""
    s, curves, caps = body.scale, [], []
    for side, sign in SIDES.items():
        joint = shoulder_joint(body, side)
        slope = [[sign * 22, 26, body.apex + 66 * s],
                 [sign * 0.42 * body.half_width, 30, body.apex + 12 * s],
                 [*(joint + [-sign * 44, 14, 10 * s])], [*(joint + [-sign * 6, 8, 2])]]  # fmt: skip
        curves.append(spline(slope, 7))
        caps.append(ellipsoids(joint + [sign * 2, 0, -8], np.array([47, 62, 56]) * s))
        caps.append(ellipsoids(joint + [-sign * 34, 8, -6], np.array([66, 64, 46]) * s))
    return join(
        chains(np.stack(curves), 29 * s + 0.6 * margin),
        *(grow(c, margin) for c in caps),
    )


def _arms(body: Body, margin: float) -> Pieces:
    """Upper arms, rounded at the shoulder."""
    s, tilt = body.scale, np.radians(body.arm_angle)
    radius = 38 * s * (0.72 + 0.012 * body.muscle) + 0.8 * margin
    arms = []
    for side, sign in SIDES.items():
        joint = shoulder_joint(body, side) + [sign * 6, 0, -6]
        down = np.array([sign * np.sin(tilt), 0.05, -np.cos(tilt)])
        arms += [
            chains([joint, joint + 380 * down], radius),
            ellipsoids(joint, [radius] * 3),
        ]
    return join(*arms)


def body_parts(body: Body) -> tuple[Part, ...]:
    """Fat in the place of air, and muscle and organs in the place of fat."""
    surface = outline(body, body.fat)
    skin = Compound(surface)
    inner = Compound(outline(body, 0.0))
    return (
        Part("skin and fat", "fat", "air", skin),
        Part("muscle and organs", "soft_tissue", "fat", inner),
        *chest_muscles(body),
        *(breasts(body, surface[:2]) if body.sex == "F" else ()),
    )


def chest_muscles(body: Body) -> tuple[Part, ...]:
    """Pectoral folds: a soft edge from the armpit across the upper outer lung."""
    s, pieces = body.scale, []
    thick = 0.55 * body.muscle
    for sign in SIDES.values():
        centre = [
            sign * 0.62 * body.half_width,
            -body.half_depth - 6,
            body.apex - 108 * s,
        ]
        pieces.append(
            ellipsoids(centre, [0.48 * body.half_width, thick, 62 * s], rotation(0, 28 * sign))
        )
    return (Part("pectoral muscle", "muscle", "fat", join(*pieces)),)


def breasts(body: Body, trunk: Pieces) -> tuple[Part, ...]:
    """Two breasts in front of the lower chest: mostly fat, with glandular tissue inside."""
    rng = body.rng("breasts")
    size = (
        float(np.clip(0.72 + 0.024 * (body.bmi - 22) + 0.1 * rng.normal(), 0.62, 1.4)) * body.scale
    )
    sag = 0.35 * np.clip(body.age - 25, 0, 50)
    outer, glands = [], []
    for sign in SIDES.values():
        centre = np.array([
            sign * (0.58 * body.half_width + 4 * rng.normal()), -body.half_depth - body.muscle + 20,
            body.right_dome + 62 * size - 14 - sag + 5 * rng.normal(),
        ])  # fmt: skip
        # Tipped so that the upper part sinks into the chest and only the lower edge stands out.
        turn = rotation(-20, 0, 12 * sign)
        outer.append(ellipsoids(centre, np.array([76, 50, 98]) * size, turn))
        glands.append(ellipsoids(centre + [0, -14, -24], np.array([48, 26, 50]) * size, turn))
    return (
        Part("breasts", "fat", "air", Compound(join(*outer), minus=trunk)),
        Part("breast glands", "soft_tissue", "fat", Compound(join(*glands), minus=trunk)),
    )
