"""The surface between voxels as small facets: where they lie and how large they are.

Eight neighbouring voxel centres (four in a picture) form a cell; which of them lie inside the mask
is a code of 8 (4) bits. Marching cubes (Lorensen and Cline 1987) says which piece of surface runs
through the cell; here the piece is placed at the middle of its cell, as the program
*surface-distance* does.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from skimage.measure import marching_cubes, mesh_surface_area


def facets(mask: NDArray, spacing: NDArray) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Middles (n, axes) in mm and sizes (n,) of the surface pieces of a bool mask of 2 or 3 axes.

    Sizes are areas in mm^2, in a picture lengths in mm.
    """
    codes = _cell_codes(mask)
    cut = (codes > 0) & (codes < 2 ** (2**mask.ndim) - 1)
    sizes = _sizes(tuple(float(step) for step in spacing))
    return (np.argwhere(cut) - 0.5) * spacing, sizes[codes[cut]]


def _cell_codes(mask: NDArray) -> NDArray[np.int_]:
    """One code per cell, one cell more than voxels along each axis; outside counts as empty."""
    padded = np.pad(mask, 1)
    codes = np.zeros(np.array(mask.shape) + 1, dtype=int)
    for bit, corner in enumerate(np.ndindex((2,) * mask.ndim)):
        window = tuple(slice(c, c + n) for c, n in zip(corner, codes.shape, strict=True))
        codes += padded[window].astype(int) << bit
    return codes


@lru_cache(maxsize=32)
def _sizes(spacing: tuple[float, ...]) -> NDArray[np.float64]:
    """Size of the piece of surface for each code; read-only, for it is shared."""
    corners = 2 ** len(spacing)
    sizes = np.zeros(2**corners)
    for code in range(1, 2**corners - 1):
        inside = np.array([code >> bit & 1 for bit in range(corners)], dtype=float)
        cell = inside.reshape((2,) * len(spacing))
        sizes[code] = _area(cell, spacing) if len(spacing) == 3 else _length(cell, spacing)
    sizes.setflags(write=False)
    return sizes


def _area(cell: NDArray, spacing: tuple[float, ...]) -> float:
    if cell.sum() > 4:  # a surface has no side: cut off the empty corners as one would full ones
        cell = 1 - cell
    vertices, faces, _, _ = marching_cubes(cell, 0.5, spacing=spacing, method="lorensen")
    return float(mesh_surface_area(vertices, faces))


def _length(cell: NDArray, spacing: tuple[float, ...]) -> float:
    """Contour within four pixel centres: each lone corner is cut off by half a diagonal."""
    half = float(np.hypot(spacing[0], spacing[1])) / 2
    inside = int(cell.sum())
    if inside != 2:
        return half
    if cell[0, 0] == cell[1, 1]:  # two opposite corners: both are cut off
        return 2 * half
    return spacing[1] if cell[0, 0] == cell[0, 1] else spacing[0]
