"""How far apart are the surfaces of two segmentations, in mm?

*Hausdorff distance* (HD): the worst point. *HD95*: its 95th percentile. *Average surface distance*
(ASD, and ASSD for both directions). *Surface Dice*: the share of both surfaces that lies within a
tolerance (Nikolov et al., J Med Internet Res 2021;23:e26151).

Programs agree on HD but not on HD95, because they disagree on what a surface is made of and on
how two directions become one number. So the convention has a name here:

- ``surface-distance``: facets of a smooth surface between voxels, weighted by area; the larger
  percentile of the two directions;
- ``monai``: boundary voxels, each counting one; the larger percentile of the two directions;
- ``simpleitk``: boundary voxels; one percentile of both directions' distances put together (as
  the notebooks of SimpleITK, and MedPy, do).

Policy: to an empty mask every distance is infinite (HD, HD95, ASSD inf; surface Dice 0); with both
masks empty all is undefined (NaN). ``overlap.summarise`` counts both kinds and drops neither.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import binary_erosion
from scipy.spatial import KDTree

from course_lib.evaluation.overlap import as_masks, checked_spacing
from course_lib.evaluation.surface_facets import facets

CONVENTIONS = ("surface-distance", "monai", "simpleitk")


@dataclass(frozen=True)
class SurfaceDistances:
    """Distance in mm of every piece of each surface to the other surface, and the pieces' sizes.

    Arrays (n,) for the reference and (m,) for the prediction, sorted by distance. Sizes are areas
    in mm^2 (lengths in mm for a picture), or 1 per boundary voxel.
    """

    of_reference: NDArray[np.float64]
    of_predicted: NDArray[np.float64]
    reference_sizes: NDArray[np.float64]
    predicted_sizes: NDArray[np.float64]

    @property
    def hausdorff(self) -> float:
        """Largest of all distances in mm; all conventions agree on it."""
        return _largest(np.concatenate([self.of_reference, self.of_predicted]))

    @property
    def averages(self) -> tuple[float, float]:
        """ASD from the reference to the prediction, and back: mm, weighted by size."""
        return (
            _average(self.of_reference, self.reference_sizes),
            _average(self.of_predicted, self.predicted_sizes),
        )

    @property
    def assd(self) -> float:
        """Average symmetric surface distance: all pieces of both surfaces together, mm."""
        return _average(
            np.concatenate([self.of_reference, self.of_predicted]),
            np.concatenate([self.reference_sizes, self.predicted_sizes]),
        )

    def surface_dice(self, tolerance_mm: float) -> float:
        """Share of both surfaces that lies within ``tolerance_mm`` of the other one."""
        if tolerance_mm < 0:
            raise ValueError(f"A tolerance is 0 mm or more; {tolerance_mm} is not.")
        whole = self.reference_sizes.sum() + self.predicted_sizes.sum()
        if whole == 0:
            return float("nan")
        near = self.reference_sizes[self.of_reference <= tolerance_mm].sum()
        near += self.predicted_sizes[self.of_predicted <= tolerance_mm].sum()
        return float(near / whole)


def surface_distances(
    reference: ArrayLike,
    predicted: ArrayLike,
    spacing_mm: tuple[float, ...],
    convention: str = "surface-distance",
) -> SurfaceDistances:
    """Compare the surfaces of two masks (2 or 3 axes, bool or 0/1, the same shape).

    ``spacing_mm`` is one number per axis, in the order of the axes (z, y, x). Raises ValueError
    for other shapes or values, a spacing that does not fit, or an unknown convention.
    """
    one, two = as_masks(reference, predicted)
    if one.ndim not in (2, 3):
        raise ValueError(f"A mask has 2 or 3 axes; these have {one.ndim}.")
    spacing = checked_spacing(spacing_mm, one.ndim)
    pieces = _pieces(convention)
    one, two = _cropped(one, two)
    here, here_sizes = pieces(one, spacing)
    there, there_sizes = pieces(two, spacing)
    of_reference, reference_sizes = _sorted(_nearest(here, there), here_sizes)
    of_predicted, predicted_sizes = _sorted(_nearest(there, here), there_sizes)
    return SurfaceDistances(of_reference, of_predicted, reference_sizes, predicted_sizes)


def hausdorff(reference: ArrayLike, predicted: ArrayLike, spacing_mm: tuple[float, ...]) -> float:
    """Hausdorff distance in mm: inf when one mask is empty, NaN when both are."""
    return surface_distances(reference, predicted, spacing_mm).hausdorff


def hausdorff_percentile(
    reference: ArrayLike,
    predicted: ArrayLike,
    spacing_mm: tuple[float, ...],
    percent: float = 95,
    convention: str = "surface-distance",
) -> float:
    """Percentile of the surface distances in mm (HD95 by default) in the named convention."""
    if not 0 <= percent <= 100:
        raise ValueError(f"A percentile lies between 0 and 100; {percent} does not.")
    found = surface_distances(reference, predicted, spacing_mm, convention)
    both = np.concatenate([found.of_reference, found.of_predicted])
    if both.size == 0 or np.isinf(both).any():
        return _largest(both)  # NaN or inf: there is no other surface to measure to
    if convention == "simpleitk":
        return float(np.percentile(both, percent))
    if convention == "monai":
        one, two = (np.percentile(d, percent) for d in (found.of_reference, found.of_predicted))
        return float(max(one, two))
    return max(
        _weighted_percentile(found.of_reference, found.reference_sizes, percent),
        _weighted_percentile(found.of_predicted, found.predicted_sizes, percent),
    )


Pieces = Callable[[NDArray, NDArray], tuple[NDArray, NDArray]]


def _pieces(convention: str) -> Pieces:
    """The function that cuts a mask's surface into pieces: points (n, axes) in mm, and sizes."""
    if convention not in CONVENTIONS:
        raise ValueError(f"'{convention}' is no known convention; there are {CONVENTIONS}.")
    return facets if convention == "surface-distance" else _boundary_voxels


