"""Making a trained network honest afterwards: a few numbers, fitted on validation films.

    calibrator = TemperatureScaling.fit(logits, classes)      # validation films
    probability = calibrator.probability(other_logits)        # films it has not seen

Temperature and vector scaling stay inside the softmax; ``calibrators_one_class`` holds Platt's
method and isotonic regression, which treat each class alone. All are fitted by maximum likelihood.
None may be fitted on the films that it is judged on.
"""

from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq, minimize

from course_lib.evaluation.calibration_inputs import (
    checked_logits,
    checked_probabilities,
    classes_and_logits,
    one_hot,
    softmax,
)

COLDEST, HOTTEST = 1e-2, 1e2
RIDGE = 1e-3


class Calibrator(Protocol):
    """Anything that turns logits (N, K) into probabilities (N, K)."""

    def probability(self, logits: ArrayLike) -> NDArray[np.float64]:
        """The calibrated probabilities; rows sum to 1."""


@dataclass(frozen=True)
class TemperatureScaling:
    """softmax(z / T): one number for all classes (Guo, ICML 2017, arXiv:1706.04599).

    T above 1 makes the network more modest. The order of the classes of a film, and so the answer,
    never changes.
    """

    temperature: float = 1.0

    def __post_init__(self) -> None:
        if not self.temperature > 0:
            raise ValueError(f"A temperature is above 0; {self.temperature} is not.")

    @classmethod
    def fit(cls, logits: ArrayLike, classes: ArrayLike) -> Self:
        """The temperature with the smallest log loss on validation films.

        There the network's mean logit of the true class equals what it expects, E_p[z]. Raises
        ValueError where no temperature is best: all answers right, or no better than guessing.
        """
        y, z = classes_and_logits(classes, logits)
        z = z - z.max(1, keepdims=True)
        of_truth = z[np.arange(len(y)), y].mean()

        def surplus(log_temperature: float) -> float:
            """Expected minus observed logit: the derivative of the log loss by 1/T."""
            return float((softmax(z / np.exp(log_temperature)) * z).sum(1).mean() - of_truth)

        low, high = np.log(COLDEST), np.log(HOTTEST)
        if surplus(low) <= 0:
            raise ValueError(
                f"All {len(y)} films are answered rightly, so the colder the better: give "
                "validation films with some mistakes."
            )
        if surplus(high) >= 0:
            raise ValueError(
                "These logits are no better than guessing, so no temperature helps; do the "
                "classes belong to these films?"
            )
        return cls(float(np.exp(brentq(surplus, low, high, xtol=1e-10))))

    def probability(self, logits: ArrayLike) -> NDArray[np.float64]:
        """softmax(z / T) of logits (N, K)."""
        return softmax(checked_logits(logits) / self.temperature)


@dataclass(frozen=True)
class VectorScaling:
    """softmax(w z + b) with a weight w and an offset b per class (Guo 2017): 2 K numbers.

    Offsets can repair wrong prevalences; but the answer may change.
    """

    weight: NDArray[np.float64]
    offset: NDArray[np.float64]

    @classmethod
    def fit(cls, logits: ArrayLike, classes: ArrayLike, ridge: float = RIDGE) -> Self:
        """Smallest log loss on validation films, drawn a little towards changing nothing.

        ridge: weight of |w - 1|^2 + |b|^2; without it a class that is never confused runs off to
        infinity. Raises ValueError for a negative ridge.
        """
        y, z = classes_and_logits(classes, logits)
        if ridge < 0:
            raise ValueError(f"The ridge is 0 or more; {ridge} is not.")
        truth, number = one_hot(y, z.shape[1]), z.shape[1]
        unchanged = np.concatenate([np.ones(number), np.zeros(number)])

        def loss(both: NDArray) -> tuple[float, NDArray]:
            p = softmax(z * both[:number] + both[number:])
            wrong = (p - truth) / len(y)
            away = both - unchanged
            value = -np.log(np.maximum((p * truth).sum(1), 1e-300)).mean() + ridge * away @ away
            slope = np.concatenate([(wrong * z).sum(0), wrong.sum(0)]) + 2 * ridge * away
            return float(value), slope

        best = minimize(loss, unchanged, jac=True, method="L-BFGS-B").x
        return cls(best[:number], best[number:])

    def probability(self, logits: ArrayLike) -> NDArray[np.float64]:
        """softmax(w z + b) of logits (N, K)."""
        z = checked_logits(logits)
        if z.shape[1] != len(self.weight):
            raise ValueError(f"Fitted for {len(self.weight)} classes; these are {z.shape[1]}.")
        return softmax(z * self.weight + self.offset)


def with_prior(probability: ArrayLike, before: ArrayLike, after: ArrayLike) -> NDArray[np.float64]:
    """Probabilities (N, K) for other prevalences: p' proportional to p * after / before.

    Bayes' rule, exact where only the prevalences differ (label shift) and p was honest before.
    before, after (K,): shares of the classes where p was fitted and where it is used. Source:
    Saerens, Neural Computation 2002;14:21. ValueError for shares that are no distribution.
    """
    p = checked_probabilities(probability)
    old, new = (np.asarray(shares, dtype=np.float64) for shares in (before, after))
    for name, shares in (("before", old), ("after", new)):
        if shares.shape != p.shape[1:] or (shares < 0).any() or abs(shares.sum() - 1) > 1e-6:
            raise ValueError(
                f"The shares {name} must be {p.shape[1]} numbers from 0 that sum to 1, "
                f"not {np.round(shares, 3).tolist()}."
            )
    if (old == 0).any():
        raise ValueError("A class that never occurred before cannot be corrected for.")
    weighted = p * new / old
    total = weighted.sum(1, keepdims=True)
    if (total == 0).any():
        raise ValueError("A case has probability 0 for every class that occurs now.")
    return np.asarray(weighted / total, dtype=np.float64)
