"""Where the rays of a CT scanner run: parallel beams and fan beams.

A line in the slice is known by its angle theta and its distance s from the isocentre: it holds the
points with x cos(theta) + y sin(theta) = s, and runs along (-sin(theta), cos(theta)). x points to
the patient's left (the image's right), y to the back (downwards). At 0 degrees rays run from the
chest to the back.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def lines(angle_deg: ArrayLike, position_mm: ArrayLike, z_mm: ArrayLike) -> tuple[Floats, Floats]:
    """Origins and directions, both (..., 3), of the lines with these angles (degrees), distances
    from the isocentre and heights (mm), which are broadcast against each other."""
    theta, s, z = np.broadcast_arrays(np.radians(angle_deg), position_mm, z_mm)
    origins, directions = np.zeros((*theta.shape, 3)), np.zeros((*theta.shape, 3))
    cos, sin = np.cos(theta), np.sin(theta)
    origins[..., 0], origins[..., 1], origins[..., 2] = s * cos, s * sin, z
    directions[..., 0], directions[..., 1] = -sin, cos
    return origins, directions


def _elements(count: int, spacing: float, shift: float) -> Floats:
    """(count,) positions of detector elements, evenly spaced about 0, moved by shift elements."""
    return (np.arange(count, dtype=np.float64) - (count - 1) / 2 + shift) * spacing


def _check(views: int, detectors: int, spacing_mm: float, arc_deg: float) -> None:
    if views < 1 or detectors < 1:
        raise ValueError(f"A scan needs views and detectors, got {views} and {detectors}.")
    if spacing_mm <= 0 or arc_deg <= 0:
        raise ValueError(
            f"Spacing and arc must be positive, got {spacing_mm:g} mm and {arc_deg:g} degrees."
        )


@dataclass(frozen=True)
class ParallelBeam:
    """Parallel rays: `views` angles, evenly over arc_deg degrees from first_deg on, each with
    `detectors` rays spacing_mm apart. shift moves the detector by a part of one element."""

    views: int = 300
    detectors: int = 288
    spacing_mm: float = 1.5
    arc_deg: float = 180.0
    first_deg: float = 0.0
    shift: float = 0.0

    def __post_init__(self) -> None:
        _check(self.views, self.detectors, self.spacing_mm, self.arc_deg)

    @property
    def angles_deg(self) -> Floats:
        """(views,) degrees, ascending; the end of the arc is left out."""
        return self.first_deg + np.arange(self.views) * self.arc_deg / self.views

    @property
    def positions_mm(self) -> Floats:
        """(detectors,) mm: every ray's distance s from the isocentre."""
        return _elements(self.detectors, self.spacing_mm, self.shift)

    def coordinates(self) -> tuple[Floats, Floats]:
        """theta in degrees and s in mm of every ray, both (views, detectors)."""
        theta, s = np.broadcast_arrays(self.angles_deg[:, None], self.positions_mm)
        return theta, s


@dataclass(frozen=True)
class FanBeam:
    """A fan of rays from a point source that turns at source_mm from the isocentre.

    The detector is an arc about the source: elements are equal steps of the fan angle gamma,
    spacing_mm apart where they pass the isocentre. In view beta the source stands at
    source_mm * (sin(beta), -cos(beta)): at 0 degrees above the chest, then clockwise in the image.
    Ray (beta, gamma) is the line theta = beta - gamma, s = source_mm * sin(gamma).
    """

    views: int = 600
    detectors: int = 288
    spacing_mm: float = 1.5
    source_mm: float = 570.0
    arc_deg: float = 360.0
    first_deg: float = 0.0
    shift: float = 0.0

    def __post_init__(self) -> None:
        _check(self.views, self.detectors, self.spacing_mm, self.arc_deg)
        if np.abs(self.fan_deg).max() >= 80:
            raise ValueError("The fan is too wide: take fewer or smaller elements.")

    @property
    def angles_deg(self) -> Floats:
        """(views,) degrees: beta, where the source stands."""
        return self.first_deg + np.arange(self.views) * self.arc_deg / self.views

    @property
    def fan_deg(self) -> Floats:
        """(detectors,) degrees: gamma, every ray's angle to the central ray."""
        return np.degrees(_elements(self.detectors, self.spacing_mm, self.shift) / self.source_mm)

    @property
    def positions_mm(self) -> Floats:
        """(detectors,) mm: every ray's distance s from the isocentre."""
        return self.source_mm * np.sin(np.radians(self.fan_deg))

    @property
    def sources_mm(self) -> Floats:
        """(views, 2) mm: x and y of the source."""
        beta = np.radians(self.angles_deg)
        return self.source_mm * np.stack([np.sin(beta), -np.cos(beta)], -1)

    def coordinates(self) -> tuple[Floats, Floats]:
        """theta in degrees and s in mm of every ray, both (views, detectors)."""
        theta = self.angles_deg[:, None] - self.fan_deg
        return theta, np.broadcast_to(self.positions_mm, theta.shape)


Beam = ParallelBeam | FanBeam
