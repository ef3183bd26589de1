"""Heart and great vessels: what gives the mediastinum its outline."""

from __future__ import annotations

import numpy as np

from course_lib.patient.body import Body
from course_lib.patient.skeleton import spine_line
from course_lib.patient.solids import (
    Part,
    Pieces,
    aligned,
    chains,
    ellipsoids,
    join,
    rotation,
    spline,
)


def chambers(body: Body) -> Pieces:
    """Ventricles, atria, appendage and pulmonary trunk, resting on the diaphragm."""
    s, w = body.scale, body.heart_scale
    z = body.right_dome + 23 * s  # the heart rides on the diaphragm as it moves
    tilt = np.radians(body.heart_tilt)
    upright, wide = s * w**0.6, s * w
    long_axis = np.array([np.sin(tilt), -0.25, -np.cos(tilt)])
    grown = 40 * s * (w - 1)
    centres = np.array([
        [30 * s + 0.7 * grown, -26, z + 22 * s],           # ventricles
        [51 * s + 0.9 * grown, -30, z + 2 * s],            # apex
        [-9 * s - 0.3 * grown, -20, z + 25 * s],          # right atrium
        [8 * s, 4, z + 50 * s],                            # left atrium
        [29 * s + 0.4 * grown, -16, z + 52 * s],           # left atrial appendage
        [19 * s, -22, z + 82 * s],                         # pulmonary trunk
    ])  # fmt: skip
    semi = np.array([
        [40 * wide, 40 * upright, 68 * upright],
        [31 * wide, 32 * upright, 48 * wide],
        [23 * wide, 34 * upright, 44 * upright],
        [30 * s, 34 * s, 26 * s],
        [20 * wide, 28 * s, 36 * upright],
        [18 * s, 26 * s, 32 * s],
    ])  # fmt: skip
    turn = np.stack([
        aligned(long_axis), aligned(long_axis), rotation(0, -6), np.eye(3),
        rotation(0, -24), rotation(0, -10),
    ])  # fmt: skip
    return ellipsoids(centres, semi, turn)


def aorta(body: Body) -> Pieces:
    """Ascending aorta, arch (the knob on the left) and descending aorta beside the spine."""
    s, a = body.scale, body.aorta_scale
    z = body.right_dome + 36 * s
    knob = 30 * s
    unfold = 16 * max(a - 1, 0)
    down = spine_line(body, np.array([-30.0, -110.0, -230.0]) * s) + [17 * s, -12, 0]
    down[0, 0] += unfold
    rise = min(z + 84, knob - 34)  # a high diaphragm pushes the heart up, not the arch
    line = [[4, -18, rise - 34], [-13 - unfold, -26, rise], [-9, -20, knob - 10], [7, -2, knob + 4],
            [22 * s, 26, knob - 2], [25 * s + unfold, 42, knob - 24], *down]  # fmt: skip
    points = spline(line, 20)
    radius = s * a * np.interp(np.linspace(0, 33, 20), [0, 8, 16, 33], [15.5, 15, 12.5, 10.5])
    return chains(points, radius)


def veins(body: Body) -> Pieces:
    """Superior vena cava with the brachiocephalic veins, and the neck and arm vessels."""
    s = body.scale
    top = body.apex
    lines = [
        [[-20, -22, -70], [-25, -14, 0], [-24, -17, 40], [-25, -16, 72], [-28, -10, top + 14]],
        [[-22, -20, 40], [4, -30, 52], [20, -22, 70], [28, -12, top - 10], [30, -8, top + 20]],
        [[6, -10, 26], [14, -6, 60], [20, -2, 90], [24, 2, top + 10], [26, 2, top + 50]],
        [[-4, -14, 28], [-16, -8, 60], [-20, -4, 90], [-24, 2, top + 10], [-26, 2, top + 50]],
        [[22, 14, 28], [27, 12, 56], [33, 8, 84], [38, 4, top - 4], [44, 2, top + 20]],
    ]  # fmt: skip
    points = np.stack([spline(np.array(line) * s, 9) for line in lines])
    start = np.array([[9.5], [7.0], [4.5], [5.5], [5.0]])
    return chains(points, s * np.linspace(start[:, 0], 0.72 * start[:, 0], 9).T)


def mediastinum(body: Body) -> Pieces:
    """Fat, glands, gullet and muscles beside the spine: where there is no lung."""
    s = body.scale
    z = np.linspace(body.base - 100, body.apex + 30, 8)
    back = spine_line(body, z)
    width = np.interp(z, [body.base, -20, 30, body.apex - 30, body.apex + 30], [18, 17, 15, 18, 24])
    bodies = chains(back + [0, 6, 0], width * s, 1.2, up=(1, 0, 0))
    # Rib heads and muscles behind: the lung slants away from the spine, so its edge is soft.
    behind = chains(back + [0, 30 * s, 0], 1.75 * width * s, 0.55, up=(1, 0, 0))
    middle = ellipsoids(
        np.array([[1, -4, -30], [0, -6, 62 * s]]), np.array([[14, 40, 150], [21, 34, 66]]) * s
    )
    return join(bodies, behind, middle)


def heart_parts(body: Body) -> tuple[Part, ...]:
    """Blood in heart and great vessels, in the place of soft tissue."""
    return (
        Part("heart", "blood", "soft_tissue", chambers(body)),
        Part("aorta", "blood", "soft_tissue", aorta(body)),
        Part("veins", "blood", "soft_tissue", veins(body)),
    )
