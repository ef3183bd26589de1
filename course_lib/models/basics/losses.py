"""Losses and their gradients: one number that says how wrong, and in which direction.

Every function takes what the network gave and what it should have given, both (n, K), and returns
(loss, gradient); the loss is the mean over the n cases, the gradient (n, K) that of the loss with
respect to the first argument.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_lib.models.basics.activations import sigmoid, softmax

Array = NDArray[np.float64]


def squared_error(outputs: ArrayLike, targets: ArrayLike) -> tuple[float, Array]:
    """Mean squared error: mean over cases of sum over outputs of (output - target)^2."""
    given, wanted = _pair(outputs, targets)
    error = given - wanted
    return float((error**2).sum(1).mean()), 2.0 * error / len(error)


def sigmoid_squared_error(logits: ArrayLike, targets: ArrayLike) -> tuple[float, Array]:
    """Squared error behind a sigmoid. Its gradient carries the factor s (1 - s): a neuron that is
    certain and wrong hardly learns (it is saturated)."""
    z, wanted = _pair(logits, targets)
    s = sigmoid(z)
    loss, gradient = squared_error(s, wanted)
    return loss, gradient * s * (1.0 - s)


def sigmoid_cross_entropy(logits: ArrayLike, targets: ArrayLike) -> tuple[float, Array]:
    """-t log s - (1 - t) log (1 - s), summed over outputs. The factor s (1 - s) cancels: the
    gradient is s - t, large when the neuron is wrong."""
    z, wanted = _pair(logits, targets)
    # log(1 + e^z) - t z is the same sum, written so that no logarithm of zero can occur
    each = np.logaddexp(0.0, z) - wanted * z
    return float(each.sum(1).mean()), (sigmoid(z) - wanted) / len(z)


def softmax_cross_entropy(logits: ArrayLike, targets: ArrayLike) -> tuple[float, Array]:
    """-sum t log p with p = softmax(logits), for classes that exclude one another.

    Each row of targets adds up to one. The logarithm undoes the softmax's exponential, so that
    again only p - t remains. Raises ValueError when a row of targets does not add up to one.
    """
    z, wanted = _pair(logits, targets)
    if not np.allclose(wanted.sum(1), 1.0):
        raise ValueError("Every row of targets must add up to one: exactly one class is right.")
    top = z.max(1, keepdims=True)
    log_p = z - top - np.log(np.exp(z - top).sum(1, keepdims=True))
    return float(-(wanted * log_p).sum(1).mean()), (softmax(z) - wanted) / len(z)


def _pair(given: ArrayLike, wanted: ArrayLike) -> tuple[Array, Array]:
    a, b = np.asarray(given, float), np.asarray(wanted, float)
    if a.shape != b.shape or a.ndim != 2:
        raise ValueError(
            f"Outputs and targets must both be (cases, outputs); got {a.shape} and {b.shape}."
        )
    return a, b
