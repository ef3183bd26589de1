"""The precision-recall curve: how clean is the pile of positive calls, and how complete?

Unlike the ROC curve it changes with the prevalence: a guess has the prevalence as its precision.
The area is taken in steps (*average precision*). Straight lines between the points, as the
trapezoid rule draws them, are wrong here: precision does not run straight between two operating
points, and the area comes out too good (Davis and Goadrich, ICML 2006).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_lib.evaluation.inputs import has_both_classes, truth_and_scores
from course_lib.evaluation.roc import roc_curve


@dataclass(frozen=True)
class PrecisionRecallCurve:
    """Operating points from the strictest to the laxest: arrays of equal length (T,).

    A case is called positive when its score is at or above the threshold; the thresholds are the
    T different scores, falling. ``prevalence`` is the precision of a guess.
    """

    recall: NDArray[np.float64]
    precision: NDArray[np.float64]
    threshold: NDArray[np.float64]
    prevalence: float

    def average_precision(self) -> float:
        """Precision, averaged over the recall that each point adds."""
        return float(np.sum(np.diff(self.recall, prepend=0.0) * self.precision))

    def trapezoid_area(self) -> float:
        """The area under straight lines, kept to show the trap; starts at recall 0 with the
        precision of the first point, as a drawn curve does."""
        recall = np.append(0.0, self.recall)
        precision = np.append(self.precision[0], self.precision)
        return float(np.trapezoid(precision, recall))


def precision_recall_curve(
    truth: ArrayLike, score: ArrayLike, known: ArrayLike | None = None
) -> PrecisionRecallCurve:
    """The curve of (N,) 0/1 truths and (N,) scores, one point per different score.

    Raises ValueError when one of the classes is missing.
    """
    present, score = truth_and_scores(truth, score, known=known)
    roc = roc_curve(present, score)
    hits = roc.true_positive_rate[1:] * present.sum()
    alarms = roc.false_positive_rate[1:] * (~present).sum()
    return PrecisionRecallCurve(
        recall=roc.true_positive_rate[1:],
        precision=hits / (hits + alarms),
        threshold=roc.threshold[1:],
        prevalence=float(present.mean()),
    )


def average_precision(truth: ArrayLike, score: ArrayLike, known: ArrayLike | None = None) -> float:
    """Area under the precision-recall curve in steps, in 0 to 1; NaN with one class only."""
    present, score = truth_and_scores(truth, score, known=known)
    if not has_both_classes(present):
        return float("nan")
    return precision_recall_curve(present, score).average_precision()
