"""Metal in the body: screws and rods that take the place of whatever was there.

A metal solid crosses bone, marrow, muscle and fat. So that no place counts twice, everything that
the patient's parts put inside it is taken away again, part by part: the slice stays exact.
"""

from __future__ import annotations

import numpy as np

from course_lib.patient.body import Body
from course_lib.patient.skeleton import spine_line
from course_lib.patient.solids import Compound, Part, Pieces, join, tubes


def implanted(
    parts: tuple[Part, ...], metal: str, solid: Pieces, name: str = "implant"
) -> tuple[Part, ...]:
    """The parts with solid metal, and nothing else, inside every piece of `solid`.

    metal: a tissue such as "titanium" or "steel". Pieces of the implant must not overlap.
    """
    added = [Part(name, metal, "air", solid)]
    for number in range(len(solid)):
        piece = solid[number : number + 1]
        for part in parts:
            for inside in _within(part.geometry, piece):
                # The reverse of the part, so that its place is empty for the metal.
                added.append(Part(name, part.displaces, part.tissue, inside, part.fraction))
    return (*parts, *added)


def _within(geometry: Pieces | Compound, piece: Pieces) -> list[Compound]:
    """The points of a geometry inside one piece; overlapping pieces count each for itself."""
    if isinstance(geometry, Compound):
        near = geometry.union[_meets(geometry.union, piece)]
        inner = piece if geometry.within is None else join(geometry.within, piece)
        return [Compound(near, inner, geometry.minus)] if len(near) else []
    chosen = np.flatnonzero(_meets(geometry, piece))
    return [Compound(geometry[i : i + 1], piece) for i in chosen]


def _meets(pieces: Pieces, piece: Pieces) -> np.ndarray:
    """(N,): whether bounding boxes overlap."""
    gap = np.abs(pieces.centre - piece.centre[0]) - pieces.half - piece.half[0]
    return np.asarray((gap < 0).all(1))


def pedicle_screws(body: Body, z_mm: float) -> Pieces:
    """Two screws, 6 mm thick and 42 mm long, through a vertebra's pedicles at height z_mm, each
    with a rod of 5.5 mm upwards and downwards at its end."""
    x, y, _ = spine_line(body, np.array([z_mm]))[0]
    sides, s = np.array([1.0, -1.0]), body.scale
    tip = np.stack([x + 7 * s * sides, np.full(2, y - 8 * s), np.full(2, z_mm)], -1)
    end = np.stack([x + 19 * s * sides, np.full(2, y + 32 * s), np.full(2, z_mm)], -1)
    away = (end - tip) / np.linalg.norm(end - tip, axis=1, keepdims=True)
    rod = end + 3.3 * away  # beside the screw's end, not in it
    up = np.array([0.0, 0.0, 60.0])
    return join(tubes(tip, end, np.full(2, 3.0)), tubes(rod - up, rod + up, np.full(2, 2.75)))
