"""What a neuron makes of its weighted sum, and how steep that is.

Everything here is float64 NumPy, so that a derivative can be checked to many digits.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Activation:
    """An activation function `value` and its derivative `slope`; both keep the shape."""

    name: str
    value: Callable[[Array], Array]
    slope: Callable[[Array], Array]


def sigmoid(z: ArrayLike) -> Array:
    """1 / (1 + exp(-z)): from 0 to 1. Written with tanh, which cannot overflow."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * np.asarray(z, float))))


def sigmoid_slope(z: ArrayLike) -> Array:
    """s (1 - s): 1/4 at most, at z = 0, and nearly nothing far from it."""
    s = sigmoid(z)
    return s * (1.0 - s)


def tanh_slope(z: ArrayLike) -> Array:
    """1 - tanh(z)^2: 1 at most, at z = 0."""
    return np.asarray(1.0 - np.tanh(np.asarray(z, float)) ** 2)


def relu(z: ArrayLike) -> Array:
    """max(0, z): what is negative becomes zero."""
    return np.maximum(np.asarray(z, float), 0.0)


def relu_slope(z: ArrayLike) -> Array:
    """1 where z is positive, else 0 (by custom also at 0, where there is no derivative)."""
    return (np.asarray(z, float) > 0).astype(float)


def softmax(z: ArrayLike) -> Array:
    """(..., K) logits -> (..., K) probabilities that add up to one.

    The greatest logit is taken off first; that changes nothing but prevents overflow.
    """
    logits = np.asarray(z, float)
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return np.asarray(powers / powers.sum(-1, keepdims=True))


def softmax_slopes(z: ArrayLike) -> Array:
    """(K,) logits -> (K, K): how probability i answers to logit j, p_i (1[i=j] - p_j)."""
    p = softmax(z)
    return np.asarray(np.diag(p) - np.outer(p, p))


ACTIVATIONS = {
    a.name: a
    for a in (
        Activation("identity", lambda z: z, np.ones_like),
        Activation("sigmoid", sigmoid, sigmoid_slope),
        Activation("tanh", np.tanh, tanh_slope),
        Activation("relu", relu, relu_slope),
    )
}


def activation(name: str) -> Activation:
    """The activation called `name`; ValueError lists those there are."""
    if name not in ACTIVATIONS:
        raise ValueError(f"Unknown activation {name!r}; there are: {', '.join(ACTIVATIONS)}.")
    return ACTIVATIONS[name]