def _cropped(one: NDArray, two: NDArray) -> tuple[NDArray, NDArray]:
    """The part of the image that holds both masks; the rest would only cost memory."""
    filled = np.argwhere(one | two)
    if len(filled) == 0:
        return one, two
    box = tuple(
        slice(a, b + 1) for a, b in zip(filled.min(axis=0), filled.max(axis=0), strict=True)
    )
    return one[box], two[box]


def _boundary_voxels(mask: NDArray, spacing: NDArray) -> tuple[NDArray, NDArray]:
    """Voxels of the mask with a neighbour (across a face) outside; the image's rim is outside."""
    points = np.argwhere(mask & ~binary_erosion(mask)) * spacing
    return points, np.ones(len(points))


def _nearest(points: NDArray, others: NDArray) -> NDArray[np.float64]:
    """Distance from each point to the nearest of the others; infinite when there are none."""
    if len(points) == 0 or len(others) == 0:
        return np.full(len(points), np.inf)
    # Rounded, because the last bits of coordinates must not decide what is within a tolerance.
    return np.round(KDTree(others).query(points)[0], 9)


def _sorted(distances: NDArray, sizes: NDArray) -> tuple[NDArray, NDArray]:
    order = np.lexsort((sizes, distances))
    return distances[order], sizes[order]


def _weighted_percentile(distances: NDArray, sizes: NDArray, percent: float) -> float:
    """The distance below which ``percent`` of the surface's area lies; no interpolation."""
    share = np.cumsum(sizes) / sizes.sum()
    first = int(np.searchsorted(share, percent / 100))
    return float(distances[min(first, len(distances) - 1)])


def _average(distances: NDArray, sizes: NDArray) -> float:
    """Mean distance; inf to an empty mask. NaN for a surface that is not there, when alone."""
    if distances.size == 0:
        return float("nan")
    return float((distances * sizes).sum() / sizes.sum())


def _largest(distances: NDArray) -> float:
    return float(distances.max()) if distances.size else float("nan")
