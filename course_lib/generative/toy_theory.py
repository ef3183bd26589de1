"""What the two players could reach at best: exact on tables of probabilities and on points.

Sources: Goodfellow et al., arXiv:1406.2661, section 4 (the best critic, Jensen-Shannon); Arjovsky,
Chintala, Bottou, arXiv:1701.07875, section 2 (distances that go on when two densities do not meet).
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist


def best_critic(real: ArrayLike, made: ArrayLike) -> NDArray[np.float64]:
    """The share real / (real + made): what no critic of one sample can do better than.

    real, made: the two densities at the same places, any shape. Where both are zero nothing ever
    comes, and the answer is 1/2. Source: arXiv:1406.2661, proposition 1.
    """
    p, q = _nonnegative(real, made)
    both = p + q
    return np.where(both > 0, p / np.where(both > 0, both, 1), 0.5)


def kullback_leibler(p: ArrayLike, q: ArrayLike) -> float:
    """KL(p || q) in nats of two tables of probabilities; infinite where q misses what p has."""
    p, q = _probabilities(p, q)
    here = p > 0
    with np.errstate(divide="ignore"):
        return float(np.sum(p[here] * np.log(p[here] / q[here])))


def jensen_shannon(p: ArrayLike, q: ArrayLike) -> float:
    """Jensen-Shannon divergence in nats: 0 for equal tables, log 2 for tables that never meet."""
    p, q = _probabilities(p, q)
    middle = (p + q) / 2
    return (kullback_leibler(p, middle) + kullback_leibler(q, middle)) / 2


def value_of_game(p: ArrayLike, q: ArrayLike) -> float:
    """E_p log D + E_q log(1 - D) for the best critic D; equals 2 JS - log 4 (theorem 1)."""
    p, q = _probabilities(p, q)
    critic = best_critic(p, q)
    real, made = p > 0, q > 0
    return float(np.sum(p[real] * np.log(critic[real])) + np.sum(q[made] * np.log1p(-critic[made])))


def earth_movers(first: ArrayLike, second: ArrayLike) -> float:
    """Wasserstein-1 distance of two equally large sets of points, (n,) or (n, d).

    The cheapest way to carry one set onto the other, as mean distance per point; exact. Numbers on
    a line are sorted and paired; for points in space the assignment is solved, n^3 at worst.
    Raises ValueError for sets of different size, empty ones, or values that are not finite.
    """
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if a.shape != b.shape or a.ndim not in (1, 2) or not a.size:
        raise ValueError(f"Give two equally large sets of points, not {a.shape} and {b.shape}.")
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise ValueError("Some points are not finite numbers.")
    if a.ndim == 1:
        return float(np.abs(np.sort(a) - np.sort(b)).mean())
    ways = cdist(a, b)
    return float(ways[linear_sum_assignment(ways)].mean())


def _nonnegative(p: ArrayLike, q: ArrayLike) -> tuple[NDArray, NDArray]:
    a, b = np.asarray(p, dtype=np.float64), np.asarray(q, dtype=np.float64)
    if a.shape != b.shape:
        raise ValueError(f"Both must be given at the same places, not {a.shape} and {b.shape}.")
    if not (np.all(a >= 0) and np.all(b >= 0)):  # also refuses NaN
        raise ValueError("Densities are numbers not below zero.")
    return a, b


def _probabilities(p: ArrayLike, q: ArrayLike) -> tuple[NDArray, NDArray]:
    a, b = _nonnegative(p, q)
    if not (np.isclose(a.sum(), 1) and np.isclose(b.sum(), 1)):
        raise ValueError("Probabilities must add up to 1; divide each table by its sum.")
    return a, b
