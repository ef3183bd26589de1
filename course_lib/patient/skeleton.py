"""Ribs, clavicles, scapulae, arms, breastbone and spine."""

from __future__ import annotations

import numpy as np

from course_lib.patient.body import SIDES, Body
from course_lib.patient.solids import (
    Compound,
    Part,
    Pieces,
    aligned,
    box_ellipsoid,
    chains,
    ellipsoids,
    grow,
    join,
    rotation,
    spline,
)

RIBS = 12


def skeleton(body: Body) -> tuple[Part, ...]:
    """All bones; hollow ones are a cortical outside with spongy bone taking its inside."""
    return (
        *ribs(body),
        *spine(body),
        *shoulder_girdle(body),
        *sternum(body),
    )


def hollow(
    name: str,
    outer: Pieces | Compound,
    inner: Pieces | Compound,
    displaces: str = "muscle",
    filling: float = 1.0,
) -> tuple[Part, ...]:
    """A bone: cortical outside, spongy inside, of which a share 1 - filling is fatty marrow."""
    parts: tuple[Part, ...] = (
        Part(name, "bone_cortical", displaces, outer),
        Part(name, "bone_spongy", "bone_cortical", inner, filling),
    )
    if filling < 1:
        parts = (*parts, Part(name, "fat", "bone_cortical", inner, 1 - filling))
    return parts


def vertebra_heights(body: Body) -> np.ndarray:
    """(17,) z in mm of the vertebral bodies C4 ... T12 ... L1: index 4 is T1."""
    step = body.scale * np.concatenate([np.full(4, 15.5), np.linspace(18.5, 26, 12), [31, 33, 34]])
    top = body.apex + 55 * body.scale
    return top - np.cumsum(step) + 12


def spine_line(body: Body, z: np.ndarray) -> np.ndarray:
    """(..., 3) centres of the vertebral bodies: thoracic kyphosis and a little scoliosis."""
    t = (z - body.base) / body.lung_height
    y = body.half_depth * (0.78 - 0.95 * (t - 0.42) ** 2)
    x = body.scoliosis * np.sin(2.6 * np.pi * t)
    return np.stack([x, y, np.broadcast_to(z, y.shape)], -1)


def rib_courses(body: Body, side: str) -> np.ndarray:
    """(12, K, 3) centre lines of ribs, each from its vertebra round the chest to its cartilage."""
    number = np.arange(1, RIBS + 1)
    vary = 3 * body.rng(f"ribs {side}").normal(size=(2, RIBS, 1))
    u = np.linspace(0, 1, 21)
    last = np.interp(number, [1, 2, 5, 7, 10, 11, 12], [158, 160, 154, 142, 120, 108, 75])
    angle = -40 + (last[:, None] + vary[0] + 40) * u
    drop = np.interp(number, [1, 2, 4, 7, 10, 12], [36, 60, 88, 108, 98, 64])[:, None]
    drop = drop * body.scale * (1.08 - 0.16 * body.inspiration)
    # Level or a little upwards at the back, steep at the side, slanting to the front.
    along = np.clip((u - 0.18) / 0.78, 0, 1)
    fall = along**2 * (3 - 2 * along) - 0.05 * np.sin(np.pi * np.minimum(u / 0.35, 1))
    start = vertebra_heights(body)[4 : 4 + RIBS, None] + 5
    z = start - drop * fall + vary[1] * u
    points = body.wall(side, z, angle, 3.0)
    head = spine_line(body, start[:, 0] + 2) + [SIDES[side] * 19, 6, 0]
    points[:, 0] = head
    points[:, 1] = 0.35 * head + 0.65 * points[:, 1]
    return points


def ribs(body: Body) -> tuple[Part, ...]:
    """Twelve pairs of flat hollow tubes, thinner and wider towards the front."""
    points = np.concatenate([rib_courses(body, side) for side in SIDES])
    u = np.linspace(0, 1, points.shape[1])
    size = body.scale * body.rng("ribs").normal(1, 0.04, (len(points), 1))
    taper = np.interp(u, [0, 0.06, 0.3, 0.8, 1], [0.72, 0.9, 1.0, 1.08, 1.18])
    radius = 6.4 * size * taper
    radius[[10, 11, 22, 23]] *= 0.8
    wall = body.bone * np.interp(u, [0, 0.15, 0.6, 1], [1.35, 1.45, 0.5, 0.15])
    outer = chains(points, radius, 0.52)
    inner = chains(points, radius - wall, 0.49)
    return hollow("ribs", outer, inner, filling=0.8) + cartilages(body, points)


