"""Small sums with vectors that anatomy needs thousands of times, so they are kept quick."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def cross(a: Array, b: Array) -> Array:
    """Cross product of (N, 3) vectors; numpy's own spends most of its time on other shapes."""
    (a0, a1, a2), (b0, b1, b2) = a.T, b.T
    return np.array([a1 * b2 - a2 * b1, a2 * b0 - a0 * b2, a0 * b1 - a1 * b0]).T


def length(vectors: Array) -> Array:
    """(..., 1) lengths of (..., 3) vectors."""
    return np.sqrt((vectors * vectors).sum(-1, keepdims=True))


def filled(values: ArrayLike, shape: tuple[int, ...]) -> Array:
    """The values repeated to a shape (numpy's broadcast_to is slow for small arrays)."""
    result = np.empty(shape)
    result[...] = values
    return result


@lru_cache(maxsize=256)
def spline_weights(knots: int, count: int) -> Array:
    """(count, knots): how much of every control point is in every point of the curve."""
    unit = np.eye(knots)
    padded = np.concatenate([2 * unit[:1] - unit[1:2], unit, 2 * unit[-1:] - unit[-2:-1]])
    position = np.linspace(0, knots - 1, count)
    index = np.minimum(position.astype(int), knots - 2)
    t = (position - index)[:, None]
    a, b, c, d = (padded[index + k] for k in range(4))
    weights: Array = 0.5 * (
        2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3
    )
    weights.setflags(write=False)
    return weights
