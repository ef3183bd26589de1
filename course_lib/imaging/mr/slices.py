"""A slice of a patient as shares of tissues: the truth behind every MR picture.

A solid meets a plane in a region given by one polynomial of second degree and up to two straight
lines, evaluated on a fine grid inside the solid's own box. Shares add up over the parts, as
everywhere in the course: each part adds its tissue and takes away what it displaces.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from course_lib.patient.solids import FAR, Array, Compound, Part, Pieces

Mask = NDArray[np.bool_]
Picture = NDArray[np.float32]
Steps = NDArray[np.floating]
Window = tuple[slice, slice]

# Right and down in the picture, and what the position counts along, in patient axes (x, y, z):
# axial slices are seen from the feet, coronal from the front, sagittal from the patient's left.
PLANES: Mapping[str, tuple[tuple[int, int, int], ...]] = {
    "axial": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "coronal": ((1, 0, 0), (0, 0, -1), (0, 1, 0)),
    "sagittal": ((0, 1, 0), (0, 0, -1), (1, 0, 0)),
}


@dataclass(frozen=True)
class Plane:
    """A grid of points in the patient: origin + u right + v down; u (W,) and v (H,) in mm."""

    origin: Array
    right: Array
    down: Array
    u: Steps
    v: Steps


def tissue_slice(
    parts: tuple[Part, ...],
    z_mm: float,
    field_of_view_mm: float = 240.0,
    size: int = 256,
    oversample: int = 3,
    centre_mm: tuple[float, float] = (0.0, 0.0),
    plane: str = "axial",
    thickness_mm: float = 0.0,
) -> dict[str, Picture]:
    """Tissue -> (size, size) share of every pixel (0 to 1), air left out.

    z_mm is the position along the plane's normal (for "sagittal" x, for "coronal" y); centre_mm
    moves the picture's middle (right, down). Every pixel is judged at oversample^2 points; a slice
    of some thickness is the mean of layers not more than 1 mm apart. ValueError for an unknown
    plane or sizes that are not positive.
    """
    if plane not in PLANES:
        raise ValueError(f"The plane must be one of {', '.join(PLANES)}, not {plane!r}.")
    if size < 1 or oversample < 1 or field_of_view_mm <= 0 or thickness_mm < 0:
        raise ValueError("size, oversample and field_of_view_mm must be positive.")
    layers = max(1, int(np.ceil(thickness_mm)))
    offsets = ((np.arange(layers) + 0.5) / layers - 0.5) * thickness_mm
    fine = size * oversample
    steps = np.asarray(np.arange(fine) - (fine - 1) / 2, float) * (field_of_view_mm / fine)
    total: dict[str, Picture] = {}
    for offset in offsets:
        grid = _plane(plane, z_mm + float(offset), steps, centre_mm)
        for tissue, share in _shares(parts, grid).items():
            layer = _binned(share, oversample) / np.float32(layers)
            total[tissue] = total[tissue] + layer if tissue in total else layer
    return total


def weighted(shares: Mapping[str, Picture], weights: Mapping[str, float]) -> Picture:
    """(H, W) picture: the sum of shares (H, W) times each tissue's signal (0 where none given)."""
    if not shares:
        raise ValueError("There is no tissue in this slice; check its position.")
    picture = np.zeros(next(iter(shares.values())).shape, np.float32)
    for tissue, share in shares.items():
        picture += np.float32(weights.get(tissue, 0.0)) * share
    return picture


def weighted_volume(
    parts: tuple[Part, ...],
    weights: Mapping[str, float],
    shape: tuple[int, int],
    voxel_mm: float,
    centre_mm: tuple[float, float, float] = (0.0, 0.0, 0.0),
) -> Picture:
    """(slices, size, size) volume of cubic voxels for shape = (slices, size).

    Every voxel has the weight of the tissue at its centre (0 for tissues without one); centre_mm
    is the middle of the volume in patient axes (x, y, z).
    """
    count, size = shape
    volume = np.zeros((count, size, size), np.float32)
    for k in range(count):
        z = centre_mm[2] + (k - (count - 1) / 2) * voxel_mm
        shares = tissue_slice(parts, z, size * voxel_mm, size, 1, centre_mm[:2])
        if shares:
            volume[k] = weighted(shares, weights)
    return volume


