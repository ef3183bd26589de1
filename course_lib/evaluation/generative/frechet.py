"""Frechet distance: how far apart two clouds of features are, and what chance alone gives.

Each cloud is described by its mean and its covariance, as if it were a Gaussian. Heusel et al.,
arXiv:1706.08500, equation 6; Dowson and Landau, J Multivar Anal 1982;12:450. Small samples make the
distance too large; Chong and Forsyth, arXiv:1911.07023, extrapolate to endless samples.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_lib.evaluation.generative.estimate import (
    Estimate,
    feature_table,
    group_limits,
    jackknife_interval,
    two_tables,
    with_jackknife,
)
from course_lib.evaluation.intervals import Interval, percentile_interval


def moments(features: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean (D,) and unbiased covariance (D, D) of features (N, D), N at least 2."""
    table = feature_table(features)
    return table.mean(axis=0), np.cov(table, rowvar=False).reshape(2 * (table.shape[1],))


def frechet_from_moments(
    mean_a: ArrayLike, covariance_a: ArrayLike, mean_b: ArrayLike, covariance_b: ArrayLike
) -> float:
    """|mean difference|^2 + tr(A + B - 2 (A^1/2 B A^1/2)^1/2).

    Square roots are taken by eigenvalues, which are real for symmetric matrices: no imaginary
    part to throw away, and matrices without full rank do no harm. Raises ValueError for shapes
    that do not belong together and for NaN.
    """
    arrays = [np.asarray(x, np.float64) for x in (mean_a, covariance_a, mean_b, covariance_b)]
    first, spread, second, other = arrays
    width = first.size
    if [x.shape for x in arrays] != [(width,), (width, width)] * 2:
        raise ValueError(
            f"Means and covariances have the shapes {', '.join(str(x.shape) for x in arrays)}; "
            "(D,), (D, D), (D,), (D, D) are needed."
        )
    if not all(np.isfinite(x).all() for x in arrays):
        raise ValueError("A mean or covariance holds NaN or infinity.")
    values, vectors = np.linalg.eigh(spread)
    root = (vectors * np.sqrt(values.clip(min=0))) @ vectors.T
    shared = np.sqrt(np.linalg.eigvalsh(root @ other @ root).clip(min=0)).sum()
    distance = ((first - second) ** 2).sum() + np.trace(spread) + np.trace(other) - 2 * shared
    return max(0.0, float(distance))


def frechet_distance(
    real: ArrayLike, generated: ArrayLike, groups: int = 20, level: float = 0.95
) -> Estimate:
    """Frechet distance of features (N, D) and (M, D) with the interval of the grouped jackknife.

    The interval says how the value moves with the films drawn, at these N and M. It does not remove
    the bias, which is the same for two sets of the same size only: compare with ``real_floor``.
    groups=0 leaves the interval out. The note warns of fewer films than features.
    """
    first, second = two_tables(real, generated)
    return with_jackknife(
        _plain, first, second, groups=groups, level=level, note=_too_few(first, second)
    )


def expected_between_equals(width: int, n: int) -> float:
    """About what two samples of n from the *same* standard Gaussian give: 2d/n + d(d+1)/(2n).

    The first term is the chance difference of the two means, the second that of the covariances
    (to first order in 1/n; delta method). d: ``width``, the number of features.
    """
    if width < 1 or n < 2:
        raise ValueError(f"One feature and two films at least; these are {width} and {n}.")
    return 2 * width / n + width * (width + 1) / (2 * n)


@dataclass(frozen=True)
class Floor:
    """What a measure gives between real and real: `values` (R,) of R random divisions."""

    values: NDArray[np.float64]
    films: int

    @property
    def mean(self) -> float:
        """Mean over the divisions."""
        return float(self.values.mean())

    @property
    def interval(self) -> Interval:
        """The middle 95 % of the divisions."""
        return percentile_interval(self.values)

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.mean:.3g} ({low:.3g} to {high:.3g}), {self.films} against {self.films} films"


def real_floor(
    real: ArrayLike,
    n: int,
    rounds: int = 20,
    seed: int = 0,
    distance: Callable[[NDArray, NDArray], float] | None = None,
) -> Floor:
    """The distance between n real films and n other real films, for `rounds` random divisions.

    distance: of two feature tables; the Frechet distance where none is given. Raises ValueError if
    there are fewer than 2n films.
    """
    table = feature_table(real)
    if not 2 <= n <= len(table) // 2:
        raise ValueError(f"{len(table)} films cannot be divided into two sets of {n}; 2 or more.")
    measure = distance or _plain
    random = np.random.default_rng(seed)
    values = []
    for _ in range(rounds):
        order = random.permutation(len(table))
        values.append(measure(table[order[:n]], table[order[n : 2 * n]]))
    return Floor(np.array(values), n)


@dataclass(frozen=True)
class Extrapolation:
    """Frechet distances (S,) at sample sizes (S,), and the straight line in 1/n through them."""

    sizes: NDArray[np.int64]
    distances: NDArray[np.float64]
    at_infinity: Estimate
    slope: float


def extrapolated_frechet(
    real: ArrayLike,
    generated: ArrayLike,
    sizes: int = 10,
    rounds: int = 3,
    groups: int = 10,
    seed: int = 0,
) -> Extrapolation:
    """What the Frechet distance would be with endless films (Chong and Forsyth 2020).

    The bias is nearly proportional to 1/n. So the distance is measured at `sizes` sample sizes
    between a third of the films and all, on `rounds` random subsets each of both sets, and a
    line in 1/n is continued to zero. The interval is that of the grouped jackknife of all this.
    Chance can put the result slightly below zero where the clouds are the same.
    """
    first, second = two_tables(real, generated, least=30)
    counts, distances = _at_sizes(first, second, sizes, rounds, seed)
    slope, value = np.polyfit(1 / counts, distances, 1)
    parts = [group_limits(len(table), groups) for table in (first, second)]
    left_out = []
    for g in range(groups):
        fewer = [
            np.delete(table, part[g], 0) for table, part in zip((first, second), parts, strict=True)
        ]
        n, d = _at_sizes(fewer[0], fewer[1], sizes, rounds, seed)
        left_out.append(np.polyfit(1 / n, d, 1)[1])
    interval = jackknife_interval(float(value), left_out)
    estimate = Estimate(float(value), interval, _too_few(first[: counts[0]], second[: counts[0]]))
    return Extrapolation(counts, distances, estimate, float(slope))


def _at_sizes(
    first: NDArray, second: NDArray, sizes: int, rounds: int, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Sample sizes (S,) and the mean distance of random subsets of that size (S,)."""
    random = np.random.default_rng(seed)
    n = min(len(first), len(second))
    counts = np.linspace(n / 3, n, sizes).round().astype(np.int64)
    distances = [
        np.mean(
            [
                _plain(random.permutation(first)[:count], random.permutation(second)[:count])
                for _ in range(rounds)
            ]
        )
        for count in counts
    ]
    return counts, np.array(distances)


def _plain(first: NDArray, second: NDArray) -> float:
    return frechet_from_moments(*moments(first), *moments(second))


def _too_few(first: NDArray, second: NDArray) -> str:
    films, width = min(len(first), len(second)), first.shape[1]
    if films > width:
        return ""
    return (
        f"Only {films} films for {width} features: the covariance is incomplete and the distance "
        f"much too large; take several times {width} films."
    )
