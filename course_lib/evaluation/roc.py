"""The ROC curve and the area under it.

The area is the chance that a case with the finding scores higher than a case without it, ties
counting one half (Mann-Whitney; Hanley and McNeil, Radiology 1982). The curve and the area are
computed in two different ways here, and the tests prove that they agree.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

from course_lib.evaluation.inputs import has_both_classes, truth_and_scores


@dataclass(frozen=True)
class RocCurve:
    """Operating points from the strictest to the laxest: arrays of equal length (T + 1,).

    A case is called positive when its score is at or above the threshold. The first threshold is
    infinity (nothing is called positive); the others are the T different scores, falling.
    """

    false_positive_rate: NDArray[np.float64]
    true_positive_rate: NDArray[np.float64]
    threshold: NDArray[np.float64]

    def area(self) -> float:
        """Area under the straight lines between the points (trapezoids)."""
        return float(np.trapezoid(self.true_positive_rate, self.false_positive_rate))

    def partial_area(self, most: float) -> float:
        """Area left of the false positive rate ``most``: the part in which one would work.

        Not rescaled: a perfect curve has ``most``, a guess ``most``²/2. Raises ValueError unless
        0 < most <= 1.
        """
        if not 0 < most <= 1:
            raise ValueError(f"A false positive rate to stop at lies in 0 to 1; {most} does not.")
        inside = self.false_positive_rate <= most
        fpr, tpr = self.false_positive_rate[inside], self.true_positive_rate[inside]
        end = np.interp(most, self.false_positive_rate, self.true_positive_rate)
        return float(np.trapezoid(np.append(tpr, max(tpr[-1], end)), np.append(fpr, most)))


def roc_curve(truth: ArrayLike, score: ArrayLike, known: ArrayLike | None = None) -> RocCurve:
    """The ROC curve of (N,) 0/1 truths and (N,) scores, one point per different score.

    Cases with equal scores cross the threshold together, so a tie is a slanted line and not a
    step. Raises ValueError when one of the classes is missing.
    """
    present, score = truth_and_scores(truth, score, known=known)
    if not has_both_classes(present):
        raise ValueError("A ROC curve needs cases with and without the finding; one is missing.")
    order = np.argsort(-score, kind="stable")
    present, score = present[order], score[order]
    last_of_tie = np.append(np.flatnonzero(np.diff(score)), score.size - 1)
    true_positives = np.cumsum(present)[last_of_tie]
    false_positives = last_of_tie + 1 - true_positives
    return RocCurve(
        false_positive_rate=np.append(0.0, false_positives / false_positives[-1]),
        true_positive_rate=np.append(0.0, true_positives / true_positives[-1]),
        threshold=np.append(np.inf, score[last_of_tie]),
    )


def auc(truth: ArrayLike, score: ArrayLike, known: ArrayLike | None = None) -> float:
    """Area under the ROC curve by ranks (Mann-Whitney U), in [0, 1]; NaN with one class only."""
    present, score = truth_and_scores(truth, score, known=known)
    if not has_both_classes(present):
        return float("nan")
    positives = int(present.sum())
    negatives = present.size - positives
    rank_sum = rankdata(score)[present].sum()
    wins = rank_sum - positives * (positives + 1) / 2
    return float(wins / (positives * negatives))
