"""Platt's method and isotonic regression: each class against all others, then made to sum to 1.

Making the sum 1 moves what each class's calibration had put right; with many classes it matters.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize
from scipy.special import expit, logsumexp
from sklearn.isotonic import IsotonicRegression

from course_lib.evaluation.calibration_inputs import checked_logits, classes_and_logits, softmax


def log_odds(logits: ArrayLike) -> NDArray[np.float64]:
    """log p_k / (1 - p_k) of each class, (N, K), from logits, without rounding p to 0 or 1."""
    z = checked_logits(logits)
    others = [logsumexp(np.delete(z, k, axis=1), axis=1) for k in range(z.shape[1])]
    return np.asarray(z - np.stack(others, 1), dtype=np.float64)


@dataclass(frozen=True)
class PlattScaling:
    """sigmoid(a s + b) of each class's log odds s, then divided by the sum.

    Platt, Advances in Large Margin Classifiers 1999. a, b: (K,).
    """

    slope: NDArray[np.float64]
    offset: NDArray[np.float64]

    @classmethod
    def fit(cls, logits: ArrayLike, classes: ArrayLike) -> Self:
        """Fit on validation films; every class must occur, and must not be all there is."""
        y, z = classes_and_logits(classes, logits)
        _refuse_missing(y, z.shape[1])
        found = [_sigmoid_fit(s, y == k) for k, s in enumerate(log_odds(z).T)]
        return cls(*np.array(found).T)

    def probability(self, logits: ArrayLike) -> NDArray[np.float64]:
        """The calibrated probabilities of logits (N, K)."""
        return _to_one(expit(log_odds(logits) * self.slope + self.offset))


@dataclass(frozen=True)
class IsotonicCalibration:
    """Any rising staircase from each class's probability to its frequency, then to sum 1.

    Zadrozny and Elkan, KDD 2002. It can follow any shape and needs many films for it. A staircase
    begins at 0 and ends at 1 wherever the outermost films agree, so a floor keeps it from
    certainty: one that is wrong costs an infinite log loss.
    """

    stairs: tuple[IsotonicRegression, ...]
    floor: float

    @classmethod
    def fit(cls, logits: ArrayLike, classes: ArrayLike, floor: float | None = None) -> Self:
        """Fit on validation films. floor: None for 1 / (N + 2), Laplace's; 0 for none."""
        y, z = classes_and_logits(classes, logits)
        _refuse_missing(y, z.shape[1])
        lowest = 1 / (len(y) + 2) if floor is None else floor
        if not 0 <= lowest < 0.5:
            raise ValueError(f"The floor is a probability from 0 to below 0.5, not {lowest}.")
        stairs = tuple(
            IsotonicRegression(y_min=lowest, y_max=1 - lowest, out_of_bounds="clip").fit(p, y == k)
            for k, p in enumerate(softmax(z).T)
        )
        return cls(stairs, lowest)

    def probability(self, logits: ArrayLike) -> NDArray[np.float64]:
        """The calibrated probabilities of logits (N, K)."""
        p = softmax(checked_logits(logits))
        if p.shape[1] != len(self.stairs):
            raise ValueError(f"Fitted for {len(self.stairs)} classes; these are {p.shape[1]}.")
        return _to_one(
            np.stack([one.predict(q) for one, q in zip(self.stairs, p.T, strict=True)], 1)
        )


def _sigmoid_fit(score: NDArray[np.float64], present: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Slope and offset of the most likely sigmoid.

    Platt's targets (n+ + 1) / (n+ + 2) and 1 / (n- + 2) in place of 1 and 0 keep the slope finite
    when a threshold parts the classes without a mistake.
    """
    ill = int(present.sum())
    well = len(present) - ill
    target = np.where(present, (ill + 1) / (ill + 2), 1 / (well + 2))

    def loss(both: NDArray) -> tuple[float, NDArray]:
        line = both[0] * score + both[1]
        wrong = (expit(line) - target) / len(score)
        value = (np.logaddexp(0, line) - target * line).mean()
        return float(value), np.array([(wrong * score).sum(), wrong.sum()])

    start = np.array([1.0, 0.0])
    return minimize(loss, start, jac=True, method="L-BFGS-B", options={"ftol": 1e-14}).x


def _refuse_missing(classes: NDArray[np.intp], number: int) -> None:
    missing = sorted(set(range(number)) - set(classes.tolist()))
    if missing:
        raise ValueError(
            f"No validation film shows class {missing[0]}, so its probability cannot be "
            "calibrated: give films of every class, or take one temperature for all."
        )


def _to_one(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows divided by their sums; where all are 0, each class the same."""
    total = p.sum(1, keepdims=True)
    return np.where(total > 0, p / np.where(total > 0, total, 1), 1 / p.shape[1])
