"""A support vector machine that is trained by scikit-learn and kept as plain numbers.

f(x) = sum_i a_i K(v_i, x) + b over the support vectors v_i (Cortes and Vapnik 1995); x counts as
abnormal when f(x) exceeds a threshold. A pickled scikit-learn object could run any program when it
is read and would not outlive its version; five arrays can and do neither.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.svm import SVC

Kernel = Literal["rbf", "linear"]
Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class SupportVectors:
    """mean, deviation (F,): inputs are standardised first. vectors (V, F) standardised support
    vectors, weights (V,) a_i, bias b; gamma of the kernel exp(-gamma |v - x|^2), 0 for v.x."""

    mean: Numbers
    deviation: Numbers
    vectors: Numbers
    weights: Numbers
    bias: float
    gamma: float

    def decision(self, features: Numbers) -> Numbers:
        """f of features (N, F), shape (N,): above 0 on the abnormal side of the boundary."""
        x = (np.asarray(features, dtype=np.float64) - self.mean) / self.deviation
        products = x @ self.vectors.T
        if self.gamma == 0:
            return products @ self.weights + self.bias
        squares = (x**2).sum(1)[:, None] + (self.vectors**2).sum(1)[None] - 2 * products
        return np.exp(-self.gamma * squares) @ self.weights + self.bias

    def as_dict(self) -> dict[str, Any]:
        """Plain values for a checkpoint."""
        return dict(self.__dict__)


def fit_support_vectors(
    features: Numbers,
    abnormal: NDArray[np.bool_],
    kernel: Kernel = "rbf",
    penalty: float = 1.0,
) -> SupportVectors:
    """Train on features (N, F) and truths (N,). Both classes weigh the same, however frequent.

    penalty: C, the price of films on the wrong side. Raises ValueError if one class is missing.
    """
    abnormal = np.asarray(abnormal, dtype=bool)
    if abnormal.all() or not abnormal.any():
        raise ValueError("A support vector machine needs normal and abnormal films to learn from.")
    features = np.asarray(features, dtype=np.float64)
    mean, deviation = features.mean(0), np.maximum(features.std(0), 1e-9)
    machine = SVC(C=penalty, kernel=kernel, gamma="scale", class_weight="balanced")
    machine.fit((features - mean) / deviation, abnormal)
    gamma = 0.0 if kernel == "linear" else float(machine._gamma)
    weights, bias = machine.dual_coef_[0].copy(), float(machine.intercept_[0])
    return SupportVectors(mean, deviation, machine.support_vectors_.copy(), weights, bias, gamma)
