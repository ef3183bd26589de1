"""Liver lesions of low contrast: what is looked for in CT of the abdomen, and hard to see."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import distance_transform_edt

from course_lib.patient.solids import Part, ellipsoids
from course_lib.patient.voxels import Grid, tissue_volumes

_STEP_MM = 2.0


def add_liver_lesions(
    parts: tuple[Part, ...], places_mm: ArrayLike, radius_mm: ArrayLike, water_share: float = 0.5
) -> tuple[Part, ...]:
    """Parts of an upper abdomen with round lesions of the liver at (N, 3) mm, radii (N,) mm.

    In a lesion, water takes the place of a share of the liver: cysts have 1, metastases without
    contrast agent 0.3 to 0.6. Raises ValueError for a share outside 0 to 1.
    """
    if not 0 < water_share <= 1:
        raise ValueError(f"The share of water must lie between 0 and 1, not {water_share:g}.")
    places = np.atleast_2d(np.asarray(places_mm, np.float64))
    radii = np.broadcast_to(np.asarray(radius_mm, np.float64), len(places))
    spheres = ellipsoids(places, np.repeat(radii[:, None], 3, axis=1))
    return (*parts, Part("liver lesions", "water", "liver", spheres, water_share))


def liver_places(
    parts: tuple[Part, ...], z_mm: float, margin_mm: float, count: int, seed: int
) -> NDArray[np.float64]:
    """Up to `count` places (n, 3) mm in the slice with nothing but liver within margin_mm.

    Drawn at random, at least two margins apart; fewer if the slice has no more room.
    """
    half = 90
    first = -half * _STEP_MM
    grid = Grid((first, first, z_mm), (_STEP_MM, _STEP_MM, 1.0), (1, 2 * half + 1, 2 * half + 1))
    liver = tissue_volumes(parts, grid).get("liver", np.zeros(grid.shape))[0] > 0.99
    depth = distance_transform_edt(liver) * _STEP_MM
    rows, columns = np.nonzero(depth > margin_mm + _STEP_MM)
    candidates = first + _STEP_MM * np.stack([columns, rows], axis=1)
    chosen: list[NDArray[np.float64]] = []
    for place in np.random.default_rng(seed).permutation(candidates):
        if len(chosen) < count and all(np.hypot(*(place - p)) > 2 * margin_mm for p in chosen):
            chosen.append(place)
    return np.array([[x, y, z_mm] for x, y in chosen]).reshape(-1, 3)
