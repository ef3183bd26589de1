"""The patient as positioned for CT: on the back, arms beside the head."""

from __future__ import annotations

from dataclasses import replace

from course_lib.patient.body import Body
from course_lib.patient.person import Patient, in_pose
from course_lib.patient.solids import Compound, Part, Pieces, ellipsoids, join, rotation


def on_the_table(patient: Patient) -> Patient:
    """The patient with raised arms, and with the upper chest wall rounded out over the breastbone.

    On films the thin soft tissue in front of breastbone and collar bones cannot be told from what
    lies behind it; in a slice it is seen, so it is filled in here. Likewise the chambers of the
    heart and the great vessels, which overlap where they meet, are made to count once, and the
    haze of small vessels in the lungs ends at the heart.
    """
    posed = in_pose(patient, "LAT")
    parts = _without_overlap(tuple(_covered(part, patient.body) for part in posed.parts))
    return replace(posed, body=patient.body, parts=parts)


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


def _without_overlap(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """The parts, with heart, aorta and veins as sets of points that leave room for each other,
    and small vessels only where there is lung."""
    lungs = {part.name: part.geometry for part in parts if part.name.endswith(" lung")}
    taken: list[Pieces] = []
    result = []
    for part in parts:
        solid = part.geometry
        lung = lungs.get(part.name.replace("small vessels", "lung"))
        if part.name.endswith("small vessels") and isinstance(solid, Pieces):
            minus = lung.minus if isinstance(lung, Compound) else None
            part = replace(part, geometry=Compound(solid, minus=minus))
        if part.name in ("heart", "aorta", "veins") and isinstance(solid, Pieces):
            minus = join(*taken) if taken else None
            part = replace(part, geometry=Compound(solid, minus=minus))
            taken.append(solid)
        result.append(part)
    return tuple(result)


def chest_wall(body: Body, margin_mm: float) -> Pieces:
    """A flat ellipsoid in front of the upper chest, with margin_mm of fat on it."""
    semi = [0.86 * body.half_width, 42, 88 * body.scale]
    centre = [0, 24 - body.half_depth, body.apex - 88 * body.scale]
    lean = rotation(x=-14)  # the chest is deeper below than at the top
    return ellipsoids(centre, [length + margin_mm for length in semi], lean)
