"""How sure is a rate? An interval for every row of ``rates.RATES``, from the four counts alone.

Shares of cases have Wilson's or Clopper and Pearson's interval. Likelihood and odds ratios are
taken on the scale of the logarithm. A few others follow exactly from one of these; what is left is
bootstrapped.
"""

from collections.abc import Callable
from math import exp, inf, isnan, log, nan, sqrt
from typing import Literal

import numpy as np
import pandas as pd

from course_lib.evaluation.intervals import (
    Interval,
    clopper_pearson,
    newcombe,
    normal_quantile,
    percentile_interval,
    wilson,
)
from course_lib.evaluation.operating import Confusion
from course_lib.evaluation.rates import RATES, Rate, find

Method = Literal["wilson", "clopper-pearson"]
UNDEFINED = Interval(nan, nan)


def rate_interval(
    counts: Confusion,
    rate: str,
    level: float = 0.95,
    method: Method = "wilson",
    rounds: int = 2000,
    seed: int = 0,
) -> Interval:
    """Confidence interval of a rate, by any of its names; NaN to NaN where the rate is NaN.

    ``method`` is for shares of cases; ``rounds`` and ``seed`` for what must be bootstrapped (FM,
    MCC, kappa), there NaN also when no resample differs from another.
    """
    row = find(rate)
    if isnan(row.value(counts)):
        return UNDEFINED
    if row.parts is not None:
        part, whole = (int(number) for number in row.parts(counts))
        exact = method == "clopper-pearson"
        return clopper_pearson(part, whole, level) if exact else wilson(part, whole, level)
    if row.symbol in _CLOSED_FORM:
        return _CLOSED_FORM[row.symbol](counts, level)
    return _resampled(counts, row, level, rounds, seed)


def rates_table(counts: Confusion, level: float = 0.95, seed: int = 0) -> pd.DataFrame:
    """All rates of these counts: one row per symbol with name, formula, value, low and high."""
    rows = []
    for row in RATES:
        low, high = rate_interval(counts, row.symbol, level, seed=seed)
        rows.append((row.symbol, row.name, row.formula, row.value(counts), low, high))
    columns = ["symbol", "name", "formula", "value", "low", "high"]
    return pd.DataFrame(rows, columns=columns).set_index("symbol")


def _resampled(counts: Confusion, row: Rate, level: float, rounds: int, seed: int) -> Interval:
    """Draw the cases anew: four counts of as many cases, each cell with its share as chance."""
    cells = np.array([counts.tp, counts.fp, counts.fn, counts.tn])
    drawn = np.random.default_rng(seed).multinomial(cells.sum(), cells / cells.sum(), rounds)
    values = [row.value(Confusion(*(int(cell) for cell in four))) for four in drawn]
    return percentile_interval(values, level)


def _lr_positive(counts: Confusion, level: float) -> Interval:
    return _ratio_interval(counts, "LR+", level)


def _lr_negative(counts: Confusion, level: float) -> Interval:
    return _ratio_interval(counts, "LR-", level)


def _odds_ratio(counts: Confusion, level: float) -> Interval:
    return _ratio_interval(counts, "DOR", level)


def _ratio_interval(counts: Confusion, symbol: str, level: float) -> Interval:
    """exp(ln ratio +- z SE): Simel, J Clin Epidemiol 1991;44:763; Woolf 1955 for the odds ratio.

    With an empty cell the limits come from counts to which one half was added (Haldane), and the
    limit on the side of an infinite or zero ratio is that ratio itself.
    """
    found = find(symbol).value(counts)
    cells = np.array([counts.tp, counts.fp, counts.fn, counts.tn], dtype=float)
    tp, fp, fn, tn = cells + 0.5 if (cells == 0).any() else cells
    sick, healthy = tp + fn, fp + tn
    ratio, variance = {
        "LR+": (tp / sick / (fp / healthy), 1 / tp - 1 / sick + 1 / fp - 1 / healthy),
        "LR-": (fn / sick / (tn / healthy), 1 / fn - 1 / sick + 1 / tn - 1 / healthy),
        "DOR": (tp * tn / (fp * fn), 1 / tp + 1 / fp + 1 / fn + 1 / tn),
    }[symbol]
    half = normal_quantile(level) * sqrt(variance)
    low, high = exp(log(ratio) - half), exp(log(ratio) + half)
    return Interval(0.0 if found == 0 else low, inf if found == inf else high)


def _informedness(counts: Confusion, level: float) -> Interval:
    """TPR - FPR: a difference of two proportions of different cases."""
    sick, healthy = counts.tp + counts.fn, counts.fp + counts.tn
    return newcombe(counts.tp, sick, counts.fp, healthy, level)


def _markedness(counts: Confusion, level: float) -> Interval:
    """PPV - FOR: likewise."""
    positive, negative = counts.tp + counts.fp, counts.fn + counts.tn
    return newcombe(counts.tp, positive, counts.fn, negative, level)


def _balanced_accuracy(counts: Confusion, level: float) -> Interval:
    low, high = _informedness(counts, level)
    return Interval((low + 1) / 2, (high + 1) / 2)


def _f1(counts: Confusion, level: float) -> Interval:
    """F1 = 2 CSI / (1 + CSI) grows with CSI, which is a proportion."""
    low, high = wilson(counts.tp, counts.tp + counts.fp + counts.fn, level)
    return Interval(2 * low / (1 + low), 2 * high / (1 + high))


def _prevalence_threshold(counts: Confusion, level: float) -> Interval:
    """PT = 1 / (1 + sqrt(LR+)) falls with LR+."""
    low, high = _lr_positive(counts, level)
    return Interval(1 / (1 + sqrt(high)), 1 / (1 + sqrt(low)))


_CLOSED_FORM: dict[str, Callable[[Confusion, float], Interval]] = {
    "LR+": _lr_positive,
    "LR-": _lr_negative,
    "DOR": _odds_ratio,
    "BM": _informedness,
    "MK": _markedness,
    "BA": _balanced_accuracy,
    "F1": _f1,
    "PT": _prevalence_threshold,
}
