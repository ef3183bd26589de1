"""Shapes that several findings are made of: lumps, clouds of filled air spaces, strands, pulls."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from course_lib.patient.pathology.placing import Rng, lung_shape
from course_lib.patient.person import Patient
from course_lib.patient.solids import Array, Compound, Pieces, chains, ellipsoids


def directions(rng: Rng, count: int) -> Array:
    """(count, 3) unit vectors, evenly spread over the sphere."""
    way = rng.normal(size=(count, 3))
    return np.asarray(way / np.linalg.norm(way, axis=1, keepdims=True))


def lobulated(centre: Array, radius: float, count: int, rng: Rng) -> Pieces:
    """Overlapping ellipsoids that together fill a sphere of `radius` mm unevenly."""
    away = directions(rng, count) * radius * rng.uniform(0.15, 0.42, (count, 1))
    semi = radius * rng.uniform(0.5, 0.8, (count, 3))
    return ellipsoids(centre + away, semi)


def cloud(
    patient: Patient, side: str, centre: Array, reach: float, count: int, rng: Rng,
    stretch: tuple[float, float, float] = (1.1, 1.0, 0.85),
) -> Pieces:  # fmt: skip
    """Groups of acini, dense in the middle and ragged at the edge, all inside the lung.

    centre (3,) mm; about two thirds of them lie within `reach` mm; stretch: how far they spread
    along x, y, z. Fewer than `count` where the lung has no room.
    """
    places = centre + reach * 0.62 * rng.normal(size=(3 * count, 3)) * stretch
    radius = rng.uniform(4, 17, len(places)) * (0.6 + reach / 130)
    fits = fits_in_lung(lung_shape(patient, side), places, 0.8 * radius)
    places, radius = places[fits][:count], radius[fits][:count]
    if len(places) == 0:
        places, radius = centre[None], np.array([6.0])
    return ellipsoids(places, radius[:, None] * rng.uniform(0.7, 1.2, (len(places), 3)))


def fits_in_lung(shape: Compound, places: Array, radius: Array) -> np.ndarray:
    """(P,): whether the lung holds each of the (P, 3) places and six points `radius` mm away."""
    fits = shape.inside(places)
    for direction in np.vstack([np.eye(3), -np.eye(3)]):
        fits &= shape.inside(places + radius[:, None] * direction)
    return fits


def strands(
    start: Array, end: Array, thick: tuple[float, float], rng: Rng, bend: float = 0.12
) -> Pieces:
    """Bent fibrous strands from (N, 3) to (N, 3) mm; radius between thick[0] and thick[1] mm."""
    span = np.linalg.norm(end - start, axis=1, keepdims=True)
    middle = 0.5 * (start + end) + bend * span * rng.normal(size=start.shape)
    calibre = rng.uniform(*thick, (len(start), 1)) * np.array([1.0, 0.9, 0.6])
    return chains(np.stack([start, middle, end], 1), calibre)


def pulled(pieces: Pieces, place: Array, by: Array, reach: float) -> Pieces:
    """Pieces drawn along `by` (3,) mm at `place` (3,) mm, and less and less further away.

    The pull falls as a Gaussian of standard deviation `reach` mm. Every piece is moved and sheared
    by the pull's own gradient, so that neighbours in a chain stay joined.
    """
    away = pieces.centre - place
    share = np.exp(-0.5 * (away**2).sum(1) / reach**2)
    gradient = -share[:, None] * away / reach**2
    change = np.eye(3) + np.asarray(by)[None, :, None] * gradient[:, None, :]
    back = np.linalg.inv(change)
    return replace(
        pieces,
        centre=pieces.centre + share[:, None] * by,
        shape=pieces.shape @ back,
        normals=pieces.normals @ back,
        half=(np.abs(change) @ pieces.half[..., None])[..., 0],
    )
