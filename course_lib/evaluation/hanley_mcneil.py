"""Judging an AUC from what a paper prints: the area and the two counts.

Hanley and McNeil gave a standard error that needs no scores (Radiology 1982;143:29) and the
correction for two tests read on the same patients (Radiology 1983;148:839). With the scores at
hand prefer ``delong``: it assumes nothing about their distribution.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm, rankdata

from course_lib.evaluation.area_variance import area_covariance, area_variance
from course_lib.evaluation.delong import AucComparison
from course_lib.evaluation.inputs import has_both_classes, truth_and_scores
from course_lib.evaluation.intervals import Interval
from course_lib.evaluation.roc import auc


@dataclass(frozen=True)
class PublishedAuc:
    """An AUC as a table prints it, with the numbers of cases with and without the finding."""

    auc: float
    positives: int
    negatives: int

    @property
    def standard_error(self) -> float:
        """Standard error by Hanley and McNeil 1982."""
        return hanley_mcneil_error(self.auc, self.positives, self.negatives)

    def interval(self, level: float = 0.95) -> Interval:
        """Confidence interval, cut at 0 and 1; NaN where the formula claims no error at all."""
        error = self.standard_error
        if error == 0:
            return Interval(float("nan"), float("nan"))
        half = float(norm.ppf(0.5 + level / 2)) * error
        return Interval(max(0.0, self.auc - half), min(1.0, self.auc + half))


def hanley_mcneil_error(auc: float, positives: int, negatives: int) -> float:
    """Standard error of an AUC from the area and the counts (1982, equation 2).

    Q1 is the chance that two positives both beat one negative, Q2 that one positive beats two
    negatives; both are set to what exponential scores would have. Raises ValueError for an area
    outside 0 to 1 or an empty class.
    """
    if not 0 <= auc <= 1 or min(positives, negatives) < 1:
        raise ValueError(
            f"An AUC of {auc} with {positives} and {negatives} cases is not possible; "
            "it lies in 0 to 1 and needs both classes."
        )
    q1 = auc / (2 - auc)
    q2 = 2 * auc**2 / (1 + auc)
    square = auc**2
    total = auc * (1 - auc) + (positives - 1) * (q1 - square) + (negatives - 1) * (q2 - square)
    return math.sqrt(max(total, 0.0) / (positives * negatives))


def error_from_interval(low: float, high: float, level: float = 0.95) -> float:
    """Standard error behind a printed normal interval: its width over twice 1.96 (for 95 %)."""
    if not low < high:
        raise ValueError(f"An interval runs from low to high; {low} to {high} does not.")
    return (high - low) / (2 * float(norm.ppf(0.5 + level / 2)))


def compare_published(
    first: PublishedAuc, second: PublishedAuc, correlation: float = 0.0, level: float = 0.95
) -> AucComparison:
    """z-test of two printed AUCs (first minus second), all that a reader of a paper can do.

    ``correlation`` is that of the two *areas* (see ``area_correlation``): 0 for different
    patients. On the same patients it is positive, and 0 then makes the test cautious: what is
    clear with 0 is clearer in truth. Raises ValueError for a correlation outside -1 to 1.
    """
    if not -1 <= correlation <= 1:
        raise ValueError(f"A correlation lies between -1 and 1; {correlation} does not.")
    one, two = first.standard_error, second.standard_error
    error = math.sqrt(max(one**2 + two**2 - 2 * correlation * one * two, 0.0))
    difference = first.auc - second.auc
    undefined = 0.0 if difference == 0 else math.nan  # no error seen is no certainty
    z = difference / error if error > 0 else undefined
    half = float(norm.ppf(0.5 + level / 2)) * error
    interval = Interval(max(-1.0, difference - half), min(1.0, difference + half))
    return AucComparison(difference, error, interval, z, float(2 * norm.sf(abs(z))))


def area_correlation(score_correlation: float, mean_auc: float, cases: int = 50) -> float:
    """Correlation of two areas on the same cases, from that of the scores.

    ``score_correlation`` is the mean of the correlations among positives and among negatives,
    ``mean_auc`` the mean of the two areas. The paper of 1983 prints a table; here the same two
    bell curves are solved exactly, for ``cases`` of each class (the number hardly matters).
    """
    shared = area_covariance(mean_auc, mean_auc, cases, cases, score_correlation, score_correlation)
    return shared / area_variance(mean_auc, cases, cases)


def compare_hanley_mcneil(
    truth: ArrayLike, first: ArrayLike, second: ArrayLike, level: float = 0.95
) -> AucComparison:
    """Paired comparison of two (N,) scores by the method of 1983; ``delong`` needs no table.

    Raises ValueError when a class is missing.
    """
    present, one, two = truth_and_scores(truth, first, second)
    if not has_both_classes(present):
        raise ValueError("Comparing AUCs needs cases with and without the finding.")
    areas = [auc(present, one), auc(present, two)]
    scores = [_curve_correlation(one[group], two[group]) for group in (present, ~present)]
    counts = int(present.sum()), int((~present).sum())
    return compare_published(
        PublishedAuc(areas[0], *counts),
        PublishedAuc(areas[1], *counts),
        area_correlation(float(np.mean(scores)), float(np.mean(areas))),
        level,
    )


def _curve_correlation(first: NDArray, second: NDArray) -> float:
    """Correlation of the bell curves behind two scores, from their ranks.

    The paper takes Pearson's r of the scores as they are; one outlier spoils that, and an AUC
    knows ranks only. r = 2 sin(pi/6 Spearman) holds for two bell curves (Pearson 1907).
    """
    ranks = np.corrcoef(rankdata(first), rankdata(second))[0, 1]
    return float(2 * np.sin(np.pi / 6 * np.clip(ranks, -1, 1)))
