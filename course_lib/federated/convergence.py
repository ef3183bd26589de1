"""Where federated averaging ends, in closed form: hospitals that are bowls.

Hospital k's loss is 1/2 sum_d a_kd (w_d - c_kd)^2: a bowl with its bottom at c_k, a_k is how steep
it is. All axes are independent, so every local training, every round and the point where the rounds
come to rest can be written down. What is true here is not enough for networks, but what is false
here is false for networks, too.

Sources: local steps as an affine map is elementary; that averaging after several of them comes to
rest beside the optimum was shown by Li 2020 (arXiv:1907.02189, theorem 4) and Charles 2021
(arXiv:2103.05032).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Points = NDArray[np.float64]


class Bowls(NamedTuple):
    """Hospitals with quadratic losses.

    curvature a_k and centre c_k: (K, D). share p_k: (K,), sum 1. Make it with ``bowls``.
    """

    curvature: Points
    centre: Points
    share: Points


def bowls(curvature: ArrayLike, centre: ArrayLike, cases: ArrayLike | None = None) -> Bowls:
    """Hospitals from curvatures > 0 and centres, (K,) or (K, D), and how many cases each has.

    Raises ValueError for other shapes, a curvature that is not above 0, or values that are not
    finite.
    """
    a, c = (np.atleast_2d(np.asarray(v, dtype=float).T).T for v in (curvature, centre))
    n = np.ones(len(c)) if cases is None else np.asarray(cases, dtype=float)
    if a.ndim != 2 or a.shape != c.shape or n.shape != (len(c),):
        raise ValueError(
            f"Curvatures {a.shape}, centres {c.shape} and cases {n.shape} do not fit together: "
            "give one row per hospital."
        )
    if not (np.isfinite(a).all() and np.isfinite(c).all() and (a > 0).all() and (n > 0).all()):
        raise ValueError("Curvatures and cases must be above 0, and everything must be finite.")
    return Bowls(a, c, n / n.sum())


def optimum(hospitals: Bowls) -> Points:
    """Where the weighted mean of all losses is least (D,): what central training finds."""
    a, c, p = hospitals
    weight = p[:, None] * a
    return (weight * c).sum(0) / weight.sum(0)


def total_loss(hospitals: Bowls, w: ArrayLike) -> float:
    """The weighted mean of all losses at the point w (D,)."""
    a, c, p = hospitals
    return float((p[:, None] * a * (np.asarray(w, dtype=float) - c) ** 2).sum() / 2)


def local_path(
    hospitals: Bowls, w: ArrayLike, learning_rate: float, steps: int, mu: float = 0.0
) -> Points:
    """The points (steps + 1, K, D) that the hospitals visit, all starting at w (D,).

    mu pulls them back to w (FedProx). Every step multiplies the way to the local goal by
    1 - learning_rate (a + mu).
    """
    _check(learning_rate, steps, mu)
    a, c, _ = hospitals
    start = np.broadcast_to(np.asarray(w, dtype=float), c.shape)
    goal = proximal_point(hospitals, start, mu)
    shrink = 1 - learning_rate * (a + mu)
    powers = np.power(shrink, np.arange(steps + 1)[:, None, None])
    return goal + powers * (start - goal)


def proximal_point(hospitals: Bowls, w: ArrayLike, mu: float) -> Points:
    """Where each hospital would end after endless local training (K, D): (a c + mu w)/(a + mu).

    Without FedProx (mu 0) that is its own centre; the larger mu, the nearer to w.
    """
    a, c, _ = hospitals
    return (a * c + mu * np.asarray(w, dtype=float)) / (a + mu)


def rounds_path(
    hospitals: Bowls, w: ArrayLike, learning_rate: float, steps: int, rounds: int, mu: float = 0.0
) -> Points:
    """The server's points (rounds + 1, D): local steps, weighted mean, again."""
    path = [np.atleast_1d(np.asarray(w, dtype=float))]
    for _ in range(rounds):
        ends = local_path(hospitals, path[-1], learning_rate, steps, mu)[-1]
        path.append((hospitals.share[:, None] * ends).sum(0))
    return np.stack(path)


def resting_point(hospitals: Bowls, learning_rate: float, steps: int, mu: float = 0.0) -> Points:
    """Where the rounds come to rest (D,): a mean of the centres with the wrong weights.

    Hospital k counts p_k (1 - (1 - eta (a + mu))^E) a / (a + mu). For one step (E = 1) that is
    p_k a_k, the optimum. For E to infinity and mu = 0 it is p_k: how steep a bowl is, which says
    how much an error matters there, is forgotten.
    """
    _check(learning_rate, steps, mu)
    a, c, p = hospitals
    travelled = 1 - (1 - learning_rate * (a + mu)) ** steps
    weight = p[:, None] * travelled * a / (a + mu)
    return (weight * c).sum(0) / weight.sum(0)


def contraction(hospitals: Bowls, learning_rate: float, steps: int, mu: float = 0.0) -> Points:
    """By what one round multiplies the distance to the resting point, per axis (D,).

    The smaller, the fewer rounds. Above 1 in size the rounds diverge.
    """
    _check(learning_rate, steps, mu)
    a, _, p = hospitals
    travelled = 1 - (1 - learning_rate * (a + mu)) ** steps
    return 1 - (p[:, None] * travelled * a / (a + mu)).sum(0)


def _check(learning_rate: float, steps: int, mu: float) -> None:
    if not learning_rate > 0 or steps < 1 or mu < 0:
        raise ValueError(
            f"Learning rate {learning_rate}, {steps} steps, mu {mu}: give a rate above 0, at least "
            "one step, and a mu that is not below 0."
        )
