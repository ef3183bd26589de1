"""Measurements in millimetres or HU: how far off, how scattered, and do two methods agree?

"Accuracy" has two meanings. For a classifier it is the share of right calls (``rates``). For a
measurement it is closeness to the truth, and ISO 5725 splits it: *trueness* (is the mean right?)
and *precision* (do repeats agree?). "Precision" has two meanings as well: PPV is also called so.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import t

from course_lib.evaluation.intervals import Interval


class Trueness(NamedTuple):
    """ISO 5725, in the units of the measurement: bias² + standard_deviation² ~ rms_error².

    ``bias`` small: good trueness. ``standard_deviation`` small: good precision. ``rms_error``
    small: good accuracy, for which both are needed. (Equal exactly with n instead of n - 1.)
    """

    bias: float
    standard_deviation: float
    rms_error: float


class BlandAltman(NamedTuple):
    """Limits between which 95 % of the differences of two methods lie, first minus second.

    ``bias_interval``, ``low_interval``, ``high_interval``: how sure the bias and both limits are.
    """

    bias: float
    standard_deviation: float
    limits: Interval
    bias_interval: Interval
    low_interval: Interval
    high_interval: Interval


def trueness_and_precision(measured: ArrayLike, truth: ArrayLike) -> Trueness:
    """Bias, spread and root mean square error of (N,) measurements; the truth is (N,) or a number.

    The spread is NaN for a single measurement. Raises ValueError for none, or for NaN.
    """
    error = _finite(np.asarray(measured, dtype=float) - np.asarray(truth, dtype=float))
    spread = float(error.std(ddof=1)) if error.size > 1 else float("nan")
    return Trueness(float(error.mean()), spread, float(np.sqrt(np.mean(error**2))))


def bland_altman(first: ArrayLike, second: ArrayLike, level: float = 0.95) -> BlandAltman:
    """Do two methods that measured the same (N,) patients agree? (Lancet 1986;327:307).

    The limits of agreement are bias +- 1.96 SD. The SE of a limit is about sqrt(3/N) SD; here the
    paper's later form, with t. Correlation is no answer to this question: a method that always
    reads double correlates perfectly. Raises ValueError for unequal lengths, NaN or fewer than 2.
    """
    first, second = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    if first.shape != second.shape or first.ndim != 1 or first.size < 2:
        raise ValueError(
            f"Give two columns of the same patients, at least 2; got {first.shape}, {second.shape}."
        )
    difference = _finite(first - second)
    n, bias, spread = difference.size, float(difference.mean()), float(difference.std(ddof=1))
    quantile = float(t.ppf(0.5 + level / 2, n - 1))
    at_bias = quantile * spread / np.sqrt(n)
    at_limit = quantile * spread * np.sqrt(1 / n + 1.96**2 / (2 * (n - 1)))
    low, high = bias - 1.96 * spread, bias + 1.96 * spread
    return BlandAltman(
        bias,
        spread,
        Interval(low, high),
        _around(bias, at_bias),
        _around(low, at_limit),
        _around(high, at_limit),
    )


def repeatability(repeats: ArrayLike) -> tuple[float, float]:
    """Within-patient standard deviation of (patients, repeats), and the repeatability coefficient.

    Two measurements of one patient differ by more than the coefficient, 2.77 times the SD, in only
    5 of 100 cases: a smaller change is no change (QIBA; Bland and Altman, BMJ 1996;312:1654).
    """
    repeats = np.asarray(repeats, dtype=float)
    if repeats.ndim != 2 or repeats.shape[0] < 1 or repeats.shape[1] < 2:
        raise ValueError(f"Give (patients, repeats), at least 2 repeats, not {repeats.shape}.")
    within = float(np.sqrt(_finite(repeats).var(axis=1, ddof=1).mean()))
    return within, 1.96 * float(np.sqrt(2)) * within


def _around(value: float, half: float) -> Interval:
    return Interval(float(value - half), float(value + half))


def _finite(values: NDArray) -> NDArray:
    if values.size == 0 or not np.isfinite(values).all():
        raise ValueError("Every measurement must be a number, and there must be at least one.")
    return values
