"""Confidence intervals: of a proportion, of a difference of two, and the bootstrap for the rest."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import beta, norm
from tqdm.auto import tqdm


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
    _check_proportion(successes, trials)
    z2 = normal_quantile(level) ** 2
    share = successes / trials
    centre = (share + z2 / (2 * trials)) / (1 + z2 / trials)
    half = np.sqrt(z2 * share * (1 - share) / trials + z2**2 / (4 * trials**2)) / (1 + z2 / trials)
    low = 0.0 if successes == 0 else float(centre - half)
    high = 1.0 if successes == trials else float(centre + half)
    return Interval(low, high)


def clopper_pearson(successes: int, trials: int, level: float = 0.95) -> Interval:
    """The "exact" interval of a proportion (Clopper and Pearson, Biometrika 1934;26:404).

    It covers the truth in at least ``level`` of all studies, mostly in more: it is wide.
    Regulators often ask for it. Raises ValueError as ``wilson`` does.
    """
    _check_proportion(successes, trials)
    tail, failures = (1 - level) / 2, trials - successes
    low = 0.0 if successes == 0 else float(beta.ppf(tail, successes, failures + 1))
    high = 1.0 if failures == 0 else float(beta.ppf(1 - tail, successes + 1, failures))
    return Interval(low, high)


def wald(successes: int, trials: int, level: float = 0.95) -> Interval:
    """The textbook's p +- z SE, kept to show how it fails: it has no width at 0 of n.

    Not cut at 0 and 1. Use ``wilson``. Raises ValueError as ``wilson`` does.
    """
    _check_proportion(successes, trials)
    share = successes / trials
    half = normal_quantile(level) * np.sqrt(share * (1 - share) / trials)
    return Interval(float(share - half), float(share + half))


def newcombe(
    successes: int, trials: int, other_successes: int, other_trials: int, level: float = 0.95
) -> Interval:
    """Interval of the difference of two proportions of *different* cases, first minus second.

    Newcombe, Statistics in Medicine 1998;17:873, method 10: the Wilson limits, combined.
    """
    return _newcombe(successes, trials, other_successes, other_trials, level, correlation=0.0)


def newcombe_paired(
    both: int, only_first: int, only_second: int, neither: int, level: float = 0.95
) -> Interval:
    """Interval of the difference of two proportions of the *same* cases, first minus second.

    For instance the sensitivities of two readers of the same films: how many sick films both
    found, only the first, only the second, neither. Newcombe, Statistics in Medicine
    1998;17:2635, method 10. Raises ValueError for negative counts or no cases at all.
    """
    counts = (both, only_first, only_second, neither)
    if min(counts) < 0 or sum(counts) == 0:
        raise ValueError(f"The four counts must be 0 or more and not all 0; they are {counts}.")
    n, product = sum(counts), both * neither - only_first * only_second
    first, second = both + only_first, both + only_second
    scale = float(np.sqrt(float(first) * (n - first) * second * (n - second)))
    # A correction for continuity, for positive correlation only.
    product_ = max(product - n / 2, 0.0) if product > 0 else float(product)
    return _newcombe(first, n, second, n, level, product_ / scale if scale else 0.0)


def _newcombe(
    successes: int, trials: int, others: int, other_trials: int, level: float, correlation: float
) -> Interval:
    """Root of summed squares of the distances to the Wilson limits, less what the two share."""
    (low, high), p = wilson(successes, trials, level), successes / trials
    (low2, high2), q = wilson(others, other_trials, level), others / other_trials

    def distance(one: float, other: float) -> float:
        return float(np.sqrt(max(one**2 + other**2 - 2 * correlation * one * other, 0.0)))

    return Interval(p - q - distance(p - low, high2 - q), p - q + distance(high - p, q - low2))


def _check_proportion(successes: int, trials: int) -> None:
    if not 0 <= successes <= trials or trials == 0:
        raise ValueError(f"{successes} successes in {trials} trials is not a proportion.")


def normal_quantile(level: float) -> float:
    """How many standard errors a two-sided interval reaches: 1.96 for a level of 0.95."""
    if not 0 < level < 1:
        raise ValueError(f"A confidence level lies between 0 and 1; {level} does not.")
    return float(norm.ppf(0.5 + level / 2))


def bootstrap(
    statistic: Callable[..., float],
    *arrays: ArrayLike,
    patients: ArrayLike | None = None,
    rounds: int = 1000,
    seed: int = 0,
    level: float = 0.95,
    progress: bool = False,
) -> Interval:
    """Percentile bootstrap interval of ``statistic(*arrays)`` (Efron 1979).

    Each round draws as many patients as there are, with replacement, and takes all cases of each:
    ``patients`` (N,) names the patient of every case; without it every case is its own patient.
    ``progress`` shows a bar. Rounds in which the statistic is NaN (a class was not drawn) are left
    out; ValueError when that happens in more than half of them, for then the interval would mean
    nothing. NaN to NaN when all rounds give the same value: cases without variation say nothing
    about how sure we are, and a width of 0 would be a lie.
    """
    columns = [np.asarray(array) for array in arrays]
    if not columns or len({len(column) for column in columns}) != 1 or len(columns[0]) == 0:
        raise ValueError("The bootstrap needs one or more arrays of equal length, at least 1.")
    cases = _cases_by_patient(np.arange(len(columns[0])) if patients is None else patients)
    if sum(map(len, cases)) != len(columns[0]):
        raise ValueError(f"Give one patient for each of the {len(columns[0])} cases.")
    single = np.concatenate(cases) if all(len(rows) == 1 for rows in cases) else None
    random = np.random.default_rng(seed)
    values = np.empty(rounds)
    for i in tqdm(range(rounds), desc="bootstrap", disable=None if progress else True):
        drawn = random.integers(len(cases), size=len(cases))
        rows = np.concatenate([cases[j] for j in drawn]) if single is None else single[drawn]
        values[i] = statistic(*(column[rows] for column in columns))
    return percentile_interval(values, level)


def percentile_interval(values: ArrayLike, level: float = 0.95) -> Interval:
    """The middle ``level`` of resampled values (R,); what is NaN and what is refused: as above."""
    values = np.asarray(values, dtype=np.float64)
    usable = values[~np.isnan(values)]
    if 2 * usable.size < values.size or usable.size == 0:
        raise ValueError(
            f"The statistic was undefined in {values.size - usable.size} of {values.size} "
            "resamples; there are too few cases for an interval."
        )
    if np.ptp(usable) == 0:
        return Interval(float("nan"), float("nan"))
    low, high = np.quantile(usable, [0.5 - level / 2, 0.5 + level / 2])
    return Interval(float(low), float(high))


def _cases_by_patient(patients: ArrayLike) -> list[NDArray[np.intp]]:
    """The row numbers of each patient."""
    unit = np.unique(np.asarray(patients), return_inverse=True)[1]
    order = np.argsort(unit, kind="stable")
    return np.split(order, np.cumsum(np.bincount(unit))[:-1])
