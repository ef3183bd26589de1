"""Do readers agree? Kappa of two readers and of many, for categories.

Two readers who both say "normal" nearly always agree nearly always, by chance. Kappa asks how much
of the agreement that chance leaves open was reached. For measurements see ``intraclass`` and
``measurement``.
"""

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_lib.evaluation.averages import confusion_matrix
from course_lib.evaluation.intervals import Interval, normal_quantile

Weights = Literal["linear", "quadratic"]


class Kappa(NamedTuple):
    """A kappa, its standard error and interval, the observed agreement and that by chance.

    ``error_without_agreement`` is the standard error if there were no agreement beyond chance:
    value / error_without_agreement is the z of the test against kappa = 0. NaN throughout where
    all ratings are the same: then nobody can tell agreement from habit.
    """

    value: float
    standard_error: float
    interval: Interval
    observed: float
    by_chance: float
    error_without_agreement: float


def cohen_kappa(
    first: ArrayLike,
    second: ArrayLike,
    weights: Weights | None = None,
    categories: list | None = None,
    level: float = 0.95,
) -> Kappa:
    """Cohen's kappa of two readers of the same (N,) cases (Educ Psychol Meas 1960;20:37).

    ``weights`` for ordered categories: how much two neighbouring grades agree falls linearly or
    with the square of their distance (Psychol Bull 1968;70:213). ``categories`` gives their order;
    default: sorted. Standard errors: Fleiss, Cohen and Everitt, Psychol Bull 1969;72:323.
    Raises ValueError for unequal lengths, for a missing (NaN) rating, or for no cases.
    """
    if _missing(first) or _missing(second):
        raise ValueError("A rating is missing (NaN); leave out cases that one reader did not read.")
    return kappa_of_table(confusion_matrix(first, second, categories), weights, level)


def kappa_of_table(table: ArrayLike, weights: Weights | None = None, level: float = 0.95) -> Kappa:
    """Cohen's kappa from (K, K) counts, row: the first reader's category, column: the second's."""
    counts = np.asarray(table, dtype=float)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or (counts < 0).any():
        raise ValueError(f"Kappa needs a square table of counts, not one of {counts.shape}.")
    if counts.sum() == 0:
        raise ValueError("Kappa needs at least one case that both readers rated.")
    n, share = counts.sum(), counts / counts.sum()
    rows, columns = share.sum(1), share.sum(0)
    weight = agreement_weights(len(share), weights)
    observed, by_chance = float((weight * share).sum()), float(rows @ weight @ columns)
    if np.isclose(by_chance, 1):
        nan = float("nan")
        return Kappa(nan, nan, Interval(nan, nan), observed, by_chance, nan)
    value = (observed - by_chance) / (1 - by_chance)
    margins = (weight @ columns)[:, None] + (weight.T @ rows)[None, :]
    spread = (share * (weight * (1 - by_chance) - margins * (1 - observed)) ** 2).sum()
    bias = (observed * by_chance - 2 * by_chance + observed) ** 2
    error = np.sqrt(max(spread - bias, 0) / n) / (1 - by_chance) ** 2
    null = (np.outer(rows, columns) * (weight - margins) ** 2).sum() - by_chance**2
    null_error = np.sqrt(max(null, 0) / n) / (1 - by_chance)
    interval = _around(value, float(error), level)
    return Kappa(value, float(error), interval, observed, by_chance, float(null_error))


def agreement_weights(categories: int, weights: Weights | None = None) -> NDArray[np.float64]:
    """How much two of K categories agree, (K, K): 1 on the diagonal, 0 at the far corners."""
    distance = np.abs(np.subtract.outer(np.arange(categories), np.arange(categories)))
    if weights is None:
        return (distance == 0).astype(float)
    if weights not in ("linear", "quadratic"):
        raise ValueError(f"Weights are None, 'linear' or 'quadratic', not {weights!r}.")
    return 1 - (distance / max(categories - 1, 1)) ** (1 if weights == "linear" else 2)


