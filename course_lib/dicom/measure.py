"""Measuring on a picture: lengths, angles and regions in millimetres.

A point is (column, row) in pixels; whole numbers are pixel centres, as in DICOM. Pixels may be
taller than wide, so every step is first turned into millimetres and only then squared and added.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_lib.dicom.spacing import Spacing

Point = Sequence[float]
SHAPES = ("rectangle", "ellipse")
UNITS = {
    "patient": "mm",
    "detector": "mm on the detector",
    "scanned film": "mm on the film",
    "unknown": "mm (plane unknown)",
}


@dataclass(frozen=True)
class Region:
    """Statistics of the pixels whose centres lie in a region.

    sd: standard deviation of the pixels (divided by their number). pixels: how many. area: of the
    drawn shape, in the square of `unit_of_length(spacing)`. All nan where no centre lies inside.
    """

    mean: float
    sd: float
    minimum: float
    maximum: float
    pixels: int
    area: float


def unit_of_length(spacing: Spacing | None) -> str:
    """In which unit lengths come out: "mm", "mm on the detector", ..., or "pixels"."""
    return "pixels" if spacing is None else UNITS[spacing.plane]


def length(start: Point, end: Point, spacing: Spacing | None) -> float:
    """Distance of two points in mm (in pixels if the spacing is unknown)."""
    return math.hypot(*_step(start, end, spacing))


def angle(first: Point, vertex: Point, second: Point, spacing: Spacing | None) -> float:
    """Angle in degrees, 0 to 180, between the arms from `vertex` to the two other points.

    Without a spacing the pixels are taken as squares. Raises ValueError for an arm of no length.
    """
    a, b = _step(vertex, first, spacing), _step(vertex, second, spacing)
    if not (any(a) and any(b)):
        raise ValueError("An angle needs two arms: its vertex lies on one of the end points.")
    turn = math.atan2(a[0] * b[1] - a[1] * b[0], a[0] * b[0] + a[1] * b[1])
    return abs(math.degrees(turn))


def inside(shape: str, corner: Point, opposite: Point, size: tuple[int, int]) -> NDArray[np.bool_]:
    """(H, W): pixels whose centres lie in the rectangle, or the ellipse in it, between two corners.

    The edge belongs to the region. Raises ValueError for a shape that is not in SHAPES.
    """
    if shape not in SHAPES:
        raise ValueError(f"A region is one of {', '.join(SHAPES)}, not {shape!r}.")
    rows, columns = np.ogrid[: size[0], : size[1]]
    across = np.abs(columns - (corner[0] + opposite[0]) / 2)
    down = np.abs(rows - (corner[1] + opposite[1]) / 2)
    half = abs(opposite[0] - corner[0]) / 2, abs(opposite[1] - corner[1]) / 2
    if shape == "rectangle":
        return (across <= half[0]) & (down <= half[1])
    wide, tall = (max(h, 1e-9) for h in half)
    return (across / wide) ** 2 + (down / tall) ** 2 <= 1


def region(
    image: ArrayLike, shape: str, corner: Point, opposite: Point, spacing: Spacing | None
) -> Region:
    """Mean, standard deviation, extremes and area of a rectangle or an ellipse on an image (H, W).

    Raises ValueError for an unknown shape or an image that is not (H, W).
    """
    pixels = np.asarray(image)
    if pixels.ndim != 2:
        raise ValueError(f"A region needs one picture (H, W); this has shape {pixels.shape}.")
    mask = inside(shape, corner, opposite, (pixels.shape[0], pixels.shape[1]))
    chosen = pixels[mask].astype(np.float64)
    wide, tall = _step(corner, opposite, spacing)
    area = abs(wide * tall) * (1 if shape == "rectangle" else math.pi / 4)
    if not chosen.size:
        return Region(math.nan, math.nan, math.nan, math.nan, 0, area)
    least, most = float(chosen.min()), float(chosen.max())
    return Region(float(chosen.mean()), float(chosen.std()), least, most, chosen.size, area)


def at_object(spacing: Spacing, magnification: float) -> Spacing:
    """The spacing in the plane of an object that the film shows `magnification` times too large.

    Only what lies on the detector can be so corrected. Raises ValueError for another plane, or a
    magnification below 1.
    """
    if spacing.plane != "detector":
        raise ValueError(f"Only detector spacing is magnified; this holds: {spacing.plane}.")
    if not (math.isfinite(magnification) and magnification >= 1):
        raise ValueError(f"A shadow is at least as large as its object; got {magnification:g}.")
    return Spacing(spacing.row_mm / magnification, spacing.column_mm / magnification, "patient")


def _step(start: Point, end: Point, spacing: Spacing | None) -> tuple[float, float]:
    """(to the right, down) from one point to another, in mm where the spacing is known."""
    right, down = float(end[0]) - float(start[0]), float(end[1]) - float(start[1])
    if spacing is None:
        return right, down
    return right * spacing.column_mm, down * spacing.row_mm
