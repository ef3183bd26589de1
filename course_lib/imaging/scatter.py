"""Scattered radiation and the grid that keeps part of it away.

In the energies of radiography most photons that leave the beam are scattered (Compton), not
absorbed, and many reach the detector somewhere else: a fog over the image. The amount follows a
power law drawn through the usual textbook figures (about 3.5 scattered photons per primary behind
200 mm of water in a 300 mm field; 0.4 behind a 40 mm breast); no photon is traced here.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from course_lib.imaging.attenuation import find_material
from course_lib.imaging.detector import PathLengths

_COARSE_PIXELS_PER_WIDTH = 8  # the fog is so smooth that a coarse copy of the image carries it


def water_equivalent(path_lengths: PathLengths) -> NDArray[np.float32]:
    """Thickness of water with the same mass along every ray, mm (density times length, summed)."""
    first, *others = (
        np.float32(find_material(name).density) * np.asarray(lengths, dtype=np.float32)
        for name, lengths in path_lengths.items()
    )
    for mass in others:
        first += mass
    return first


def scatter_to_primary(thickness_mm: NDArray | float, field_mm: float = 300.0) -> NDArray:
    """Scattered energy per primary energy behind `thickness_mm` of water, without a grid.

    field_mm: side of the irradiated square; a narrow beam makes little scatter.
    """
    reach = (1 - np.exp(-field_mm / 120.0)) / (1 - np.exp(-300.0 / 120.0))
    return 3.5 * (np.maximum(thickness_mm, 0) / 200.0) ** 1.3 * reach


def scatter_image(
    primary: NDArray[np.floating],
    thickness_mm: NDArray[np.floating],
    pixel_mm: float,
    width_mm: float = 40.0,
) -> NDArray[np.float32]:
    """The fog: what every ray scatters, spread over its neighbourhood by a Gaussian kernel.

    primary (H, W), any unit, kept; thickness_mm (H, W) of water; width_mm: the kernel's standard
    deviation. Computed on a coarse copy, because the result has no detail.
    """
    height, width = primary.shape
    field_mm = pixel_mm * float(np.sqrt(height * width))
    source = np.asarray(primary * scatter_to_primary(thickness_mm, field_mm), dtype=np.float32)
    shrink = max(1.0, width_mm / (_COARSE_PIXELS_PER_WIDTH * pixel_mm))
    coarse_size = (max(4, round(width / shrink)), max(4, round(height / shrink)))
    coarse = cv2.resize(source, coarse_size, interpolation=cv2.INTER_AREA)
    sigma = width_mm / (pixel_mm * width / coarse_size[0])
    # Beyond the collimated field nothing scatters: the border counts as zero.
    fog = cv2.GaussianBlur(coarse, (0, 0), sigma, borderType=cv2.BORDER_CONSTANT)
    return np.asarray(cv2.resize(fog, (width, height), interpolation=cv2.INTER_LINEAR))


@dataclass(frozen=True)
class Grid:
    """An anti-scatter grid: lead strips that point to the focal spot.

    ratio: height of the strips over the gap between them; open_share: gap over gap plus strip;
    interspace: share of photons that the filling lets through; leakage: share of the scatter that
    gets through or past the strips (lead is thin, scatter is partly forward).
    """

    ratio: float = 10.0
    open_share: float = 0.83
    interspace: float = 0.88
    leakage: float = 0.05

    @property
    def primary_transmission(self) -> float:
        """Share of the primary that passes."""
        return self.open_share * self.interspace

    @property
    def scatter_transmission(self) -> float:
        """Share of the scatter that passes.

        A ray with sideways slope s passes a gap with probability 1 - ratio * s; averaged over
        diffuse (Lambertian) scatter this is sqrt(1 + ratio^2) - ratio, about 1 / (2 ratio).
        """
        diffuse = np.hypot(1.0, self.ratio) - self.ratio
        return float(self.primary_transmission * diffuse + self.leakage)

    @property
    def selectivity(self) -> float:
        """Primary transmission over scatter transmission (IEC 60627)."""
        return self.primary_transmission / self.scatter_transmission

    def bucky_factor(self, scatter_per_primary: float) -> float:
        """How many times more exposure the grid needs for the same signal."""
        let_through = self.primary_transmission + self.scatter_transmission * scatter_per_primary
        return (1 + scatter_per_primary) / let_through

    def contrast_improvement(self, scatter_per_primary: float) -> float:
        """How many times higher the contrast of a small detail becomes."""
        return self.primary_transmission * self.bucky_factor(scatter_per_primary)


NO_GRID = Grid(ratio=0.0, open_share=1.0, interspace=1.0, leakage=0.0)
