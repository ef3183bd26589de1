"""How sure is an AUC, and do two differ? DeLong's method, with patients as the unit if wanted.

DeLong, DeLong and Clarke-Pearson, Biometrics 1988;44:837. The *placement* of a case is the share
of the other class that it beats; the AUC is their mean and its variance comes from their spread.
Placements follow from ranks (Sun and Xu, IEEE Signal Processing Letters 2014;21:1389), so the
cost is a sort, not all pairs. Several films of one patient are not independent: with ``patients``
their placements are summed first (Obuchowski, Biometrics 1997;53:567).

Two scores on the same cases are compared *paired* (``compare_aucs``), on different cases *unpaired*
(``compare_unpaired``). Paired needs the scores themselves; a paper's table alone allows only the
z-test of ``hanley_mcneil``.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm, rankdata, t

from course_lib.evaluation.inputs import has_both_classes, known_mask, truth_and_scores
from course_lib.evaluation.intervals import Interval


@dataclass(frozen=True)
class AucEstimate:
    """An AUC with its standard error, its confidence interval and the cases behind it.

    Everything is NaN when one class is missing. When the classes are separated perfectly the
    formula gives a standard error of 0, and with a single case of a class it gives none; no
    interval is claimed then (NaN): having seen no error is not the same as being certain.
    """

    auc: float
    standard_error: float
    interval: Interval
    positives: int
    negatives: int
    units: int = 0
    """Independent patients behind it (the cases, where ``patients`` was not given)."""


@dataclass(frozen=True)
class AucComparison:
    """Difference of two AUCs (first minus second), its error and the test against no difference.

    ``z`` is the difference in standard errors. On the same cases it is judged by the normal
    distribution, on different cases by Student's t with Welch's degrees of freedom. Where the
    cases leave no spread (error 0) a difference has NaN for z and p: nothing is claimed.
    """

    difference: float
    standard_error: float
    interval: Interval
    z: float
    p_value: float


def delong(
    truth: ArrayLike,
    score: ArrayLike,
    known: ArrayLike | None = None,
    patients: ArrayLike | None = None,
    level: float = 0.95,
) -> AucEstimate:
    """AUC of (N,) truths and scores with DeLong's standard error and normal interval.

    ``patients`` (N,) identifies the patient of each case; give it when a patient has several.
    The interval is cut at 0 and 1.
    """
    present, score = truth_and_scores(truth, score, known=known)
    positives = int(present.sum())
    negatives = present.size - positives
    nan = float("nan")
    if not has_both_classes(present):
        return AucEstimate(nan, nan, Interval(nan, nan), positives, negatives)
    kept = _kept(patients, known)
    units = present.size if kept is None else np.unique(kept).size
    areas, covariance = areas_and_covariance(present, [score], kept)
    area, error = float(areas[0]), float(np.sqrt(covariance[0, 0]))
    interval = _normal_interval(area, error, level, 0, 1) if error > 0 else Interval(nan, nan)
    return AucEstimate(area, error, interval, positives, negatives, units)


def compare_aucs(
    truth: ArrayLike,
    first: ArrayLike,
    second: ArrayLike,
    known: ArrayLike | None = None,
    patients: ArrayLike | None = None,
    level: float = 0.95,
) -> AucComparison:
    """Paired comparison of two scores on the same (N,) cases; ``first`` minus ``second``.

    Raises ValueError when one class is missing. Identical rankings give z = 0 and p = 1.
    """
    present, first, second = truth_and_scores(truth, first, second, known=known)
    if not has_both_classes(present):
        raise ValueError("Comparing AUCs needs cases with and without the finding.")
    areas, covariance = areas_and_covariance(present, [first, second], _kept(patients, known))
    difference = float(areas[0] - areas[1])
    contrast = np.array([1.0, -1.0])
    error = float(np.sqrt(max(contrast @ covariance @ contrast, 0.0)))
    z = _in_errors(difference, error)
    interval = _normal_interval(difference, error, level, -1, 1)
    return AucComparison(difference, error, interval, z, float(2 * norm.sf(abs(z))))


def compare_unpaired(first: AucEstimate, second: AucEstimate, level: float = 0.95) -> AucComparison:
    """Comparison of two AUCs from *different* patients; ``first`` minus ``second``.

    Variances add, for the samples are independent; Welch's degrees of freedom as in R's pROC.
    Raises ValueError when an AUC or its standard error is undefined.
    """
    errors = np.array([first.standard_error, second.standard_error])
    if np.isnan([first.auc, second.auc, *errors]).any():
        raise ValueError("One of the AUCs or its standard error is undefined: a class is missing.")
    difference = first.auc - second.auc
    error = float(np.hypot(*errors))
    z = _in_errors(difference, error)
    freedom = np.array([max(first.units - 1, 1), max(second.units - 1, 1)])
    welch = float(error**4 / (errors**4 / freedom).sum()) if error > 0 else float("inf")
    half = float(t.ppf(0.5 + level / 2, welch)) * error
    interval = Interval(max(-1.0, difference - half), min(1.0, difference + half))
    return AucComparison(difference, error, interval, z, float(2 * t.sf(abs(z), welch)))


def placements(
    present: NDArray[np.bool_], score: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Shares of won pairs: of each positive (M,) against all negatives, of each negative (N,).

    A pair is won when the positive scores higher; a tie counts one half. Both have the AUC as
    their mean.
    """
    rank = rankdata(score)
    positives, negatives = score[present], score[~present]
    below = (rank[present] - rankdata(positives)) / negatives.size
    above = 1 - (rank[~present] - rankdata(negatives)) / positives.size
    return below, above


