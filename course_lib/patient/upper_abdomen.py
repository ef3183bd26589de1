"""The upper abdomen in cross-section: organs that a chest film hardly shows and MR does.

Same body, other solids: muscle instead of "soft tissue" round a cavity of fat, and in it the liver,
spleen, kidneys, gall bladder, stomach, pancreas and large vessels of a patient lying on the back.
"""

from __future__ import annotations

import numpy as np

from course_lib.patient.body import Body
from course_lib.patient.person import Patient, part_named
from course_lib.patient.soft_tissue import outline
from course_lib.patient.solids import (
    Compound,
    Part,
    Pieces,
    chains,
    cut,
    ellipsoids,
    grow,
    join,
    rotation,
    spline,
)

Organ = tuple[str, str, Pieces]
SPINE = ("vertebrae", "discs", "pedicles", "transverse processes", "spinous processes")


def liver_level(patient: Patient) -> float:
    """z in mm of an axial slice through liver, spleen, stomach and both kidneys."""
    return patient.body.right_dome - 104 * patient.body.scale


def upper_abdomen(patient: Patient) -> tuple[Part, ...]:
    """Solids for axial slices within about 25 mm of `liver_level` (no lungs and no ribs)."""
    body = patient.body
    spine = _spine_front(patient)
    organs = _organs(body, spine)
    size = [1.10 * body.half_width, 1.06 * body.half_depth, 170]
    wide = ellipsoids([0, -22, liver_level(patient)], size)
    cavity = join(wide, grow(outline(body, 0.0)[1:2], -6.0))  # both: inside the body's wall
    around = _back(body, spine)
    parts = [
        Part("skin and fat", "fat", "air", Compound(outline(body, body.fat))),
        Part("muscles", "muscle", "fat", Compound(outline(body, 0.0))),
        Part("fat inside", "fat", "muscle", Compound(wide, cavity, around)),
        *_bones(patient),
    ]
    taken = around
    for name, tissue, solid in organs:  # each leaves room for those before it
        parts.append(Part(name, tissue, "fat", Compound(solid, cavity, taken)))
        taken = join(taken, solid)
    return (*parts, *_inside(body, cavity, around, organs))


def _spine_front(patient: Patient) -> float:
    """y in mm of the middle of the vertebral bodies at the liver's level."""
    geometry = part_named(patient, "vertebrae").geometry
    pieces = geometry.union if isinstance(geometry, Compound) else geometry
    nearest = np.abs(pieces.centre[:, 2] - liver_level(patient)).argmin()
    return float(pieces.centre[nearest, 1])


def _back(body: Body, y: float) -> Pieces:
    """What lies behind the cavity: the spine with psoas and back muscles."""
    s, z = body.scale, body.right_dome - 100
    column = chains([[0, y, z - 220], [0, y, z + 120]], 27 * s)
    psoas = [[sign * 40 * s, y + 8, z] for sign in (1, -1)]
    back = [[sign * 36 * s, y + 42 * s, z] for sign in (1, -1)]
    muscles = ellipsoids(psoas + back, np.array([[15, 19, 160]] * 2 + [[34, 24, 200]] * 2) * s)
    return join(column, muscles)


