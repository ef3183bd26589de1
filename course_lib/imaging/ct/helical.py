"""Spiral CT: the tube turns while the table moves; slices are interpolated between the turns.

Rays within a view are parallel here (as after rebinning) and rows are parallel too: the cone angle
is left out, which is fair for a few millimetres of collimation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from course_lib.imaging.attenuation import linear_attenuation
from course_lib.imaging.ct.geometry import ParallelBeam, lines
from course_lib.imaging.ct.sinogram import between
from course_lib.imaging.rays import line_lengths
from course_lib.patient.solids import Part

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Method = Literal["none", "360LI", "180LI"]


@dataclass(frozen=True)
class Spiral:
    """The settings of a spiral scan.

    rows of row_mm each (measured at the isocentre) make the collimation; pitch: table feed per
    rotation divided by the collimation. views per rotation must be even.
    """

    rows: int = 1
    row_mm: float = 5.0
    pitch: float = 1.0
    rotation_s: float = 0.5
    views: int = 180
    detectors: int = 192
    spacing_mm: float = 2.25

    def __post_init__(self) -> None:
        if self.rows < 1 or self.row_mm <= 0 or self.pitch <= 0:
            raise ValueError(
                f"Rows, row_mm and pitch must be positive, got {self.rows}, {self.row_mm:g} and "
                f"{self.pitch:g}."
            )
        if self.views < 2 or self.views % 2:
            raise ValueError(f"Views per rotation must be even, got {self.views}.")

    @property
    def collimation_mm(self) -> float:
        """Width of the beam along the table."""
        return self.rows * self.row_mm

    @property
    def feed_mm(self) -> float:
        """How far the table moves in one rotation."""
        return self.pitch * self.collimation_mm

    @property
    def row_heights_mm(self) -> Floats:
        """(rows,) mm of the rows above the middle of the detector."""
        return (np.arange(self.rows, dtype=np.float64) - (self.rows - 1) / 2) * self.row_mm

    def seconds(self, length_mm: float) -> float:
        """Time to move the whole beam over length_mm: until the last row has passed its end."""
        return (length_mm + self.collimation_mm) / self.feed_mm * self.rotation_s

    def effective_mas(self, mas: float) -> float:
        """mAs per rotation divided by the pitch: what every part of the patient gets."""
        return mas / self.pitch


def sequential_seconds(
    length_mm: float, slice_mm: float, rotation_s: float = 1.0, pause_s: float = 2.0
) -> float:
    """Time for slice after slice: one rotation each, and a pause between two to move the table."""
    slices = int(np.ceil(length_mm / slice_mm))
    return slices * rotation_s + (slices - 1) * pause_s


@dataclass(frozen=True)
class SpiralData:
    """What a spiral scan measured.

    values (readings, rows, detectors): line integrals; z_mm (readings,): where the middle of the
    detector was; reading k was made at the angle k * 360 / views.
    """

    values: Floats
    z_mm: Floats
    spiral: Spiral

    @property
    def angles_deg(self) -> Floats:
        """(readings,) degrees, turn after turn."""
        return np.arange(len(self.z_mm), dtype=np.float64) * 360 / self.spiral.views


def spiral_scan(
    parts: tuple[Part, ...],
    spiral: Spiral,
    first_mm: float,
    last_mm: float,
    energy_kev: float = 70.0,
    heights: int = 2,
) -> SpiralData:
    """Scan from first_mm up to last_mm with photons of one energy, without noise.

    Each row averages intensities over `heights` heights within its thickness. Raises ValueError
    when last_mm is not above first_mm.
    """
    if last_mm <= first_mm:
        raise ValueError(f"The scan must end above its start, got {first_mm:g} to {last_mm:g} mm.")
    z = table_heights(spiral, first_mm, last_mm)
    margin = 0.5 * spiral.collimation_mm
    crossed = between(parts, first_mm - margin, float(z[-1]) + margin)
    steps = ((np.arange(heights) + 0.5) / heights - 0.5) * spiral.row_mm
    angle = (np.arange(len(z)) * 360 / spiral.views)[:, None, None]
    positions = ParallelBeam(2, spiral.detectors, spiral.spacing_mm).positions_mm
    passed = np.zeros((len(z), spiral.rows, spiral.detectors))
    for step in steps:
        height = (z[:, None] + spiral.row_heights_mm + step)[..., None]
        origins, directions = lines(angle, positions, height)
        lengths = line_lengths(crossed, origins.reshape(-1, 3), directions.reshape(-1, 3))
        total = np.zeros(passed.size)
        for tissue, length in lengths.items():
            total += float(linear_attenuation(tissue, energy_kev)) * length
        passed += np.exp(-total.reshape(passed.shape)) / heights
    return SpiralData(-np.log(passed), z, spiral)


def table_heights(spiral: Spiral, first_mm: float, last_mm: float) -> Floats:
    """(readings,) mm: z of the middle of the detector at every reading."""
    count = int(np.floor((last_mm - first_mm) / spiral.feed_mm * spiral.views + 1e-9)) + 1
    return first_mm + np.arange(count, dtype=np.float64) * (spiral.feed_mm / spiral.views)


class Mix(NamedTuple):
    """Readings that make one view of a slice: number of the reading, row, whether the ray was seen
    from the other side, and weight; all (M,)."""

    reading: Ints
    row: Ints
    flipped: NDArray[np.bool_]
    weight: Floats


def interpolation(
    spiral: Spiral, heights_mm: Floats, z_mm: float, view: int, method: Method = "180LI"
) -> Mix:
    """The readings for view number `view` (0 to views / 2 - 1) of the slice at z_mm.

    none: the nearest reading made at this angle. 360LI: linear between the nearest readings above
    and below made at this angle, and the same for the opposite angle, half and half. 180LI: the
    opposite readings are taken as well, because they saw the same lines: neighbours are closer.
    heights_mm (readings,): as from `table_heights`. Raises ValueError for a slice that the scan
    does not enclose.
    """
    half = spiral.views // 2
    number = np.arange(len(heights_mm))
    same, opposite = (number[number % spiral.views == view + turn] for turn in (0, half))
    if method == "180LI":
        return _linear(spiral, heights_mm, z_mm, np.concatenate([same, opposite]), view)
    lots = [_linear(spiral, heights_mm, z_mm, lot, view) for lot in (same, opposite)]
    if method == "none":
        lots = [_nearest(lot) for lot in lots[:1]]
    columns = [np.concatenate(column) for column in zip(*lots, strict=True)]
    return Mix(columns[0], columns[1], columns[2], columns[3] / len(lots))


def _linear(spiral: Spiral, heights_mm: Floats, z_mm: float, lot: Ints, view: int) -> Mix:
    """Linear interpolation between the nearest rows below and above, among some readings."""
    z = (heights_mm[lot][:, None] + spiral.row_heights_mm).reshape(-1)
    reading, row = np.repeat(lot, spiral.rows), np.tile(np.arange(spiral.rows), len(lot))
    if not len(z) or z_mm < z.min() or z_mm > z.max():
        raise ValueError(
            f"The slice at {z_mm:g} mm is not enclosed by the scan: start earlier or end later."
        )
    order = np.argsort(z, kind="stable")
    above = min(max(int(np.searchsorted(z[order], z_mm)), 1), len(z) - 1)
    pair = order[[max(above - 1, 0), above]]
    gap = z[pair[1]] - z[pair[0]]
    share = (z_mm - z[pair[0]]) / gap if gap > 0 else 0.5
    flipped = reading[pair] % spiral.views != view
    return Mix(reading[pair], row[pair], flipped, np.array([1 - share, share]))


def _nearest(mix: Mix) -> Mix:
    """Only the heavier reading, with full weight."""
    best = [int(np.argmax(mix.weight))]
    return Mix(mix.reading[best], mix.row[best], mix.flipped[best], np.ones(1))


def slice_sinogram(
    data: SpiralData, z_mm: float, method: Method = "180LI"
) -> tuple[Floats, ParallelBeam]:
    """The sinogram (views / 2, detectors) of the slice at z_mm and its beam.

    Raises ValueError as `interpolation` does.
    """
    spiral = data.spiral
    beam = ParallelBeam(spiral.views // 2, spiral.detectors, spiral.spacing_mm)
    values = np.zeros((beam.views, beam.detectors))
    for view in range(beam.views):
        for reading, row, flipped, weight in zip(
            *interpolation(spiral, data.z_mm, z_mm, view, method), strict=True
        ):
            seen = data.values[reading, row]
            values[view] += weight * (seen[::-1] if flipped else seen)
    return values, beam


def slice_profile(spiral: Spiral, z_mm: Floats, method: Method = "180LI") -> Floats:
    """Slice sensitivity profile (n,), 1/mm: how much matter at heights z_mm (n,) counts in the
    slice at 0. Each reading senses a box as thick as its row; the integral is 1."""
    reach = 2 * spiral.feed_mm + spiral.collimation_mm
    heights = table_heights(spiral, -reach, reach)
    profile = np.zeros(len(z_mm))
    half = spiral.views // 2
    for view in range(half):
        mix = interpolation(spiral, heights, 0.0, view, method)
        centres = heights[mix.reading] + spiral.row_heights_mm[mix.row]
        inside = np.abs(z_mm[:, None] - centres) <= spiral.row_mm / 2
        profile += inside @ mix.weight / (half * spiral.row_mm)
    return profile


def width_at_half(z_mm: Floats, profile: Floats) -> float:
    """Full width at half maximum, mm, of a profile with one peak."""
    level = profile / profile.max() - 0.5
    inside = np.flatnonzero(level >= 0)
    first, last = inside[0], inside[-1]
    left = np.interp(0.0, level[first - 1 : first + 1], z_mm[first - 1 : first + 1])
    right = np.interp(0.0, level[[last + 1, last]], z_mm[[last + 1, last]])
    return float(right - left)