def areas_and_covariance(
    present: NDArray[np.bool_], scores: Sequence[NDArray], patients: NDArray | None = None
) -> tuple[NDArray, NDArray]:
    """AUCs (S,) and their covariance (S, S) from the placements of S scores on the same cases."""
    both = [placements(present, score) for score in scores]
    of_positives = np.stack([pair[0] for pair in both])
    of_negatives = np.stack([pair[1] for pair in both])
    areas = of_positives.mean(axis=1)
    if patients is None:
        patients = np.arange(present.size)
    unit = np.unique(patients, return_inverse=True)[1]
    spread_positive = _sum_by_unit(of_positives - areas[:, None], unit[present], unit.max() + 1)
    spread_negative = _sum_by_unit(of_negatives - areas[:, None], unit[~present], unit.max() + 1)
    return areas, _clustered_covariance(spread_positive, spread_negative, present, unit)


def _clustered_covariance(
    spread_positive: NDArray, spread_negative: NDArray, present: NDArray, unit: NDArray
) -> NDArray:
    """Obuchowski's covariance; with one case per patient it is exactly DeLong's.

    The last two terms are there because a patient can have films of both kinds.
    """
    positives, negatives = int(present.sum()), int((~present).sum())
    with_positive = np.unique(unit[present]).size
    with_negative = np.unique(unit[~present]).size
    both = int(unit.max()) + 1
    covariance = _unbiased(with_positive) * spread_positive @ spread_positive.T / positives**2
    covariance += _unbiased(with_negative) * spread_negative @ spread_negative.T / negatives**2
    cross = _unbiased(both) * spread_positive @ spread_negative.T / (positives * negatives)
    return covariance + cross + cross.T


def _in_errors(difference: float, error: float) -> float:
    """The difference in standard errors: 0 without a difference, NaN where no error was seen.

    NaN and not infinity: both perfect, or a handful of cases, is not certainty.
    """
    if error > 0:
        return float(difference / error)
    return 0.0 if difference == 0 else float("nan")


def _unbiased(units: int) -> float:
    """The correction n/(n-1) of a sample variance; NaN for a single unit, which has no spread."""
    return units / (units - 1) if units > 1 else float("nan")


def _sum_by_unit(values: NDArray, unit: NDArray, units: int) -> NDArray:
    """Sum (S, N) values over the cases of each patient: (S, units)."""
    return np.stack([np.bincount(unit, weights=row, minlength=units) for row in values])


def _kept(patients: ArrayLike | None, known: ArrayLike | None) -> NDArray | None:
    if patients is None:
        return None
    patients = np.asarray(patients)
    return patients if known is None else patients[known_mask(known, patients.shape)]


def _normal_interval(
    value: float, error: float, level: float, lowest: float, highest: float
) -> Interval:
    half = float(norm.ppf(0.5 + level / 2)) * error
    return Interval(max(lowest, value - half), min(highest, value + half))