def specific_agreement(table: ArrayLike) -> tuple[float, float]:
    """Agreement on "yes" and on "no" in a 2x2 table (first row and column: yes).

    2a / (2a + b + c) and 2d / (2d + b + c): these show what the kappa paradox hides (Cicchetti
    and Feinstein, J Clin Epidemiol 1990;43:551). NaN where nobody used the category.
    """
    counts = np.asarray(table, dtype=float)
    if counts.shape != (2, 2):
        raise ValueError(f"Agreement on yes and no needs a 2x2 table, not {counts.shape}.")
    (both, one), (other, neither) = counts
    yes, no = 2 * both + one + other, 2 * neither + one + other
    return (
        float(2 * both / yes) if yes else float("nan"),
        float(2 * neither / no) if no else float("nan"),
    )


def fleiss_kappa(counts: ArrayLike, level: float = 0.95) -> Kappa:
    """Kappa of many readers (Fleiss, Psychol Bull 1971;76:378).

    ``counts`` (cases, K): how many readers put each case into each category, the same number of
    readers for all. The standard error is by leaving out one case after the other (jackknife), the
    one without agreement by Fleiss, Nee and Landis, Psychol Bull 1979;86:974.
    Raises ValueError for fewer than two readers or unequal numbers of them.
    """
    counts = np.asarray(counts, dtype=float)
    if counts.ndim != 2 or counts.size == 0:
        raise ValueError(f"Give (cases, categories) counts of readers, not {counts.shape}.")
    readers = counts[0].sum()
    if readers < 2 or (counts.sum(1) != readers).any() or (counts < 0).any():
        raise ValueError("Every case must be rated by the same number of readers, at least two.")
    within = ((counts**2).sum(1) - readers) / (readers * (readers - 1))
    value, observed, by_chance = _fleiss(within.sum(), counts.sum(0), len(counts), readers)
    if np.isnan(value):
        return Kappa(value, value, Interval(value, value), observed, by_chance, value)
    error = _jackknife_error(within, counts, readers)
    share = counts.sum(0) / counts.sum()
    inner = share @ (1 - share)
    null = 2 * (inner**2 - (share * (1 - share)) @ (1 - 2 * share))
    null_error = np.sqrt(null / (len(counts) * readers * (readers - 1))) / inner
    interval = _around(value, error, level)
    return Kappa(value, error, interval, observed, by_chance, float(null_error))


def _fleiss(
    within: float, by_category: NDArray, cases: int, readers: float
) -> tuple[float, float, float]:
    """Kappa, observed and chance agreement from sums over the cases."""
    share = by_category / (cases * readers)
    observed, by_chance = float(within / cases), float(share @ share)
    if np.isclose(by_chance, 1):
        return float("nan"), observed, by_chance
    return (observed - by_chance) / (1 - by_chance), observed, by_chance


def _jackknife_error(within: NDArray, counts: NDArray, readers: float) -> float:
    """Standard error from the kappas that leave out one case each; NaN for a single case."""
    n = len(counts)
    if n < 2:
        return float("nan")
    total, categories = within.sum(), counts.sum(0)
    without = np.array(
        [
            _fleiss(total - w, categories - c, n - 1, readers)[0]
            for w, c in zip(within, counts, strict=True)
        ]
    )
    return float(np.sqrt((n - 1) / n * np.sum((without - without.mean()) ** 2)))


def _around(value: float, error: float, level: float) -> Interval:
    """Normal interval, cut at -1 and 1; NaN where there is no error to speak of."""
    if not error > 0:
        return Interval(float("nan"), float("nan"))
    half = normal_quantile(level) * error
    return Interval(max(-1.0, value - half), min(1.0, value + half))


def _missing(ratings: ArrayLike) -> bool:
    ratings = np.asarray(ratings)
    return bool(ratings.dtype.kind == "f" and np.isnan(ratings).any())
