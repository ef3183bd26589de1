"""How much of a calibration error is chance?

Every bin's gap is taken without its sign, so chance alone makes it positive: an honest network,
measured on few films, has an error as well. Three remedies: compare with what an honest network
would show on as many films (``errors_if_honest``), take the expected surplus away
(``debiased_squared_error``), and give an interval (``error_interval``).
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_lib.evaluation.calibration import Binning
from course_lib.evaluation.calibration_classes import (
    USUAL_BINS,
    confidence_error,
    confidence_reliability,
)
from course_lib.evaluation.calibration_inputs import (
    checked_probabilities,
    classes_and_probabilities,
)
from course_lib.evaluation.intervals import Interval, percentile_interval

Measure = Callable[[NDArray, NDArray], float]


def drawn_classes(
    probability: ArrayLike, random: np.random.Generator, check: bool = True
) -> NDArray[np.intp]:
    """Classes (N,) drawn from the probabilities (N, K): what would be true were they honest."""
    p = checked_probabilities(probability) if check else np.asarray(probability)
    steps = p.cumsum(1)
    # Scaled by the row's sum, lest a rounding error draws a class that there is not.
    place = random.random((len(p), 1)) * steps[:, -1:]
    return np.asarray((place >= steps).sum(1), dtype=np.intp)


def errors_if_honest(
    probability: ArrayLike, measure: Measure = confidence_error, rounds: int = 200, seed: int = 0
) -> NDArray[np.float64]:
    """``measure`` of networks that say the same and are honest, (rounds,).

    Consistency resampling (Broecker and Smith, Weather and Forecasting 2007;22:651): the truth is
    drawn anew from the probabilities. Their mean is what the measure shows without any fault.
    """
    p = checked_probabilities(probability)
    random = np.random.default_rng(seed)
    return np.array([measure(drawn_classes(p, random, False), p) for _ in range(_rounds(rounds))])


def honesty_p_value(
    classes: ArrayLike,
    probability: ArrayLike,
    measure: Measure = confidence_error,
    rounds: int = 200,
    seed: int = 0,
) -> float:
    """How often an honest network would show an error at least as large; never below 1/(rounds+1).

    A large value does not show honesty: with few films every network passes.
    """
    y, p = classes_and_probabilities(classes, probability)
    chance = errors_if_honest(p, measure, rounds, seed)
    return float((1 + (chance >= measure(y, p) - 1e-12).sum()) / (rounds + 1))


def error_interval(
    classes: ArrayLike,
    probability: ArrayLike,
    measure: Measure = confidence_error,
    rounds: int = 300,
    seed: int = 0,
    level: float = 0.95,
) -> Interval:
    """Bootstrap interval of a calibration error, reflected at the measured value.

    Resampled films add chance to chance, so their errors are too large by about as much as the
    measured one is: the reflected interval 2 m - (q_high, q_low) takes it away, the usual
    percentile interval adds it again. (Davison and Hinkley 1997, section 5.2: the basic bootstrap.)
    """
    y, p = classes_and_probabilities(classes, probability)
    random = np.random.default_rng(seed)
    values = []
    for _ in range(_rounds(rounds)):
        rows = random.integers(len(y), size=len(y))
        values.append(measure(y[rows], p[rows]))
    measured = measure(y, p)
    low, high = percentile_interval(values, level)
    return Interval(max(2 * measured - high, 0.0), max(2 * measured - low, 0.0))


def debiased_squared_error(
    classes: ArrayLike, probability: ArrayLike, bins: int = USUAL_BINS, by: Binning = "mass"
) -> float:
    """Mean squared gap of the bins less what chance adds to it: o (1 - o) / (n - 1) per bin.

    Broecker, Climate Dynamics 2012;39:655; Kumar, NeurIPS 2019 (arXiv:1909.10155). Right on
    average, so it may be below 0. Bins with a single case are left out; NaN if there is no other.
    """
    points = [p for p in confidence_reliability(classes, probability, bins, by) if p.cases > 1]
    if not points:
        return float("nan")
    gaps = [
        (p.promised - p.observed) ** 2 - p.observed * (1 - p.observed) / (p.cases - 1)
        for p in points
    ]
    return float(np.average(gaps, weights=[p.cases for p in points]))


def _rounds(rounds: int) -> int:
    if rounds < 1:
        raise ValueError(f"There must be at least one round, not {rounds}.")
    return rounds
