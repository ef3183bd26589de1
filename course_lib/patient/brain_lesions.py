"""Diseases of the virtual brain: solids to hand to `head.head_parts(..., lesions=...)`.

Each function returns (name, tissue, solids) in the unscaled brain (see brain.py). A lesion takes
the place of whatever lies there, except of veins and ventricles.
"""

from __future__ import annotations

import numpy as np

from course_lib.patient.solids import Pieces, ellipsoids, rotation

Lesion = tuple[str, str, Pieces]


def white_matter_lesions(seed: int, count: int = 14, largest_mm: float = 5.0) -> Lesion:
    """Spots of demyelination beside the lateral ventricles, their long axis pointing away from
    them; radius from 1.5 mm to `largest_mm`."""
    rng = _rng(seed, "white matter lesions", count)
    side = rng.choice([-1.0, 1.0], count)
    place = rng.uniform([15, -36, 14], [27, 42, 27], (count, 3))
    place[:, 0] *= side
    size = rng.uniform(1.5, max(largest_mm, 1.6), (count, 1)) * [1.3, 0.9, 0.9]
    turn = np.array([rotation(0, 0, s * rng.normal(0, 25)) for s in side])
    return "white matter lesions", "white_matter_lesion", ellipsoids(place, size, turn)


def tumour(
    radius_mm: float = 11.0, centre_mm: tuple[float, float, float] = (30.0, 22.0, 26.0)
) -> Lesion:
    """A lobulated tumour: one ball with three smaller ones on its surface."""
    if radius_mm <= 0:
        raise ValueError(f"A tumour needs a positive radius in mm, got {radius_mm:g}.")
    offsets = np.array([[0, 0, 0], [0.6, 0.4, 0.2], [-0.5, 0.6, -0.3], [0.2, -0.7, 0.3]])
    size = np.array([1, 0.62, 0.58, 0.55]) * radius_mm
    places = np.asarray(centre_mm) + radius_mm * offsets
    return "tumour", "tumour", ellipsoids(places, np.repeat(size[:, None], 3, 1))


def microbleeds(seed: int, count: int = 5, radius_mm: float = 1.6) -> Lesion:
    """Old small bleedings: balls of iron-rich haemosiderin in white matter and deep nuclei."""
    rng = _rng(seed, "microbleeds", count)
    place = rng.uniform([12, -34, 2], [34, 38, 24], (count, 3))
    place[:, 0] *= rng.choice([-1.0, 1.0], count)
    size = radius_mm * rng.uniform(0.8, 1.2, (count, 1)) * np.ones(3)
    return "microbleeds", "microbleed", ellipsoids(place, size)


def _rng(seed: int, name: str, count: int) -> np.random.Generator:
    """A stream of its own for every disease; a count below one is refused."""
    if count < 1:
        raise ValueError(f"The number of {name} must be at least 1, got {count}.")
    return np.random.default_rng([seed, *name.encode()])
