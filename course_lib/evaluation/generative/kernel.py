"""Kernel distance: an unbiased distance between two clouds, without the Gaussian in between.

The squared maximum mean discrepancy with the kernel (x.y / D + 1)^3, in which mean, covariance and
skewness of the clouds count. Binkowski et al., arXiv:1801.01401 (KID); Gretton et al., J Mach Learn
Res 2012;13:723, equation 3.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_lib.evaluation.generative.estimate import (
    UNKNOWN,
    Estimate,
    group_limits,
    jackknife_interval,
    two_tables,
)


def kernel_distance(
    real: ArrayLike, generated: ArrayLike, groups: int = 20, level: float = 0.95
) -> Estimate:
    """Unbiased MMD^2 of features (N, D) and (M, D) with the interval of the grouped jackknife.

    Its mean is 0 for two samples of the same films at *any* size, so single values can be negative.
    groups=0 leaves the interval out. Memory: three tables N x N, so thousands of films at most.
    """
    first, second = two_tables(real, generated)
    groups = groups if min(len(first), len(second)) >= 2 * groups else 0
    sums = _GroupSums(first, second, max(groups, 1))
    value = sums.distance()
    if groups < 2:
        return Estimate(value, UNKNOWN)
    left_out = [sums.distance(without=g) for g in range(groups)]
    return Estimate(value, jackknife_interval(value, left_out, level))


def cubic_kernel(first: NDArray, second: NDArray) -> NDArray[np.float64]:
    """(x.y / D + 1)^3 for all pairs of rows: (N, D) and (M, D) to (N, M)."""
    base = first @ second.T / first.shape[1] + 1
    return base * base * base  # ten times faster than a general power


class _GroupSums:
    """Sums of the kernel over pairs of groups: leaving a group out is then a subtraction."""

    def __init__(self, first: NDArray, second: NDArray, groups: int) -> None:
        rows, columns = group_limits(len(first), groups), group_limits(len(second), groups)
        self.own = _blocks(_without_self(cubic_kernel(first, first)), rows, rows)
        self.other = _blocks(_without_self(cubic_kernel(second, second)), columns, columns)
        self.mixed = _blocks(cubic_kernel(first, second), rows, columns)
        self.n = np.array([part.stop - part.start for part in rows])
        self.m = np.array([part.stop - part.start for part in columns])

    def distance(self, without: int | None = None) -> float:
        """The unbiased estimate: pairs of a film with itself are not counted."""
        kept = np.ones(len(self.n), dtype=bool)
        if without is not None:
            kept[without] = False
        n, m = self.n[kept].sum(), self.m[kept].sum()
        own, other, mixed = (x[kept][:, kept].sum() for x in (self.own, self.other, self.mixed))
        return float(own / (n * (n - 1)) + other / (m * (m - 1)) - 2 * mixed / (n * m))


def _without_self(kernel: NDArray) -> NDArray:
    np.fill_diagonal(kernel, 0)
    return kernel


def _blocks(kernel: NDArray, rows: list[slice], columns: list[slice]) -> NDArray[np.float64]:
    return np.array([[kernel[row, column].sum() for column in columns] for row in rows])
