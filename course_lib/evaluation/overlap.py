"""How well does a segmentation fill the reference? Overlap measures with their awkward cases said.

Policy, the same for every measure here:

- a share of nothing is NaN ("undefined"), never 0 or 1: both masks empty is a right answer, but
  there is nothing to overlap; count such cases beside the mean (``summarise`` does);
- a missed organ (only the prediction empty) and an invented one (only the reference empty) have
  Dice 0. They are the worst cases, and dropping them from the mean would hide them.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class Overlap:
    """Volumes in mm^3 (or voxels, without a spacing): in both masks, and in one of them only."""

    both: float
    only_reference: float
    only_predicted: float

    @property
    def reference(self) -> float:
        """Volume of the reference."""
        return self.both + self.only_reference

    @property
    def predicted(self) -> float:
        """Volume of the prediction."""
        return self.both + self.only_predicted

    @property
    def dice(self) -> float:
        """Shared volume over the mean of the two (Dice 1945; the F1 of voxels)."""
        return _share(2 * self.both, self.reference + self.predicted)

    @property
    def jaccard(self) -> float:
        """Shared volume over the volume of the union; Dice / (2 - Dice)."""
        return _share(self.both, self.both + self.only_reference + self.only_predicted)

    @property
    def sensitivity(self) -> float:
        """Share of the reference that was found; NaN when the reference is empty."""
        return _share(self.both, self.reference)

    @property
    def precision(self) -> float:
        """Share of the prediction that is right; NaN when the prediction is empty."""
        return _share(self.both, self.predicted)

    @property
    def volume_similarity(self) -> float:
        """1 for equal volumes, wherever they lie (Taha and Hanbury, BMC Med Imaging 2015;15:29)."""
        apart = abs(self.only_reference - self.only_predicted)
        whole = self.reference + self.predicted
        return _share(whole - apart, whole)

    @property
    def volume_difference(self) -> float:
        """Predicted minus reference volume, in mm^3 (or voxels)."""
        return self.predicted - self.reference


def overlap(
    reference: ArrayLike, predicted: ArrayLike, spacing_mm: tuple[float, ...] | None = None
) -> Overlap:
    """Compare two masks (bool or 0/1) of the same shape.

    ``spacing_mm``, one per axis, turns voxels into mm^3. Raises ValueError for other values or
    shapes, and for a spacing that does not fit.
    """
    one, two = as_masks(reference, predicted)
    voxel = 1.0 if spacing_mm is None else float(np.prod(checked_spacing(spacing_mm, one.ndim)))
    return Overlap(
        voxel * int((one & two).sum()),
        voxel * int((one & ~two).sum()),
        voxel * int((two & ~one).sum()),
    )


@dataclass(frozen=True)
class Summary:
    """Mean and median of a measure over cases, and what they could not hold.

    ``undefined`` cases (NaN: both masks empty) are not in the mean, but counted. ``infinite`` ones
    (a surface distance to nothing) are, and make the mean infinite, so nobody can overlook them.
    """

    mean: float
    median: float
    cases: int
    undefined: int
    infinite: int

    def __str__(self) -> str:
        text = f"mean {self.mean:.3g}, median {self.median:.3g} of {self.cases} cases"
        return f"{text}; {self.undefined} undefined, {self.infinite} infinite"


def summarise(values: ArrayLike, for_missed: float | None = None) -> Summary:
    """Summarise one measure over (N,) cases; nothing is dropped in silence.

    ``for_missed`` replaces infinity by a stated penalty (for instance the image's diagonal in mm);
    ``infinite`` still counts those cases. Everything NaN when no case is defined.
    """
    array = np.asarray(values, dtype=np.float64)
    infinite = np.isinf(array)
    filled = array if for_missed is None else np.where(infinite, for_missed, array)
    defined = filled[~np.isnan(filled)]
    nan = float("nan")
    mean, median = (
        (float(defined.mean()), float(np.median(defined))) if defined.size else (nan, nan)
    )
    undefined = array.size - defined.size
    return Summary(mean, median, array.size, undefined, int(infinite.sum()))


def as_masks(reference: ArrayLike, predicted: ArrayLike) -> tuple[NDArray, NDArray]:
    """Both as bool arrays; ValueError when the shapes differ or a value is neither 0 nor 1."""
    masks = np.asarray(reference), np.asarray(predicted)
    if masks[0].shape != masks[1].shape:
        raise ValueError(
            f"The masks have shapes {masks[0].shape} and {masks[1].shape}; resample one first."
        )
    for mask in masks:
        if mask.dtype != bool and not np.isin(mask, (0, 1)).all():
            raise ValueError("A mask holds only 0 and 1; of a label map compare one label each.")
    return masks[0].astype(bool), masks[1].astype(bool)


def checked_spacing(spacing_mm: tuple[float, ...], axes: int) -> NDArray[np.float64]:
    """The spacing as an array; ValueError unless it is one positive number of mm per axis."""
    spacing = np.asarray(spacing_mm, dtype=np.float64)
    if spacing.shape != (axes,) or not (np.isfinite(spacing) & (spacing > 0)).all():
        raise ValueError(f"Give {axes} positive spacings in mm, one per axis; got {spacing_mm}.")
    return spacing


def _share(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")
