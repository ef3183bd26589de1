"""Going downhill: gradient descent, plain and with momentum.

Source of momentum: Rumelhart, Hinton, Williams, Nature 323:533-536, 1986, equation 9; Polyak 1964.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

HELD_AT = 1e100


def descend(
    gradient: Callable[[Array], Array],
    start: ArrayLike,
    rate: float,
    steps: int,
    momentum: float = 0.0,
) -> Array:
    """(steps + 1, ...) the path of theta <- theta + velocity from `start`.

    velocity <- momentum * velocity - rate * gradient(theta). With momentum 0 this is plain
    gradient descent. Numbers that explode are held at 1e100, so that the path can still be drawn.
    Raises ValueError for a negative rate or a momentum outside [0, 1).
    """
    if rate < 0 or not 0 <= momentum < 1:
        raise ValueError("The rate must not be negative, and momentum must lie in [0, 1).")
    theta = np.array(start, float)
    path, velocity = [theta], np.zeros_like(theta)
    for _ in range(steps):
        velocity = momentum * velocity - rate * np.asarray(gradient(theta))
        theta = np.clip(theta + velocity, -HELD_AT, HELD_AT)
        path.append(theta)
    return np.array(path)


def largest_rate(second_derivatives: ArrayLike) -> float:
    """2 / (greatest eigenvalue) of the (d, d) matrix of second derivatives of a quadratic loss.

    Plain descent converges below this rate and diverges above it: along the steepest axis every
    step multiplies the distance from the minimum by (1 - rate * eigenvalue).
    """
    return 2.0 / float(np.linalg.eigvalsh(np.asarray(second_derivatives, float)).max())


def numerical_gradient(
    function: Callable[[Array], float], point: ArrayLike, step: float = 1e-6
) -> Array:
    """Gradient by central differences, (f(x + h) - f(x - h)) / 2h for each number in `point`."""
    x = np.array(point, float)
    gradient = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        kept = x[index]
        x[index] = kept + step
        above = function(x)
        x[index] = kept - step
        below = function(x)
        x[index] = kept
        gradient[index] = (above - below) / (2 * step)
    return gradient