def cartilages(body: Body, ribs_points: np.ndarray) -> tuple[Part, ...]:
    """Costal cartilages of ribs 1-7, from the rib's end to the breastbone; faint on a film."""
    curves = []
    for row, side in enumerate(SIDES):
        for number in range(1, 8):
            end = ribs_points[row * RIBS + number - 1, -1]
            target_z = body.apex - 55 * body.scale - 17 * body.scale * (number - 1)
            front = np.array([SIDES[side] * 17, -body.half_depth - 4, target_z])
            middle = 0.5 * (end + front) + [0, -4, -10]
            curves.append(spline([end, middle, front], 7))
    return (
        Part(
            "costal cartilage",
            "cartilage",
            "muscle",
            chains(np.stack(curves), 5.0, 0.6),
        ),
    )


def spine(body: Body) -> tuple[Part, ...]:
    """Vertebral bodies with endplates, discs, pedicles, and spinous and transverse processes."""
    z = vertebra_heights(body)
    centre = spine_line(body, z)
    gap = np.gradient(z) * -1
    width = body.scale * np.concatenate(
        [np.full(4, 10.0), np.linspace(12.5, 17.5, 12), [20, 21, 22]]
    )
    along = -np.gradient(centre, axis=0)
    half, thin = 0.40 * gap, 0.35 * body.bone
    semi = np.stack([width, 0.85 * width, 2.2 * half], 1)
    between = centre - 0.5 * gap[:, None] * along / np.linalg.norm(along, axis=1, keepdims=True)
    bodies = box_ellipsoid(centre, semi, half, along)
    cores = box_ellipsoid(centre, semi - [0.5, 0.5, 0], half - thin, along)
    discs = box_ellipsoid(
        between, np.stack([width, 0.85 * width, 0 * width + 30], 1), 0.09 * gap, along
    )
    return (
        *hollow("vertebrae", bodies, cores, filling=0.7),
        Part("discs", "cartilage", "muscle", discs),
        *processes(body, centre, width, gap),
    )


def processes(
    body: Body, centre: np.ndarray, width: np.ndarray, gap: np.ndarray
) -> tuple[Part, ...]:
    """Pedicles (the paired ovals on a frontal film), and the processes behind them."""
    pedicles, transverse, spinous = [], [], []
    for c, w, g in zip(centre, width, gap, strict=True):
        spinous.append(
            [
                c + [0, w + 9, 0.05 * g],
                c + [0, w + 20, -0.35 * g],
                c + [0, w + 27, -0.7 * g],
            ]
        )
        for sign in SIDES.values():
            at = c + [sign * 0.66 * w, 0.95 * w + 3, 0.12 * g]
            pedicles.append(at)
            transverse.append(
                [
                    at + [0, 5, 0],
                    at + [sign * 0.6 * w, 11, 0],
                    at + [sign * 1.15 * w, 16, 2],
                ]
            )
    oval = np.stack(
        [
            0.22 * np.repeat(width, 2),
            np.full(2 * len(width), 7.0),
            0.25 * np.repeat(gap, 2),
        ],
        1,
    )
    rings = ellipsoids(np.stack(pedicles), oval)
    tips = np.broadcast_to([4.2, 3.6, 3.4], (len(transverse), 3)) * body.scale
    back = np.broadcast_to([5.0, 4.2, 3.4], (len(spinous), 3)) * body.scale
    return (
        *hollow("pedicles", rings, grow(rings, -0.25 * body.bone)),
        *_tube_bone("transverse processes", np.stack(transverse), tips, 0.6 * body.bone),
        *_tube_bone("spinous processes", np.stack(spinous), back, 0.7 * body.bone),
    )


def _tube_bone(
    name: str, points: np.ndarray, radius: np.ndarray, wall: float, flat: float = 0.8
) -> tuple[Part, ...]:
    """A hollow bone along polylines."""
    return hollow(name, chains(points, radius, flat), chains(points, radius - wall, flat))


def sternum(body: Body) -> tuple[Part, ...]:
    """Manubrium and body of the breastbone; on a frontal film hidden by the spine."""
    top = body.apex - 42 * body.scale
    line = np.array([[0, -body.half_depth + 12, top], [0, -body.half_depth - 6, top - 60],
                     [0, -body.half_depth - 12, top - 150 * body.scale]])  # fmt: skip
    points = spline(line, 8)
    radius = body.scale * np.array([24, 22, 17, 15, 16, 17, 16, 12.0])
    outer = chains(points, radius, 0.28, up=(1, 0, 0))
    return hollow("sternum", outer, chains(points, radius - 0.8, 0.26, up=(1, 0, 0)))


def shoulder_girdle(body: Body) -> tuple[Part, ...]:
    """Clavicles, scapulae (swung clear of the lungs as on a PA film) and upper arms."""
    parts: list[Part] = []
    for side in SIDES:
        rng = body.rng(f"shoulder {side}")
        joint = shoulder_joint(body, side)
        parts += _clavicle(body, side, joint, rng)
        parts += _scapula(body, side, joint)
    return (*parts, *humeri(body))


