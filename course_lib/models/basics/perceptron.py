"""The perceptron: one neuron with a threshold that learns from its mistakes.

Sources: Rosenblatt, "The perceptron: a probabilistic model for information storage and
organization in the brain", Psychological Review 65:386-408, 1958; the bound on the number of
mistakes: Novikoff, "On convergence proofs on perceptrons", 1962.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class PerceptronHistory:
    """What happened while a perceptron learned.

    weights: (updates + 1, features + 1), the bias last, from all zeros on. chosen: (updates,) the
    case that caused each update. converged: whether it went through all cases without a mistake.
    """

    weights: Array
    chosen: NDArray[np.int64]
    converged: bool

    @property
    def final(self) -> Array:
        """(features + 1,) the last weights."""
        return np.asarray(self.weights[-1])


def with_one(points: ArrayLike) -> Array:
    """(n, features) -> (n, features + 1): a constant input 1, whose weight is the bias."""
    array = np.asarray(points, float)
    if array.ndim != 2:
        raise ValueError(f"Points must be (cases, features), got the shape {array.shape}.")
    return np.hstack([array, np.ones((len(array), 1))])


def fires(weights: ArrayLike, points: ArrayLike) -> NDArray[np.bool_]:
    """(n,) whether the weighted sum of each point, bias included, is above zero."""
    return np.asarray(with_one(points) @ np.asarray(weights, float) > 0)


def learn(points: ArrayLike, labels: ArrayLike, most_updates: int = 10_000) -> PerceptronHistory:
    """Rosenblatt's rule: after every mistake add the case to the weights, or subtract it.

    points (n, features), labels (n,) of 0 and 1. Cases are shown in turn, again and again, until a
    whole round brings no mistake or `most_updates` is reached (then no line may exist).
    """
    cases = with_one(points)
    wanted = np.asarray(labels)
    if set(np.unique(wanted)) - {0, 1}:
        raise ValueError("Labels must be 0 or 1.")
    sign = np.where(wanted == 1, 1.0, -1.0)
    weights = np.zeros(cases.shape[1])
    history, chosen = [weights], list[int]()
    silent, place = 0, 0  # cases in a row without a mistake
    while silent < len(cases) and len(chosen) < most_updates:
        if (cases[place] @ weights > 0) != (wanted[place] == 1):  # a net of zero is silent
            weights = weights + sign[place] * cases[place]
            history.append(weights)
            chosen.append(place)
            silent = 0
        else:
            silent += 1
        place = (place + 1) % len(cases)
    return PerceptronHistory(np.array(history), np.array(chosen, np.int64), silent == len(cases))


def margin(points: ArrayLike, labels: ArrayLike, weights: ArrayLike) -> float:
    """gamma: smallest distance of a case from the boundary, negative if one is on the wrong side.

    Measured in the space with the constant input, as the proof does.
    """
    direction = np.asarray(weights, float)
    sign = np.where(np.asarray(labels) == 1, 1.0, -1.0)
    return float((sign * (with_one(points) @ direction)).min() / np.linalg.norm(direction))


def most_mistakes(points: ArrayLike, labels: ArrayLike, weights: ArrayLike) -> float:
    """Novikoff's bound (R / gamma)^2 on the number of updates, in whatever order cases come.

    R is the length of the longest case, gamma the margin of `weights`, any weights that separate
    the classes. Raises ValueError when these do not.
    """
    gamma = margin(points, labels, weights)
    if gamma <= 0:
        raise ValueError("These weights do not separate the classes, so they give no bound.")
    longest = np.linalg.norm(with_one(points), axis=1).max()
    return float((longest / gamma) ** 2)
