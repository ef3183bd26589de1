"""Several predictions for the same question combined to one, by logistic regression.

As MRNet does with its three series (Bien et al., PLOS Medicine 2018;15:e1002699): the logit of the
exam is a weighted sum of the logits of the series. What it is fitted on decides whether it is of
any use: on exams that the networks have learned from, a network that memorised looks best.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.linear_model import LogisticRegression

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Combination:
    """logit of the whole = scores @ weights + bias; weights (K,), one per prediction."""

    weights: Numbers
    bias: float

    def logit(self, scores: ArrayLike) -> Numbers:
        """(N,) combined logits of scores (N, K). Raises ValueError for another number of scores."""
        scores = np.asarray(scores, float)
        if scores.ndim != 2 or scores.shape[1] != len(self.weights):
            raise ValueError(
                f"The combination takes {len(self.weights)} scores per case, not an array of shape "
                f"{scores.shape}."
            )
        return scores @ self.weights + self.bias

    def probability(self, scores: ArrayLike) -> Numbers:
        """(N,) combined probabilities of scores (N, K)."""
        return 1 / (1 + np.exp(-self.logit(scores)))


def fit_combination(
    scores: ArrayLike, truth: ArrayLike, strength: float = 1.0, standardise: bool = True
) -> Combination:
    """Logistic regression of truths (N,) of 0 and 1 on scores (N, K), best logits.

    Fit it on cases that the networks behind the scores have not learned from. strength: C of
    scikit-learn, the inverse of the L2 penalty, so that K scores that say the same share the
    weight. standardise: penalise as if all scores had the same spread; without it a score that
    hardly varies (a network that never commits itself) keeps a small say.
    Raises ValueError when a class is missing or a score not finite.
    """
    scores, present = np.asarray(scores, float), np.asarray(truth, bool)
    if scores.ndim != 2 or len(scores) != len(present):
        raise ValueError(f"{len(present)} truths need scores (N, K), not {scores.shape}.")
    if present.all() or not present.any():
        raise ValueError("Combining needs cases with and without the finding to learn from.")
    if not np.isfinite(scores).all():
        raise ValueError("A score is NaN or infinite; combine logits of complete exams only.")
    mean, deviation = scores.mean(0), np.ones(scores.shape[1])
    if standardise:
        deviation = np.maximum(scores.std(0), 1e-9)
    model = LogisticRegression(C=strength).fit((scores - mean) / deviation, present)
    weights = model.coef_[0] / deviation
    return Combination(weights, float(model.intercept_[0] - mean @ weights))
