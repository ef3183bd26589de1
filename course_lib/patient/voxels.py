"""A patient as voxels: the truth for CT and MR lessons, and a check of the projections."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from course_lib.patient.solids import Array, Compound, Part, Pieces


@dataclass(frozen=True)
class Grid:
    """Where the voxels are: first (3,) mm, the centre of voxel (0, 0, 0) in patient axes (x, y, z);
    spacing (3,) mm along x, y, z; shape (nz, ny, nx)."""

    first: tuple[float, float, float]
    spacing: tuple[float, float, float]
    shape: tuple[int, int, int]

    def axes(self) -> tuple[Array, Array, Array]:
        """x (nx,), y (ny,) and z (nz,) of the voxel centres, mm."""
        sizes = zip(self.first, self.spacing, self.shape[::-1], strict=True)
        x, y, z = (np.asarray(first + step * np.arange(n), float) for first, step, n in sizes)
        return x, y, z


def tissue_volumes(parts: tuple[Part, ...], grid: Grid) -> dict[str, NDArray[np.float32]]:
    """Tissue -> (nz, ny, nx): share of every voxel, judged at its centre, without air.

    Shares add up over parts as their attenuation does, so that sums along rays are path lengths.
    """
    tissues = sorted({p.tissue for p in parts} | {p.displaces for p in parts})
    volumes = {tissue: np.zeros(grid.shape, np.float32) for tissue in tissues}
    for part in parts:
        for box, inside in _occupied(part.geometry, grid):
            share = np.float32(part.fraction) * inside
            volumes[part.tissue][box] += share
            volumes[part.displaces][box] -= share
    volumes.pop("air", None)
    return volumes


def _occupied(solid: Pieces | Compound, grid: Grid):  # type: ignore[no-untyped-def]
    """Boxes of voxels and, in each, which voxels a solid (or one piece of it) holds."""
    if isinstance(solid, Pieces):
        for index in range(len(solid)):
            piece = solid[index : index + 1]
            for box, points in _points(piece, grid):
                yield (
                    box,
                    piece.inside(points)[0].reshape([s.stop - s.start for s in box]),
                )
    else:
        for box, points in _points(solid.union, grid):
            yield box, solid.inside(points).reshape([s.stop - s.start for s in box])


def _points(pieces: Pieces, grid: Grid):  # type: ignore[no-untyped-def]
    """The box of voxels round some pieces, in slabs of one slice: slices and (P, 3) centres."""
    low = (pieces.centre - pieces.half).min(0)
    high = (pieces.centre + pieces.half).max(0)
    axes = grid.axes()
    bounds = []
    for axis, bottom, top in zip(axes, low, high, strict=True):
        bounds.append(slice(int(np.searchsorted(axis, bottom)), int(np.searchsorted(axis, top))))
    x, y = axes[0][bounds[0]], axes[1][bounds[1]]
    if len(x) == 0 or len(y) == 0:
        return
    plane = np.stack(np.broadcast_arrays(x[None, :], y[:, None], 0.0), -1).reshape(-1, 3)
    for k in range(bounds[2].start, bounds[2].stop):
        points = plane + [0, 0, axes[2][k]]
        yield (slice(k, k + 1), bounds[1], bounds[0]), points
