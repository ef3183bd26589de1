"""The solids of a knee, from the skin inwards, in the order in which they are painted.

Here x points to the outer (lateral) side of the knee, y to the back, z up; the joint line is at
z = 0 and lengths are those of an adult, in mm. `knee.knee_layers` mirrors, stretches and turns all
of it. Measures are usual ones of anatomy books, rounded: femoral condyles 75 mm wide, ACL 38 mm
long and 10 mm thick, menisci 10 mm wide.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from course_lib.patient.painting import Layer
from course_lib.patient.solids import (
    Array,
    Compound,
    Pieces,
    box_ellipsoid,
    chains,
    ellipsoids,
    grow,
    join,
    spline,
)

CARTILAGE_MM, CORTEX_MM = 2.4, 1.4
FAR_UP, FAR_DOWN = 120, -120  # beyond every field of view
ACL = [[7.5, 20.0, 21.0], [5.0, 13.0, 14.0], [2.0, 3.0, 3.0], [-1.0, -8.0, -8.0]]
PCL = [[-6.0, -3.0, 11.0], [-4.0, 12.0, 9.0], [-1.0, 23.0, -3.0], [0.0, 26.0, -17.0]]
# Centre (x, y), half axes (x, y) and half opening in degrees of each C, seen from above.
MENISCI = {
    "medial": ((-17.0, 4.0), (17.0, 22.0), 130.0),
    "lateral": ((18.0, 4.0), (15.5, 17.5), 150.0),
}
JOINT_Z = -3.4  # middle of the gap between the cartilages


def tapered(
    points: ArrayLike, radii: ArrayLike, flat: float = 1.0, up: ArrayLike | None = None
) -> Pieces:
    """A tube through (K, 3) points whose radius (K,) changes smoothly; see `solids.chains`."""
    knots = np.asarray(radii, float)
    radius = np.interp(np.linspace(0, len(knots) - 1, 17), np.arange(len(knots)), knots)
    return chains(spline(points, 17), radius[None], flat, up)


def condyle(side: str) -> Pieces:
    """Marrow of one femoral condyle: "medial" or "lateral"."""
    return ellipsoids([-21.0, 8, 22], [14.5, 29, 22]) if side == "medial" else ellipsoids(
        [21.0, 6, 21.5], [14.5, 29, 21.5]
    )  # fmt: skip


def femur() -> tuple[Pieces, Pieces, Pieces]:
    """Marrow of what has cartilage (condyles, trochlea), of the rest, and the notch between."""
    end = join(condyle("medial"), condyle("lateral"), ellipsoids([0, -9, 27], [29, 17, 19]))
    shaft = tapered([[0, -2, FAR_UP], [0, -2, 66], [0, -1, 44]], [14.0, 15.5, 24.0])
    rest = join(ellipsoids([0, 0, 42], [31, 20, 21]), shaft)
    return end, rest, ellipsoids([0, 18, 4], [9.5, 32, 19])


def plateau() -> Pieces:
    """Marrow of the upper end of the tibia, flat on top."""
    return box_ellipsoid([0, 3, -16], [36.5, 25, 26], 8.3)


def tibia() -> Pieces:
    """Marrow of the tibia with its spines and tuberosity."""
    shaft = tapered([[0, -2, -30], [0, -5, -62], [0, -6, FAR_DOWN]], [22, 15, 13.5])
    bumps = ellipsoids([[-4, 5, -8], [4, 5, -8], [0, -21, -34]], [[4, 7, 6], [4, 6, 5], [9, 8, 13]])
    return join(plateau(), ellipsoids([0, 0, -27], [33, 22, 21]), shaft, bumps)


def patella() -> Pieces:
    """Marrow of the kneecap."""
    return ellipsoids([0, -40, 25], [20, 8.5, 20])


def ligament(points: ArrayLike, thickness: ArrayLike, part: tuple[float, float] = (0, 1)) -> Pieces:
    """A round band along the curve through `points`, or a part of it (shares of its length).

    thickness: (K,) radii in mm, evenly spaced over the whole curve.
    """
    line, share = spline(points, 25), np.linspace(0, 1, 25)
    wanted = np.linspace(*part, 7)
    place: Array = np.stack([np.interp(wanted, share, column) for column in line.T], -1)
    radii = np.asarray(thickness, float)
    return chains(place, np.interp(wanted, np.linspace(0, 1, len(radii)), radii)[None])


def acl(part: tuple[float, float] = (0, 1), factor: float = 1.0) -> Pieces:
    """The anterior cruciate ligament or a part of it, thicker by a factor."""
    return ligament(ACL, factor * np.array([5.0, 4.4, 4.6, 5.8]), part)


def meniscus(side: str, inner: bool = True) -> Pieces:
    """One meniscus as three C-shaped tubes side by side (without `inner`: the outer one only).

    Cartilage and bone are painted over it and make a wedge of it.
    """
    rows = [(0.93, 4.6), (0.74, 4.0), (0.56, 3.2)]
    turns = np.linspace(-1, 1, 11) * np.radians(MENISCI[side][2])
    lines = [meniscus_point(side, turns, share) for share, _ in rows[: 3 if inner else 1]]
    radii = [[radius] * len(turns) for _, radius in rows[: len(lines)]]
    return chains(np.stack(lines), np.array(radii), flat=0.75)


def meniscus_point(side: str, turn: ArrayLike, share: float) -> Array:
    """(..., 3) points of a meniscus: turn in radians from its middle, positive to the back; share 1
    is the rim, 0 the middle of the C."""
    (x, y), (wide, long), _ = MENISCI[side]
    outward = -1.0 if side == "medial" else 1.0
    angle = np.asarray(turn, float)
    return np.stack(
        [
            x + outward * share * wide * np.cos(angle),
            y + share * long * np.sin(angle),
            np.full(angle.shape, JOINT_Z),
        ],
        -1,
    )


def recess(thick_mm: float) -> Pieces:
    """Joint fluid above and beside the kneecap, with half thickness in mm."""
    above = ellipsoids([0, -33, 57], [19, thick_mm, 15 + 2 * thick_mm])
    if thick_mm < 2:  # nothing beside the kneecap of a healthy knee
        return above
    return join(above, ellipsoids([[34, -12, 30], [-34, -12, 30]], [0.8 * thick_mm, 11, 15]))


def soft_layers(fat_mm: float, fluid_mm: float) -> list[Layer]:
    """Everything outside the bones: fat, muscles, vessels, tendons, fluid in the recesses."""
    outline = ellipsoids([0, 2, 150], [57, 61, 400])  # 53 mm to either side at the joint
    back = 46 - 0.8 * fat_mm
    bellies = ellipsoids(
        [
            [-19.0, back, -42],
            [19, back, -44],
            [-25, back, 60],
            [26, back, 58],
            [-29.0, -16, 76],
            [31.0, -14, 80],
        ],
        [[19, 14, 50], [19, 14, 50], [17, 14, 52], [15, 14, 50], [22, 24, 44], [20, 25, 46]],
    )
    vessels = chains(
        [
            [[2, 40, FAR_UP], [3, 37, 0], [2, 36, FAR_DOWN]],
            [[9, 43, FAR_UP], [9, 42, 0], [8, 40, FAR_DOWN]],
        ],
        [[4, 3.8, 3.5], [4.6, 4.6, 4.2]],
    )
    across, along = [1.0, 0, 0], [0.0, 1, 0]
    front = join(
        chains([[0, -46, FAR_UP], [0, -46, 44]], [[14, 17]], 0.2, across),
        chains([[0, -44, 8], [0, -38, -14], [0, -31, -38]], [[13, 12, 12]], 0.26, across),
    )
    mcl = chains([[-37, 6, 32], [-39, 4, -4], [-35, -2, -52]], [[8, 8, 7]], 0.22, along)
    lcl = chains([[37, 8, 26], [37, 16, 0], [35, 21, -18]], [[3.0, 3.0, 3.0]], 0.8)
    inside = grow(outline, -4.0)  # about 2 mm thinner: a long ellipsoid grows mostly in length
    return [
        Layer("skin", "skin", outline),
        Layer("fat", "fat", inside),
        Layer("muscle", "muscle", bellies),
        Layer("vessels", "flowing_blood", vessels),
        Layer("recess", "fluid", recess(fluid_mm)),
        Layer("tendons", "tendon", front),
        Layer("mcl", "tendon", mcl),
        Layer("lcl", "tendon", lcl),
    ]


def joint_layers() -> list[Layer]:
    """Notch, film of the joint, menisci and cartilage, then the bones painted over them."""
    end, rest, notch = femur()
    film = ellipsoids([[-19, 4, JOINT_Z], [19, 4, JOINT_Z]], [[15, 20, 2.0], [14, 17, 2.0]])
    low = ellipsoids([0, 0, 8], [70, 70, 27])
    discs = join(
        box_ellipsoid([-19, 4, -7], [16, 20, 4], 2.4), box_ellipsoid([19, 4, -7], [15, 17, 4], 2.4)
    )
    kneecap = ellipsoids([0, -37.5, 25], [18, 8.5, 17])
    femoral = Compound(grow(end, CARTILAGE_MM + CORTEX_MM), within=low, minus=notch)
    bones = join(tibia(), patella(), fibula())
    return [
        Layer("notch", "synovium", ellipsoids([0, 14, 4], [11, 20, 20])),
        Layer("film", "synovium", film),
        *(Layer(f"{side} meniscus", "meniscus", meniscus(side)) for side in MENISCI),
        Layer("cartilage", "cartilage", femoral),
        Layer("other cartilage", "cartilage", join(discs, kneecap)),
        Layer("femur", "bone", Compound(grow(join(end, rest), CORTEX_MM), minus=notch)),
        Layer("bones", "bone", grow(bones, CORTEX_MM)),
        Layer("marrow", "marrow", Compound(join(end, rest), minus=grow(notch, CORTEX_MM))),
        Layer("other marrow", "marrow", bones),
    ]


def fibula() -> Pieces:
    """Marrow of the fibula, with its head."""
    shaft = chains([[31, 22, -24], [33, 20, FAR_DOWN]], [[6, 6]])
    return join(ellipsoids([31, 22, -23], [8, 8, 10]), shaft)


def ligament_layers() -> list[Layer]:
    """The cruciate ligaments, painted last."""
    pcl = ligament(PCL, [5.5, 4.8, 4.8, 5.2])
    return [Layer("pcl", "pcl", pcl), Layer("acl", "acl", acl())]
