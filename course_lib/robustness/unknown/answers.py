"""How unusual is a film, judged by the network's own answers?

All scores of this package point the same way: **the higher, the more unusual**. So the maximum
softmax comes with a minus sign, and the energy as it is.
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import logsumexp, xlogy

from course_lib.robustness.unknown.inputs import Floats, logit_table, positive


def max_softmax(logits: ArrayLike, temperature: float = 1.0) -> Floats:
    """Minus the largest softmax probability, (N,), from logits (N, K).

    Hendrycks and Gimpel, ICLR 2017, arXiv:1610.02136. Adding a number to all logits of a film
    changes nothing: the softmax sees differences only.
    """
    table = logit_table(logits) / positive("temperature", temperature)
    return -np.exp(table.max(1) - logsumexp(table, axis=1))


def max_logit(logits: ArrayLike) -> Floats:
    """Minus the largest logit, (N,): the energy's limit for a temperature of 0."""
    return -logit_table(logits).max(1)


def energy(logits: ArrayLike, temperature: float = 1.0) -> Floats:
    """E = -T log sum_k exp(z_k / T), (N,), from logits z (N, K).

    Liu et al., NeurIPS 2020, arXiv:2010.03759, equation 4. With T = 1 the logarithm of the largest
    softmax probability is E plus the largest logit; so the energy keeps what the softmax divides
    away: how large the logits are altogether.
    """
    t = positive("temperature", temperature)
    return -t * logsumexp(logit_table(logits) / t, axis=1)


def entropy(probability: ArrayLike) -> Floats:
    """Shannon's entropy of probabilities (..., K) in nats, (...): 0 when sure, log K at most.

    ValueError unless they lie in 0..1 and sum to 1.
    """
    p = np.asarray(probability, dtype=np.float64)
    if p.ndim == 0 or p.shape[-1] < 2 or not np.isfinite(p).all():
        raise ValueError("Entropy needs probabilities of two or more classes, without NaN.")
    if p.min() < -1e-6 or np.abs(p.sum(-1) - 1).max() > 1e-3:
        raise ValueError("Probabilities lie in 0..1 and sum to 1; logits need a softmax first.")
    p = np.clip(p, 0, 1)
    return np.abs(xlogy(p, p).sum(-1))