def shoulder_joint(body: Body, side: str) -> np.ndarray:
    """(3,) centre of the humeral head."""
    x = 1.06 * body.half_width + 26 * body.scale + 0.25 * body.muscle
    z = body.apex - 32 * body.scale + body.shoulder_rise
    return np.array([SIDES[side] * x, 22.0, z])


def _clavicle(
    body: Body, side: str, joint: np.ndarray, rng: np.random.Generator
) -> tuple[Part, ...]:
    sign = SIDES[side]
    inner = np.array([sign * 17, -body.half_depth + 26, body.apex - 46 * body.scale])
    outer = joint + [-sign * 16, -4, 27 * body.scale]
    span = outer - inner
    line = [
        inner,
        inner + 0.3 * span + [0, -11, 3 + rng.normal()],
        inner + 0.68 * span + [0, 7, 2],
        outer,
    ]
    points = spline(line, 18)
    u = np.linspace(0, 1, 18)
    radius = body.scale * np.interp(u, [0, 0.12, 0.4, 0.8, 1], [9.5, 7.2, 5.6, 6.2, 7.8])
    wall = body.bone * np.interp(u, [0, 0.15, 0.5, 1], [0.8, 1.5, 2.0, 1.0])
    return hollow("clavicle", chains(points, radius, 0.85), chains(points, radius - wall, 0.85))


def _scapula(body: Body, side: str, joint: np.ndarray) -> tuple[Part, ...]:
    """A thin plate with thick rims, spine, coracoid and glenoid."""
    sign = SIDES[side]
    glenoid = joint + np.array([-sign * 25, 3, -4]) * [1, 1, body.scale]
    rest = 1 - body.scapula_swing
    corner = glenoid + np.array([-sign * (62 + 22 * rest), 34, 34 - 8 * rest]) * body.scale
    tip = glenoid + np.array([-sign * (26 + 38 * rest), 40, -118]) * body.scale
    neck = glenoid + np.array([-sign * 10, 4, 8]) * body.scale
    plate_middle = (glenoid + corner + tip) / 3 + [0, 2, 0]
    turn = rotation(0, 12 * sign, 25 * sign)
    plate = ellipsoids(plate_middle, np.array([34, 1.6, 66]) * body.scale, turn)
    rims = [
        (spline([glenoid, 0.5 * (glenoid + tip) + [sign * -3, 4, 0], tip], 10), 4.6),
        (spline([tip, 0.5 * (tip + corner) + [-sign * 9, 4, 0], corner], 10), 2.2),
        (spline([corner, 0.5 * (corner + neck) + [0, 0, 8], neck], 10), 2.4),
        (
            spline(
                [corner + [0, 3, -26], neck + [-sign * 12, 22, 2], joint + [0, 14, 30]],
                10,
            ),
            5.2,
        ),
        (spline([neck, neck + [0, -24, 16], neck + [sign * 10, -40, 8]], 10), 4.8),
    ]
    points = np.stack([line for line, _ in rims])
    radius = np.array([[r] for _, r in rims]) * body.scale * np.ones(10)
    flare = spline([corner + 0.55 * (neck - corner), neck, glenoid + [0, 0, 2]], 8)
    wide = np.linspace(7, 17, 8) * body.scale
    return (
        Part("scapula", "bone_spongy", "muscle", plate),
        *_tube_bone("scapula", points, radius, 0.95 * body.bone, 0.7),
        Part("glenoid", "bone_spongy", "muscle", chains(flare, wide, 0.45)),
    )


def humeri(body: Body) -> tuple[Part, ...]:
    """Upper arm bones: head, neck and a hollow shaft."""
    s, wall, tilt = body.scale, body.bone, np.radians(body.arm_angle)
    ends, shafts, hollows = [], [], []
    for side, sign in SIDES.items():
        joint = shoulder_joint(body, side)
        down = np.array([sign * np.sin(tilt), 0.05, -np.cos(tilt)])
        ends.append(ellipsoids(joint + [-sign * 3, 0, 3], np.array([21, 23, 22]) * s))
        ends.append(ellipsoids(joint + 24 * s * down, np.array([17, 17, 48]) * s, aligned(down)))
        line = joint + np.array([[0.0], [330 * s]]) * down
        shafts.append(chains(line, 11.5 * s))
        hollows.append(chains(line, 11.5 * s - 3.6 * wall))
    outer = Compound(join(*ends, *shafts))
    inner = Compound(join(grow(join(*ends), -0.45 * wall), *hollows))
    return hollow("humerus", outer, inner, filling=0.3)
