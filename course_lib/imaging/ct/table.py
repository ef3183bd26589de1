"""The patient as positioned for CT: on the back, arms beside the head."""

from __future__ import annotations

from dataclasses import replace

from course_lib.patient.body import Body
from course_lib.patient.person import Patient, in_pose
from course_lib.patient.solids import Compound, Part, Pieces, ellipsoids, join, rotation


def on_the_table(patient: Patient) -> Patient:
    """The patient with raised arms, as exact as a slice demands.

    On films the thin soft tissue in front of breastbone and collar bones cannot be told from what
    lies behind it; in a slice it is seen, so it is filled in. And where solids overlap (chambers of
    the heart, branches of vessels, vessels and a tumour), no place may count twice.
    """
    posed = in_pose(patient, "LAT")
    parts = tuple(_covered(part, patient.body) for part in posed.parts)
    tumours = [_points(part) for f in patient.findings for part in f.parts if _fills_lung(part)]
    return replace(posed, body=patient.body, parts=_counted_once(parts, tumours))


def _covered(part: Part, body: Body) -> Part:
    """The part as it is under a thicker chest wall."""
    solid = part.geometry
    if part.name in ("skin and fat", "muscle and organs") and isinstance(solid, Compound):
        wall = chest_wall(body, body.fat if part.name == "skin and fat" else 0.0)
        return replace(part, geometry=replace(solid, union=join(solid.union, wall)))
    if part.name == "pectoral muscle" and isinstance(solid, Pieces):
        return replace(part, geometry=Compound(solid, within=chest_wall(body, 0.5 * body.fat)))
    if part.name in ("breasts", "breast glands") and isinstance(solid, Compound) and solid.minus:
        return replace(
            part, geometry=replace(solid, minus=join(solid.minus, chest_wall(body, body.fat)))
        )
    return part


def _counted_once(parts: tuple[Part, ...], tumours: list[Pieces]) -> tuple[Part, ...]:
    """The parts, with heart and vessels as sets of points that leave room for each other and for
    the spine, and the lungs' vessels only where there is lung and nothing else."""
    lungs = {part.name: part.geometry for part in parts if part.name.endswith(" lung")}
    spine = [part for part in parts if part.name in ("vertebrae", "discs")]
    great = [_points(part) for part in spine if part.displaces == "muscle"]  # not what fills them
    result = []
    for part in parts:
        solid, lung = part.geometry, lungs.get(" ".join(part.name.split()[:1]) + " lung")
        if part.name in ("heart", "aorta", "veins") and isinstance(solid, Pieces):
            part = replace(part, geometry=_without(solid, great))
            great.append(solid)
        elif part.name.endswith(" vessels") and isinstance(lung, Compound):
            others = [lung.minus] if lung.minus is not None else []
            part = replace(part, geometry=_without(_points(part), others + tumours))
        result.append(part)
    return tuple(result)


def _without(solid: Pieces, others: list[Pieces]) -> Compound:
    """The points of some pieces that lie in none of the others."""
    return Compound(solid, minus=join(*others) if others else None)


def _fills_lung(part: Part) -> bool:
    """Whether nothing of the lung is left where this part is."""
    return part.displaces == "lung" and part.fraction == 1


def _points(part: Part) -> Pieces:
    """The pieces that hold all of a part."""
    return part.geometry.union if isinstance(part.geometry, Compound) else part.geometry


def chest_wall(body: Body, margin_mm: float) -> Pieces:
    """A flat ellipsoid in front of the upper chest, with margin_mm of fat on it."""
    semi = [0.86 * body.half_width, 42, 88 * body.scale]
    centre = [0, 24 - body.half_depth, body.apex - 88 * body.scale]
    lean = rotation(x=-14)  # the chest is deeper below than at the top
    return ellipsoids(centre, [length + margin_mm for length in semi], lean)
