"""Confidence intervals: Wilson's for a proportion, the bootstrap for anything else."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm


class Interval(NamedTuple):
    """A confidence interval from ``low`` to ``high``."""

    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.low:.3f} to {self.high:.3f}"


def wilson(successes: int, trials: int, level: float = 0.95) -> Interval:
    """Wilson's score interval of a proportion (J Am Stat Assoc 1927;22:209).

    It stays inside 0 and 1 and is honest at 0 of n, where the textbook p +- 2 SE has no width.
    Raises ValueError unless 0 <= successes <= trials and trials > 0.
    """
    if not 0 <= successes <= trials or trials == 0:
        raise ValueError(f"{successes} successes in {trials} trials is not a proportion.")
    z2 = float(norm.ppf(0.5 + level / 2)) ** 2
    share = successes / trials
    centre = (share + z2 / (2 * trials)) / (1 + z2 / trials)
    half = np.sqrt(z2 * share * (1 - share) / trials + z2**2 / (4 * trials**2)) / (1 + z2 / trials)
    low = 0.0 if successes == 0 else float(centre - half)
    high = 1.0 if successes == trials else float(centre + half)
    return Interval(low, high)


def bootstrap(
    statistic: Callable[..., float],
    *arrays: ArrayLike,
    patients: ArrayLike | None = None,
    rounds: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> Interval:
    """Percentile bootstrap interval of ``statistic(*arrays)`` (Efron 1979).

    Each round draws as many patients as there are, with replacement, and takes all cases of each:
    ``patients`` (N,) names the patient of every case; without it every case is its own patient.
    Rounds in which the statistic is NaN (a class was not drawn) are left out; ValueError when
    that happens in more than half of them, for then the interval would mean nothing.
    """
    columns = [np.asarray(array) for array in arrays]
    if not columns or len({len(column) for column in columns}) != 1 or len(columns[0]) == 0:
        raise ValueError("The bootstrap needs one or more arrays of equal length, at least 1.")
    cases = _cases_by_patient(np.arange(len(columns[0])) if patients is None else patients)
    random = np.random.default_rng(seed)
    values = np.empty(rounds)
    for i in range(rounds):
        drawn = random.integers(len(cases), size=len(cases))
        rows = np.concatenate([cases[patient] for patient in drawn])
        values[i] = statistic(*(column[rows] for column in columns))
    usable = values[~np.isnan(values)]
    if 2 * usable.size < rounds:
        raise ValueError(
            f"The statistic was undefined in {rounds - usable.size} of {rounds} resamples; "
            "there are too few cases for an interval."
        )
    low, high = np.quantile(usable, [0.5 - level / 2, 0.5 + level / 2])
    return Interval(float(low), float(high))


def _cases_by_patient(patients: ArrayLike) -> list[NDArray[np.intp]]:
    """The row numbers of each patient."""
    unit = np.unique(np.asarray(patients), return_inverse=True)[1]
    order = np.argsort(unit, kind="stable")
    return np.split(order, np.cumsum(np.bincount(unit))[:-1])
