"""One threshold: the four counts behind it, what follows from them, and how to choose it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from course_lib.evaluation.inputs import truth_and_scores
from course_lib.evaluation.roc import roc_curve


@dataclass(frozen=True)
class Confusion:
    """Counts of true/false positives/negatives. A share of nothing is NaN, never 0.

    Give them by name: books print the four in every order. ``rates.py`` has all that follows
    from them. Raises ValueError for a negative count.
    """

    tp: int
    fp: int
    fn: int
    tn: int

    def __post_init__(self) -> None:
        if min(self.tp, self.fp, self.fn, self.tn) < 0:
            raise ValueError(f"A count cannot be negative: {self}.")

    def __add__(self, other: "Confusion") -> "Confusion":
        """The counts of both, as when two classes or two hospitals are pooled."""
        return Confusion(
            self.tp + other.tp, self.fp + other.fp, self.fn + other.fn, self.tn + other.tn
        )

    @property
    def sensitivity(self) -> float:
        """Share of the cases with the finding that are called positive (recall)."""
        return _share(self.tp, self.tp + self.fn)

    @property
    def specificity(self) -> float:
        """Share of the cases without the finding that are called negative."""
        return _share(self.tn, self.tn + self.fp)

    @property
    def ppv(self) -> float:
        """Share of the positive calls that are right (precision)."""
        return _share(self.tp, self.tp + self.fp)

    @property
    def npv(self) -> float:
        """Share of the negative calls that are right."""
        return _share(self.tn, self.tn + self.fn)

    @property
    def accuracy(self) -> float:
        """Share of all calls that are right."""
        return _share(self.tp + self.tn, self.tp + self.fp + self.fn + self.tn)

    @property
    def f1(self) -> float:
        """Harmonic mean of sensitivity and PPV; true negatives play no part in it."""
        return _share(2 * self.tp, 2 * self.tp + self.fp + self.fn)


def confusion(
    truth: ArrayLike, score: ArrayLike, threshold: float, known: ArrayLike | None = None
) -> Confusion:
    """Count the calls when a case with score >= threshold is called positive."""
    present, score = truth_and_scores(truth, score, known=known)
    called = score >= threshold
    return Confusion(
        tp=int((called & present).sum()),
        fp=int((called & ~present).sum()),
        fn=int((~called & present).sum()),
        tn=int((~called & ~present).sum()),
    )


def youden_threshold(truth: ArrayLike, score: ArrayLike, known: ArrayLike | None = None) -> float:
    """The threshold with the largest sensitivity + specificity - 1 (Youden, Cancer 1950;3:32).

    Of several, the highest threshold.
    """
    curve = roc_curve(truth, score, known)
    best = np.argmax((curve.true_positive_rate - curve.false_positive_rate)[1:])
    return float(curve.threshold[1 + best])


def f1_threshold(truth: ArrayLike, score: ArrayLike, known: ArrayLike | None = None) -> float:
    """The threshold with the largest F1; of several, the highest."""
    return _best_threshold(truth, score, known, lambda counts: counts.f1)


def sensitivity_threshold(
    truth: ArrayLike, score: ArrayLike, target: float, known: ArrayLike | None = None
) -> float:
    """The highest threshold whose sensitivity reaches ``target`` (0 to 1)."""
    if not 0 < target <= 1:
        raise ValueError(f"A sensitivity target lies between 0 and 1; {target} does not.")
    curve = roc_curve(truth, score, known)
    reached = np.flatnonzero(curve.true_positive_rate >= target - 1e-12)[0]
    return float(curve.threshold[max(reached, 1)])


def specificity_threshold(
    truth: ArrayLike, score: ArrayLike, target: float, known: ArrayLike | None = None
) -> float:
    """The lowest threshold whose specificity reaches ``target`` (0 to 1).

    Infinity (nothing is called positive) when no score is high enough.
    """
    if not 0 < target <= 1:
        raise ValueError(f"A specificity target lies between 0 and 1; {target} does not.")
    curve = roc_curve(truth, score, known)
    reached = np.flatnonzero(1 - curve.false_positive_rate >= target - 1e-12)[-1]
    return float(curve.threshold[reached])


def cost_threshold(
    truth: ArrayLike,
    score: ArrayLike,
    cost_of_miss: float,
    prevalence: float,
    known: ArrayLike | None = None,
) -> float:
    """The threshold with the lowest expected cost; of several, the highest (infinity: never call).

    ``cost_of_miss`` is that of one missed case in false alarms (50: rather 50 alarms than one
    miss); ``prevalence`` (0 to 1) is that of the place where the classifier will work.
    """
    if not cost_of_miss > 0 or not 0 <= prevalence <= 1:
        raise ValueError(
            f"A miss must cost more than 0 alarms and the prevalence lie in 0 to 1; got "
            f"{cost_of_miss} and {prevalence}."
        )
    curve = roc_curve(truth, score, known)
    misses = cost_of_miss * prevalence * (1 - curve.true_positive_rate)
    return float(curve.threshold[np.argmin(misses + (1 - prevalence) * curve.false_positive_rate)])


def _best_threshold(
    truth: ArrayLike,
    score: ArrayLike,
    known: ArrayLike | None,
    merit: Callable[[Confusion], float],
) -> float:
    """Try every point of the ROC curve and keep the first with the largest merit."""
    curve = roc_curve(truth, score, known)
    present = truth_and_scores(truth, score, known=known)[0]
    positives, negatives = int(present.sum()), int((~present).sum())
    best, best_merit = float("inf"), -np.inf
    for fpr, tpr, threshold in zip(
        curve.false_positive_rate[1:],
        curve.true_positive_rate[1:],
        curve.threshold[1:],
        strict=True,
    ):
        tp, fp = round(tpr * positives), round(fpr * negatives)
        value = merit(Confusion(tp, fp, positives - tp, negatives - fp))
        if value > best_merit:
            best, best_merit = float(threshold), value
    return best


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")
