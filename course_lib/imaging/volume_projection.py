"""A radiograph of voxels: what the rays of an exposure meet in a volume, such as a CT.

The volume is taken apart into layers parallel to the film. A layer at the depth where the beam has
covered the share m of its way throws a shadow 1/m times its size, so a film pixel at (u, v) looks
at the layer's point (m u, m v). That is a change of scale along rows and along columns, each a
linear interpolation between two neighbours: no ray is ever traced, and all of it is
differentiable in the volume.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from course_lib.imaging.geometry import Geometry
from course_lib.imaging.intervals import stretch
from course_lib.patient.voxels import Grid


def project_volume(volume: Tensor, grid: Grid, geometry: Geometry) -> Tensor:
    """(H, W): the integral of a volume along every ray of the film.

    volume (nz, ny, nx), float32, on `grid`; in 1/mm the result is the attenuation's line integral,
    as shares of a tissue it is the path length in mm. The beam must be level (no component along
    z), as in PA, AP, lateral and every oblique view of a standing patient; a beam that runs along
    no axis of the grid costs one resampling of the volume. Raises ValueError for a beam that
    is not level or a volume that is not of the grid's shape.
    """
    if tuple(volume.shape) != grid.shape:
        raise ValueError(f"The volume is {tuple(volume.shape)}, its grid {grid.shape}.")
    if abs(geometry.beam[2]) > 1e-6 or abs(geometry.down[2] + 1) > 1e-6:
        raise ValueError("The beam must be level and the film upright: turn the patient, not it.")
    layers, first, spacing = _layers_along(volume, grid, geometry)
    origin = np.array([geometry.centre @ axis for axis in (geometry.beam, geometry.right)])
    u, v = geometry.axes_mm()
    total = torch.zeros(len(u), len(v))
    for number, layer in enumerate(layers):
        depth = first[0] + number * spacing[0] - origin[0]
        share = 1.0
        if geometry.source_mm is not None:
            share = (geometry.source_mm - geometry.film_mm + depth) / geometry.source_mm
        rows = (geometry.centre[2] - share * v - grid.first[2]) / grid.spacing[2] + 1
        columns = (origin[1] + share * u - first[1]) / spacing[1] + 1
        _add_layer(total, functional.pad(layer, (1, 1, 1, 1)), rows, columns)
    return total.T * torch.from_numpy(stretch(geometry)) * abs(spacing[0])


def _add_layer(total: Tensor, layer: Tensor, rows: np.ndarray, columns: np.ndarray) -> None:
    """Add layer (nz, n), looked up at fractional rows (H,) and columns (W,), to total (W, H)."""
    tall = _between(layer, rows)
    total += _between(tall.T.contiguous(), columns)


def _between(lines: Tensor, positions: np.ndarray) -> Tensor:
    """Lines (n, m) looked up at fractional positions (k,), linearly. The first and the last line
    are a border of zeros: positions beyond them give zero."""
    inside = np.clip(positions, 0, len(lines) - 1.0001).astype(np.float32)
    low = torch.from_numpy(inside.astype(np.int32))
    weight = torch.from_numpy(inside - np.floor(inside))[:, None]
    return torch.lerp(lines.index_select(0, low), lines.index_select(0, low + 1), weight)


def _layers_along(volume: Tensor, grid: Grid, geometry: Geometry):  # type: ignore[no-untyped-def]
    """Layers (n, nz, m) across the beam, with position of the first and spacing, mm.

    Positions and spacings (negative where the grid runs the other way) are pairs: along the beam,
    and along the film's rows (`right`).
    """
    level = [axis for axis in (0, 1) if abs(abs(geometry.beam[axis]) - 1) < 1e-6]
    if not level:
        return _turned(volume, grid, geometry)
    beam_axis, right_axis = level[0], 1 - level[0]
    order = {0: 2, 1: 1}  # patient axis -> array axis
    layers = volume.permute(order[beam_axis], 0, order[right_axis])
    signs = geometry.beam[beam_axis], geometry.right[right_axis]
    axes = list(zip(signs, (beam_axis, right_axis), strict=True))
    first, spacing = ([sign * of[axis] for sign, axis in axes] for of in (grid.first, grid.spacing))
    return layers, first, spacing


def _turned(volume: Tensor, grid: Grid, geometry: Geometry):  # type: ignore[no-untyped-def]
    """The same for an oblique beam: the volume resampled on axes along beam and film."""
    x, y, _ = grid.axes()
    step = min(grid.spacing[:2])
    half = 0.5 * np.hypot(x[-1] - x[0], y[-1] - y[0])
    middle = np.array([(x[0] + x[-1]) / 2, (y[0] + y[-1]) / 2])
    along = np.arange(-half, half + step, step)
    places = (
        middle
        + along[:, None, None] * geometry.beam[:2]
        + along[None, :, None] * geometry.right[:2]
    )
    # grid_sample wants -1 and 1 at the outermost voxel centres.
    scaled = 2 * (places - [x[0], y[0]]) / [x[-1] - x[0], y[-1] - y[0]] - 1
    where = torch.from_numpy(scaled.astype(np.float32))[None]
    turned = functional.grid_sample(volume[None], where, align_corners=True)[0]
    first = [middle @ axis[:2] - half for axis in (geometry.beam, geometry.right)]
    return turned.permute(1, 0, 2), first, [step, step]
