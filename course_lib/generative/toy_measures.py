"""Is anything missing? Measures of mode collapse for points whose true density is known.

Modes and share near them as in Srivastava et al. (VEEGAN), arXiv:1705.07761, section 4.1; recall
and precision by nearest neighbours as in Kynkaanniemi et al., arXiv:1904.06991, section 2.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.distance import cdist

from course_lib.generative.densities import Mixture
from course_lib.generative.toy_theory import kullback_leibler


@dataclass(frozen=True)
class ModeReport:
    """How points are spread over the modes of a mixture.

    counts: points near each mode (K,). near: share of all points that are near any mode. least:
    so many points make a mode count as hit.
    """

    counts: NDArray[np.int64]
    near: float
    least: int

    @property
    def hit(self) -> int:
        """Number of modes that got at least `least` points."""
        return int((self.counts >= self.least).sum())

    @property
    def imbalance(self) -> float:
        """KL divergence in nats of the counts from equal ones: 0 to log K; NaN without points."""
        if not self.counts.sum():
            return float("nan")
        equal = np.full(len(self.counts), 1 / len(self.counts))
        return kullback_leibler(self.counts / self.counts.sum(), equal)


def count_modes(
    points: ArrayLike, mixture: Mixture, within: float = 3.0, least: int = 1
) -> ModeReport:
    """Count points (N, d) within `within` standard deviations of the centre nearest to them.

    In the plane a share 1 - exp(-within^2 / 2) of true points is near, 98.9 % for three.
    """
    distance = cdist(_points(points, 1), mixture.centres)
    nearest = distance.argmin(axis=1)
    near = distance.min(axis=1) <= within * mixture.spread
    counts = np.bincount(nearest[near], minlength=len(mixture.centres))
    return ModeReport(counts, float(near.mean()), least)


def recall(real: ArrayLike, made: ArrayLike, k: int = 3) -> float:
    """Share of the real points (N, d) that the made ones (M, d) cover.

    A real point is covered if it lies in the ball round some made point that just reaches that
    point's k-th nearest made neighbour. Mode collapse lowers it.
    """
    return _covered(_points(real, 1), _points(made, k + 1), k)


def precision(real: ArrayLike, made: ArrayLike, k: int = 3) -> float:
    """Share of the made points that the real ones cover: are they where real points can be?"""
    return _covered(_points(made, 1), _points(real, k + 1), k)


def _covered(points: NDArray, by: NDArray, k: int) -> float:
    radius = np.sort(cdist(by, by), axis=1)[:, k]  # column 0 is the point itself
    return float((cdist(points, by) <= radius).any(axis=1).mean())


def _points(points: ArrayLike, least: int) -> NDArray[np.float64]:
    array = np.asarray(points, dtype=np.float64)
    if array.ndim != 2 or len(array) < least:
        raise ValueError(f"Give at least {least} points as (N, d), not an array {array.shape}.")
    if not np.isfinite(array).all():
        raise ValueError("Some points are not finite numbers: the generator has broken down.")
    return array
