"""Exact sinograms: how far every ray of a scan runs through every tissue."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from course_lib.imaging.attenuation import linear_attenuation
from course_lib.imaging.ct.geometry import Beam, lines
from course_lib.imaging.rays import line_lengths
from course_lib.patient.solids import Compound, Part, Pieces

Floats = NDArray[np.float64]


def tissue_sinogram(parts: tuple[Part, ...], z_mm: float, beam: Beam) -> dict[str, Floats]:
    """Tissue -> (views, detectors) mm along the rays of `beam` in the plane z = z_mm, without air.

    Closed form: no voxels, so no error of discretisation. parts: e.g. `patient.solids`.
    """
    theta, s = beam.coordinates()
    origins, directions = lines(theta, s, z_mm)
    crossed = between(parts, z_mm, z_mm)
    lengths = line_lengths(crossed, origins.reshape(-1, 3), directions.reshape(-1, 3))
    return {tissue: length.reshape(theta.shape) for tissue, length in lengths.items()}


def attenuation_sinogram(lengths: dict[str, Floats], energy_kev: float) -> Floats:
    """(views, detectors): line integrals of mu (no unit) at one energy, from `tissue_sinogram`."""
    sums = [float(linear_attenuation(name, energy_kev)) * mm for name, mm in lengths.items()]
    if not sums:
        raise ValueError("There is no tissue in this slice: choose a z_mm inside the patient.")
    return np.sum(sums, axis=0)


def between(parts: tuple[Part, ...], low_mm: float, high_mm: float) -> tuple[Part, ...]:
    """What lies at least partly between two heights: all that horizontal rays there can meet."""
    reduced = []
    for part, solid in zip(parts, _reduced(parts, low_mm, high_mm), strict=True):
        if solid is not None:
            reduced.append(replace(part, geometry=solid))
    return tuple(reduced)


def _reduced(
    parts: tuple[Part, ...], low_mm: float, high_mm: float
) -> list[Pieces | Compound | None]:
    """The parts' geometries without far pieces; parts that shared one still do."""
    known: dict[int, Pieces | Compound | None] = {}
    for part in parts:
        solid = part.geometry
        if id(solid) in known:
            continue
        if isinstance(solid, Compound):
            union = _near(solid.union, low_mm, high_mm)
            minus = solid.minus and _near(solid.minus, low_mm, high_mm)
            known[id(solid)] = Compound(union, solid.within, minus) if len(union) else None
        else:
            near = _near(solid, low_mm, high_mm)
            known[id(solid)] = near if len(near) else None
    return [known[id(part.geometry)] for part in parts]


def _near(pieces: Pieces, low_mm: float, high_mm: float) -> Pieces:
    """The pieces whose bounding boxes reach between the heights."""
    z, half = pieces.centre[:, 2], pieces.half[:, 2]
    return pieces[(z + half >= low_mm) & (z - half <= high_mm)]