def _organs(body: Body, y: float) -> list[Organ]:
    """Name, tissue and solids of what lies in the cavity, the firmest first."""
    s, w, d, z = body.scale, body.half_width, body.half_depth, body.right_dome
    vessel = [[9, y - 36 * s, z - 300], [9, y - 36 * s, z + 100]]
    cava = [[-22, y - 38 * s, z - 300], [-22, y - 38 * s, z + 100]]
    kidney = ellipsoids(
        [[0.56 * w, y + 2, z - 118 * s], [-0.58 * w, y + 4, z - 124 * s]],
        np.array([[27, 25, 54], [27, 25, 54]]) * s, [rotation(0, 0, 24), rotation(0, 0, -24)],
    )  # fmt: skip
    liver = ellipsoids(
        [[-0.47 * w, -12, z - 92 * s], [-0.02 * w, -0.62 * d, z - 82 * s]],
        [[0.55 * w, 0.93 * d, 88 * s], [0.44 * w, 0.42 * d, 52 * s]],
        [rotation(0, 12), rotation(0, 0, 14)],
    )
    stomach = ellipsoids([0.47 * w, -0.42 * d, z - 96 * s], np.array([46, 34, 46]) * s)
    tail = spline([[-16, -4, z - 116 * s], [18, -20, z - 104 * s], [0.56 * w, 4, z - 98 * s]], 8)
    spleen = ellipsoids([0.80 * w, 22, z - 84 * s], np.array([20, 40, 50]) * s, rotation(0, 0, -16))
    return [
        ("aorta", "blood", chains(vessel, 10.5 * s)),
        ("vena cava", "blood", chains(cava, 12 * s, flat=0.8)),
        ("kidneys", "kidney", kidney),
        ("gall bladder", "water", ellipsoids([-0.27 * w, -0.42 * d, z - 112 * s], [13, 17, 26])),
        ("liver", "liver", liver),
        ("spleen", "spleen", spleen),
        ("stomach", "soft_tissue", stomach),
        ("pancreas", "soft_tissue", chains(tail, 10 * s)),
    ]


def _inside(body: Body, cavity: Pieces, around: Pieces, organs: list[Organ]) -> list[Part]:
    """Contents of hollow organs, and the vessels of the liver."""
    s, w, z = body.scale, body.half_width, body.right_dome
    by_name = {name: solid for name, _, solid in organs}
    stomach = by_name["stomach"]
    lumen = ellipsoids(stomach.centre, np.array([42, 30, 42]) * s)
    level = [0, float(stomach.centre[0, 1]) - 14 * s, 0]
    before = join(*[by_name[n] for n in ("aorta", "vena cava", "kidneys", "gall bladder")])
    free = join(before, by_name["liver"], by_name["spleen"])
    sinus = ellipsoids(by_name["kidneys"].centre * [0.9, 1, 1], np.array([12, 9, 26]) * s)
    root = [-0.2 * w, -6, z - 100 * s]
    ends = [[-0.75, -34, -86], [-0.8, 16, -96], [-0.5, -46, -104], [-0.45, 34, -108],
            [-0.62, -8, -118]]  # fmt: skip
    trees = np.array([spline([root, [0.5 * x * w, 0.6 * v, z - 100 * s], [x * w, v, z + u * s]], 7)
                      for x, v, u in ends])  # fmt: skip
    inside = join(by_name["liver"][:1], cavity)
    portal = Compound(chains(trees, np.linspace(4, 1.6, 7) * s), inside, join(before, around))
    return [
        Part("stomach fluid", "water", "soft_tissue", Compound(lumen, cavity, free)),
        Part("stomach gas", "air", "water", Compound(cut(lumen, [0, 1, 0], level), cavity, free)),
        Part("renal sinus", "fat", "kidney", Compound(sinus[:1], by_name["kidneys"][:1])),
        Part("renal sinus", "fat", "kidney", Compound(sinus[1:], by_name["kidneys"][1:])),
        Part("portal veins", "blood", "liver", portal),
    ]


def _bones(patient: Patient) -> list[Part]:
    """The patient's own spine in muscle, and the cord in its canal."""
    body, y = patient.body, _spine_front(patient)
    swap = {"soft_tissue": "muscle"}
    bones = [
        Part(p.name, p.tissue, swap.get(p.displaces, p.displaces), p.geometry, p.fraction)
        for p in patient.parts
        if p.name in SPINE
    ]
    line = [[0, y + 27 * body.scale, -500], [0, y + 27 * body.scale, 100]]
    canal, cord = chains(line, 8.0 * body.scale), chains(line, 4.2 * body.scale)
    solid = join(*[p.geometry if isinstance(p.geometry, Pieces) else p.geometry.union
                   for p in bones])  # fmt: skip
    return [
        *bones,
        Part("spinal canal", "csf", "muscle", Compound(canal, minus=solid)),
        Part("spinal cord", "white_matter", "csf", Compound(cord, minus=solid)),
    ]