def _plane(name: str, position: float, steps: Steps, centre_mm: tuple[float, float]) -> Plane:
    right, down, normal = (np.array(axis, float) for axis in PLANES[name])
    u, v = centre_mm[0] + steps, centre_mm[1] + steps
    return Plane(position * normal, right, down, u, v)


def _shares(parts: tuple[Part, ...], grid: Plane) -> dict[str, Picture]:
    """Tissue -> (fine, fine) share at every point of the grid."""
    shape = (len(grid.v), len(grid.u))
    total: dict[str, Picture] = {}
    for part in parts:
        for window, inside in regions(part.geometry, grid):
            share = np.float32(part.fraction) * inside
            for tissue, sign in ((part.tissue, 1), (part.displaces, -1)):
                if tissue != "air":
                    total.setdefault(tissue, np.zeros(shape, np.float32))
                    total[tissue][window] += sign * share
    return total


def _binned(fine: Picture, factor: int) -> Picture:
    """Mean over blocks of factor x factor points."""
    if factor == 1:
        return fine
    size = len(fine) // factor
    return fine.reshape(size, factor, size, factor).mean(axis=(1, 3), dtype=np.float32)


def regions(solid: Pieces | Compound, grid: Plane) -> Iterator[tuple[Window, Mask]]:
    """Where a solid meets the grid: windows and what is inside in each (pieces one by one)."""
    if isinstance(solid, Pieces):
        yield from _cross_sections(solid, grid)
        return
    inside = np.zeros((len(grid.v), len(grid.u)), bool)
    for window, mask in _cross_sections(solid.union, grid):
        inside[window] |= mask
    if not inside.any():
        return
    if solid.within is not None:
        _keep_within(inside, solid.within, grid)
    if solid.minus is not None:
        for window, mask in _cross_sections(solid.minus, grid):
            inside[window] &= ~mask
    yield (slice(None), slice(None)), inside


def _keep_within(inside: Mask, pieces: Pieces, grid: Plane) -> None:
    """Clear what lies outside any of the pieces."""
    for index in range(len(pieces)):
        allowed = np.zeros_like(inside)
        for window, mask in _cross_sections(pieces[index : index + 1], grid):
            allowed[window] = mask
        inside &= allowed


def _cross_sections(pieces: Pieces, grid: Plane) -> Iterator[tuple[Window, Mask]]:
    """Window and mask of every piece that meets the plane."""
    normal = np.cross(grid.right, grid.down)
    away = pieces.centre - grid.origin
    near = np.flatnonzero(np.abs(away @ normal) <= pieces.half @ np.abs(normal))
    for index in near:
        window = tuple(
            slice(*np.searchsorted(axis, middle + np.array([-reach, reach])))
            for axis, middle, reach in (
                (grid.v, away[index] @ grid.down, pieces.half[index] @ np.abs(grid.down)),
                (grid.u, away[index] @ grid.right, pieces.half[index] @ np.abs(grid.right)),
            )
        )
        u, v = grid.u[window[1]], grid.v[window[0]]
        if len(u) and len(v):
            yield (window[0], window[1]), _inside(pieces, int(index), grid, u, v)


def _inside(pieces: Pieces, index: int, grid: Plane, u: Steps, v: Steps) -> Mask:
    """(len(v), len(u)): |W (x - c)|^2 <= 1 and n . (x - c) <= o at every point x."""
    shape = pieces.shape[index]
    away = grid.origin - pieces.centre[index]
    a, b, d = shape @ away, shape @ grid.right, shape @ grid.down
    square = (a @ a + 2 * (a @ d) * v + (d @ d) * v**2)[:, None]
    square = square + (2 * (a @ b) * u + (b @ b) * u**2) + np.outer(2 * (b @ d) * v, u)
    mask: Mask = square <= 1.0
    for normal, offset in zip(pieces.normals[index], pieces.offsets[index], strict=True):
        if offset < FAR:
            across = (normal @ away + (normal @ grid.down) * v)[:, None] + (normal @ grid.right) * u
            mask &= across <= offset
    return mask
