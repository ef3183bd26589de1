"""Solids painted one over the other: of all that hold a point, the last one counts.

Films and scans of the trunk add solids up (each adds its tissue and takes away what it displaces),
which makes path lengths exact. A joint has many thin structures that overlap; there it is simpler
to say in which order they are painted, and to look at small voxels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_lib.patient.solids import FAR, Array, Compound, Pieces
from course_lib.patient.voxels import Grid

Mask = NDArray[np.bool_]
Box = tuple[slice, slice, slice]
Solid = Pieces | Compound


@dataclass(frozen=True)
class Layer:
    """A named solid of a tissue that takes the place of whatever was painted before."""

    name: str
    tissue: str
    solid: Solid


def painted(
    layers: Sequence[Layer], grid: Grid, ground: str = "air"
) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """(nz, ny, nx) tissue numbers of the voxels, judged at their centres, and the tissues' names.

    ground: what is where nothing was painted; it has number 0.
    """
    tissues = (ground, *dict.fromkeys(t.tissue for t in layers if t.tissue != ground))
    volume = np.zeros(grid.shape, np.uint8)
    for layer in layers:
        number = tissues.index(layer.tissue)
        for box, inside in occupied(layer.solid, grid):
            volume[box][inside] = number
    return volume, tissues


def covered(solids: Sequence[Solid], grid: Grid) -> Mask:
    """(nz, ny, nx): which voxels any of the solids holds."""
    mask = np.zeros(grid.shape, bool)
    for solid in solids:
        for box, inside in occupied(solid, grid):
            mask[box] |= inside
    return mask


def occupied(solid: Solid, grid: Grid) -> Iterator[tuple[Box, Mask]]:
    """Boxes of voxels and, in each, which of them the solid (or one piece of it) holds."""
    axes = tuple(axis.astype(np.float32) for axis in grid.axes())
    if isinstance(solid, Pieces):
        for index in range(len(solid)):
            box = _box(solid, [index], axes)
            if box is not None:
                yield box, _inside(solid, index, axes, box)
        return
    box = _box(solid.union, range(len(solid.union)), axes)
    if box is None:
        return
    mask = _any(solid.union, axes, box)
    if solid.within is not None:
        for index in range(len(solid.within)):
            mask &= _inside(solid.within, index, axes, box)
    if solid.minus is not None:
        mask &= ~_any(solid.minus, axes, box)
    yield box, mask


def moved(solid: Solid, matrix: ArrayLike, shift: ArrayLike = (0.0, 0.0, 0.0)) -> Solid:
    """The solid with every point x at matrix @ x + shift: turned, stretched or mirrored."""
    if isinstance(solid, Compound):
        inner = (solid.union, solid.within, solid.minus)
        return Compound(*(None if s is None else _moved(s, matrix, shift) for s in inner))  # type: ignore[arg-type]
    return _moved(solid, matrix, shift)


def _moved(pieces: Pieces, matrix: ArrayLike, shift: ArrayLike) -> Pieces:
    """W becomes W / M, a plane's normal n becomes n / M made unit; boxes may get a little wide."""
    forth = np.asarray(matrix, float)
    back = np.linalg.inv(forth)
    normals = pieces.normals @ back
    size = np.linalg.norm(normals, axis=-1)
    size[size == 0] = 1.0  # planes that cut nothing have no normal
    return Pieces(
        pieces.centre @ forth.T + np.asarray(shift, float), pieces.shape @ back,
        normals / size[..., None], pieces.offsets / size, pieces.half @ np.abs(forth).T,
        pieces.radius * np.cbrt(abs(np.linalg.det(forth))),
    )  # fmt: skip


def _any(pieces: Pieces, axes: tuple[NDArray[np.float32], ...], box: Box) -> Mask:
    """Which voxels of a box any piece holds."""
    mask = np.zeros([s.stop - s.start for s in box], bool)
    for index in range(len(pieces)):
        own = _box(pieces, [index], axes)
        if own is None:
            continue
        both = tuple(
            slice(max(a.start, b.start), min(a.stop, b.stop)) for a, b in zip(own, box, strict=True)
        )
        if all(s.start < s.stop for s in both):
            part = tuple(
                slice(s.start - b.start, s.stop - b.start) for s, b in zip(both, box, strict=True)
            )
            mask[part] |= _inside(pieces, index, axes, (both[0], both[1], both[2]))
    return mask


def _box(pieces: Pieces, which: Sequence[int], axes: tuple[NDArray, ...]) -> Box | None:
    """Slices along z, y and x of the voxels round some pieces; None when there are none."""
    index = list(which)
    low = (pieces.centre[index] - pieces.half[index]).min(0)
    high = (pieces.centre[index] + pieces.half[index]).max(0)
    x, y, z = (
        slice(int(np.searchsorted(a, lo)), int(np.searchsorted(a, hi, side="right")))
        for a, lo, hi in zip(axes, low, high, strict=True)
    )
    return (z, y, x) if min(s.stop - s.start for s in (x, y, z)) > 0 else None


def _inside(pieces: Pieces, index: int, axes: tuple[NDArray, ...], box: Box) -> Mask:
    """|W (x - c)|^2 <= 1 and n . (x - c) <= o at every voxel of a box."""
    away = [
        axis[part] - np.float32(centre)
        for axis, part, centre in zip(axes, box[::-1], pieces.centre[index], strict=True)
    ]
    x, y, z = away
    a: Array = (pieces.shape[index].T @ pieces.shape[index]).astype(np.float32)
    rows = (a[2, 2] * z**2)[:, None] + a[1, 1] * y**2 + 2 * a[1, 2] * np.outer(z, y)
    slope = (2 * a[0, 2] * z)[:, None] + 2 * a[0, 1] * y
    # Horner's scheme along x: ((a x + slope) x + rows).
    square = (a[0, 0] * x + slope[..., None]) * x + rows[..., None]
    mask: Mask = square <= 1
    for normal, offset in zip(pieces.normals[index], pieces.offsets[index], strict=True):
        if offset < FAR:
            n = normal.astype(np.float32)
            mask &= (n[2] * z)[:, None, None] + (n[1] * y)[:, None] + n[0] * x <= offset
    return mask
