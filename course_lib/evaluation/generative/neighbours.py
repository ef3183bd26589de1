"""Precision, recall, density, coverage, and copying: who lies near whom in feature space.

The region of a cloud is the union of balls around its films, each reaching to the k-th nearest
neighbour of its own kind. Precision: share of generated films inside the real region. Recall: share
of real films inside the generated region (Kynkaanniemi et al., arXiv:1904.06991). Density and
coverage (Naeem et al., arXiv:2002.09797) count balls around *real* films only, so that a single
far-off generated film cannot claim a large region.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.distance import cdist

from course_lib.evaluation.delong import delong
from course_lib.evaluation.generative.estimate import Estimate, feature_table, two_tables
from course_lib.evaluation.intervals import Interval, wilson


class PrecisionRecall(NamedTuple):
    """precision: are generated films like real ones? recall: are all kinds of real films made?"""

    precision: Estimate
    recall: Estimate


class DensityCoverage(NamedTuple):
    """density: real balls around a generated film, over k (may exceed 1). coverage: share of real
    films with a generated film within their ball."""

    density: Estimate
    coverage: Estimate


def precision_recall(
    real: ArrayLike, generated: ArrayLike, k: int = 3, level: float = 0.95
) -> PrecisionRecall:
    """Precision and recall of features (N, D) and (M, D) with Wilson's intervals.

    The intervals take the other cloud's region as given. Both measures grow with fewer features and
    with fewer films, so compare sets of equal size only, and with real against real.
    """
    first, second = _enough(real, generated, k)
    between = cdist(first, second)
    precise = (between <= _reach(first, k)[:, None]).any(axis=0)
    recalled = (between <= _reach(second, k)[None, :]).any(axis=1)
    return PrecisionRecall(_share(precise, level), _share(recalled, level))


def density_coverage(
    real: ArrayLike, generated: ArrayLike, k: int = 5, level: float = 0.95
) -> DensityCoverage:
    """Density and coverage of features (N, D) and (M, D); for real against real both are near 1.

    Density's interval is that of a mean over generated films, coverage's is Wilson's.
    """
    first, second = _enough(real, generated, k)
    inside = cdist(first, second) <= _reach(first, k)[:, None]
    balls = inside.sum(axis=0) / k
    half = 1.96 * balls.std(ddof=1) / np.sqrt(len(balls))
    density = Estimate(float(balls.mean()), Interval(balls.mean() - half, balls.mean() + half))
    return DensityCoverage(density, _share(inside.any(axis=1), level))


def inside_region(cloud: ArrayLike, films: ArrayLike, k: int = 3) -> NDArray[np.bool_]:
    """Which films (M, D) lie in the region of a cloud (N, D): bool (M,)."""
    first, second = two_tables(cloud, films, least=1)
    return (cdist(first, second) <= _reach(_enough(first, first, k)[0], k)[:, None]).any(axis=0)


def nearest(films: ArrayLike, among: ArrayLike) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """For each film (N, D) the number of the nearest one `among` (M, D), and its distance."""
    first, second = two_tables(films, among, least=1)
    distance = cdist(first, second)
    closest = distance.argmin(axis=1)
    return closest, distance[np.arange(len(first)), closest]


def copying(training: ArrayLike, unseen: ArrayLike, generated: ArrayLike) -> Estimate:
    """Do generated films lie nearer to the training films than unseen real films do?

    The chance that a generated film is nearer to its nearest training film than an unseen real one
    is to its own: 0.5 for new patients, near 1 for a generator that hands out copies, below 0.5 for
    films unlike any patient. DeLong's interval. Idea: Meehan et al., arXiv:2004.05675, who compare
    region by region.
    """
    truth = np.repeat([1, 0], [len(feature_table(generated, 1)), len(feature_table(unseen, 1))])
    distance = np.concatenate([nearest(generated, training)[1], nearest(unseen, training)[1]])
    area = delong(truth, -distance)
    return Estimate(area.auc, area.interval)


def _enough(real: ArrayLike, generated: ArrayLike, k: int) -> tuple[NDArray, NDArray]:
    if k < 1:
        raise ValueError(f"k counts neighbours: 1 or more, not {k}.")
    return two_tables(real, generated, least=k + 1)


def _reach(cloud: NDArray, k: int) -> NDArray[np.float64]:
    """Distance to the k-th nearest other film of the same cloud, (N,)."""
    return np.partition(cdist(cloud, cloud), k, axis=1)[:, k]  # the 0-th is the film itself


def _share(flags: NDArray[np.bool_], level: float) -> Estimate:
    return Estimate(float(flags.mean()), wilson(int(flags.sum()), flags.size, level))
