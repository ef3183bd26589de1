"""How many cases does a study need? Power and sample size, asked before the data are collected.

*Power* is the chance that a study of this size finds what is really there. AUCs are planned with
two bell curves (the idea of Obuchowski and McClish, Stat Med 1997;16:1529, with the exact variances
of ``area_variance``), proportions with the binomial distribution itself. A sample size is the
smallest number whose power suffices; all tests are two-sided unless said otherwise.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

from scipy.stats import binom, norm

from course_lib.evaluation.area_variance import area_covariance, area_variance
from course_lib.evaluation.intervals import wilson


class Sample(NamedTuple):
    """Numbers of cases with and without the finding."""

    positives: int
    negatives: int


def power_of_auc(
    auc: float, positives: int, negatives: int, null: float = 0.5, alpha: float = 0.05
) -> float:
    """Power to show that a true ``auc`` differs from ``null`` (0.5: a coin)."""
    at_null = math.sqrt(area_variance(null, positives, negatives))
    at_truth = math.sqrt(area_variance(auc, positives, negatives))
    return _power(abs(auc - null), at_null, at_truth, alpha)


def power_of_difference(
    first: float,
    second: float,
    positives: int,
    negatives: int,
    correlation: float | None = None,
    alpha: float = 0.05,
) -> float:
    """Power to show that two true AUCs differ.

    ``correlation`` (0 to 1) of the two scores within each class makes it a paired study: the same
    cases for both. None makes it unpaired: that many *other* cases for the second.
    """
    middle = (first + second) / 2
    counts = (positives, negatives)
    at_null = _difference_error(middle, middle, counts, correlation)
    return _power(
        abs(first - second), at_null, _difference_error(first, second, counts, correlation), alpha
    )


def power_of_non_inferiority(
    new: float,
    old: float,
    margin: float,
    positives: int,
    negatives: int,
    correlation: float | None = None,
    alpha: float = 0.025,
) -> float:
    """Power to show that the new AUC is not worse than the old by ``margin`` or more.

    One-sided: shown when the lower confidence limit of new minus old lies above -margin. Raises
    ValueError for a margin that is not positive: it must be chosen, beforehand, by a clinician.
    """
    if margin <= 0:
        raise ValueError(f"The margin is the loss one would accept, above 0; {margin} is not.")
    error = _difference_error(new, old, (positives, negatives), correlation)
    return float(norm.cdf((new - old + margin) / error - norm.isf(alpha)))


def power_of_proportion(expected: float, minimum: float, cases: int, alpha: float = 0.025) -> float:
    """Power of the exact one-sided test that a share (sensitivity, say) lies above ``minimum``.

    The true share is ``expected``. It saws up and down with ``cases``, for counts are whole.
    """
    if not 0 <= minimum < expected <= 1:
        raise ValueError(f"Expected {expected} must lie above the minimum {minimum}, in 0 to 1.")
    needed = int(binom.isf(alpha, cases, minimum)) + 1  # fewer successes could still be luck
    return float(binom.sf(needed - 1, cases, expected))


def cases_for(
    power_of: Callable[[int, int], float], power: float = 0.8, negatives_per_positive: float = 1.0
) -> Sample:
    """The smallest sample whose power suffices.

    ``power_of(positives, negatives)`` is one of the functions above with the rest filled in, for
    instance ``lambda p, n: power_of_difference(0.85, 0.80, p, n, correlation=0.5)``.
    Raises ValueError when a million positives do not suffice: the effect is too small to be shown.
    """
    if not 0 < power < 1:
        raise ValueError(f"Power is a chance between 0 and 1; {power} is not.")

    def sample(positives: int) -> Sample:
        return Sample(positives, max(2, math.ceil(positives * negatives_per_positive - 1e-9)))

    high = 2
    while power_of(*sample(high)) < power:
        high *= 2
        if high > 1_000_000:
            raise ValueError("A million cases do not suffice; the effect is too small to show.")
    low = high // 2
    while high - low > 1:  # the answer lies above low and at or below high
        middle = (low + high) // 2
        low, high = (low, middle) if power_of(*sample(middle)) >= power else (middle, high)
    return sample(high)


def cases_for_proportion(
    expected: float, minimum: float, power: float = 0.8, alpha: float = 0.025
) -> int:
    """Cases to show that a share lies above ``minimum``, so that more never have less power.

    For a sensitivity these are cases *with* the finding. Raises ValueError when 20,000 are too few.
    """
    most = 64
    while power_of_proportion(expected, minimum, most, alpha) < power or most < 128:
        most *= 2
        if most > 20_000:
            raise ValueError("20,000 cases do not suffice; choose a lower minimum.")
    # The saw teeth shrink as cases grow: from four times as many on, none falls below the power.
    enough = [power_of_proportion(expected, minimum, n, alpha) >= power for n in range(1, 4 * most)]
    return len(enough) + 1 - next(i for i, fine in enumerate(reversed(enough)) if not fine)


def cases_for_width(expected: float, half_width: float, level: float = 0.95) -> int:
    """Cases after which Wilson's interval of a share is at most 2 ``half_width`` wide."""
    if not 0 < half_width < 0.5:
        raise ValueError(f"Half the width of an interval lies between 0 and 0.5; got {half_width}.")
    cases = 1
    while True:
        low, high = wilson(round(expected * cases), cases, level)
        if high - low <= 2 * half_width:
            return cases
        cases += max(1, cases // 200)


def to_screen(positives: int, prevalence: float) -> int:
    """Patients to include, on average, until ``positives`` of them have the finding."""
    if not 0 < prevalence <= 1:
        raise ValueError(f"Prevalence is a share above 0 and up to 1; {prevalence} is not.")
    return math.ceil(positives / prevalence - 1e-9)


def _power(effect: float, at_null: float, at_truth: float, alpha: float) -> float:
    """Chance that effect plus chance exceeds the critical value (the far side is negligible)."""
    return float(norm.cdf((effect - norm.isf(alpha / 2) * at_null) / at_truth))


def _difference_error(
    first: float, second: float, counts: tuple[int, int], correlation: float | None
) -> float:
    """Standard error of the difference of two AUCs, on the same or on different cases."""
    variance = area_variance(first, *counts) + area_variance(second, *counts)
    if correlation is not None:
        variance -= 2 * area_covariance(first, second, *counts, correlation, correlation)
    return math.sqrt(max(variance, 1e-300))
