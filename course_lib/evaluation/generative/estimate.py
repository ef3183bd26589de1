"""A number with its interval and, where needed, a word of warning; and what every table must be."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import t

from course_lib.evaluation.intervals import Interval

UNKNOWN = Interval(float("nan"), float("nan"))


@dataclass(frozen=True)
class Estimate:
    """A measure of generated films: value, interval (NaN where none is known), and a note.

    The note is empty, or one sentence that says why the value must be read with care.
    """

    value: float
    interval: Interval = UNKNOWN
    note: str = ""

    def __str__(self) -> str:
        known = not np.isnan(self.interval.low)
        limits = f" ({self.interval.low:.3g} to {self.interval.high:.3g})" if known else ""
        return f"{self.value:.3g}{limits}" + (f". {self.note}" if self.note else "")


def feature_table(features: ArrayLike, least: int = 2) -> NDArray[np.float64]:
    """Features as float64 (N, D). Raises ValueError for another shape, NaN or fewer than `least`.

    Films themselves, (N, 1, H, W), are taken with their pixels as features.
    """
    table = np.asarray(features, dtype=np.float64)
    if table.ndim > 2:
        table = table.reshape(len(table), -1)
    if table.ndim != 2 or table.shape[1] == 0:
        raise ValueError(f"Features must be a table (films, features); this is {table.shape}.")
    if len(table) < least:
        raise ValueError(
            f"{len(table)} film{'s are' if len(table) != 1 else ' is'} too few: {least} or more "
            "are needed, for a cloud of films is to be judged, not one."
        )
    if not np.isfinite(table).all():
        rows = np.flatnonzero(~np.isfinite(table).all(axis=1))
        raise ValueError(
            f"The features of {rows.size} films hold NaN or infinity, the first is number "
            f"{rows[0]}; look at the network or at the film."
        )
    return table


def two_tables(
    real: ArrayLike, generated: ArrayLike, least: int = 2
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Two tables with the same features, or ValueError."""
    first, second = feature_table(real, least), feature_table(generated, least)
    if first.shape[1] != second.shape[1]:
        raise ValueError(
            f"Real films have {first.shape[1]} features and generated films {second.shape[1]}: "
            "both must come from the same network."
        )
    return first, second


def group_limits(n: int, groups: int) -> list[slice]:
    """n cases dealt into `groups` neighbouring slices that differ by at most one case."""
    edges = np.linspace(0, n, groups + 1).round().astype(int)
    return [slice(low, high) for low, high in pairwise(edges)]


def jackknife_interval(value: float, left_out: ArrayLike, level: float = 0.95) -> Interval:
    """Interval of a statistic from its values with one group of cases left out at a time, (G,).

    Tukey's grouped jackknife: standard error sqrt((G - 1) / G * sum of squared deviations) and
    Student's t with G - 1 degrees of freedom. Unlike the bootstrap it never repeats a film; a cloud
    with repeated films would look smaller than it is.
    """
    values = np.asarray(left_out, dtype=np.float64)
    if values.size < 2:
        return UNKNOWN
    spread = np.sqrt((values.size - 1) / values.size * ((values - values.mean()) ** 2).sum())
    half = float(t.ppf(0.5 + level / 2, values.size - 1) * spread)
    return Interval(value - half, value + half)


def with_jackknife(
    statistic: Callable[..., float],
    *tables: NDArray,
    groups: int = 20,
    level: float = 0.95,
    note: str = "",
) -> Estimate:
    """`statistic(*tables)` with the interval of the grouped jackknife.

    The g-th group of all tables is left out together: they are independent, so their variances
    add. No interval with fewer than two groups, or fewer than two cases for each group.
    """
    value = statistic(*tables)
    if groups < 2 or min(map(len, tables)) < 2 * groups:
        return Estimate(value, UNKNOWN, note)
    parts = [group_limits(len(table), groups) for table in tables]
    left_out = [
        statistic(
            *(np.delete(table, part[g], axis=0) for table, part in zip(tables, parts, strict=True))
        )
        for g in range(groups)
    ]
    return Estimate(value, jackknife_interval(value, left_out, level), note)
