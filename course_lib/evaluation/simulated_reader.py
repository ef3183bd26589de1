"""A simulated reader whose truth is known: healthy and ill cases score on two bell curves.

Healthy cases score N(0, 1), ill ones N(separation, spread). Then sensitivity, specificity and AUC
are known exactly (Dorfman and Alf 1969; Metz 1978), so that an estimate, an interval or a rule can
be judged against the truth instead of against another estimate.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm


@dataclass(frozen=True)
class BinormalReader:
    """Ill cases score ``separation`` higher on average and spread by ``spread`` (healthy: 1)."""

    separation: float
    spread: float = 1.0

    def __post_init__(self) -> None:
        if not self.spread > 0:
            raise ValueError(f"The spread must be above 0, got {self.spread}.")

    @classmethod
    def with_auc(cls, auc: float, spread: float = 1.0) -> "BinormalReader":
        """The reader whose true AUC is ``auc`` (above 0, below 1)."""
        if not 0 < auc < 1:
            raise ValueError(f"The AUC of bell curves lies between 0 and 1; {auc} does not.")
        return cls(float(norm.ppf(auc)) * float(np.hypot(1, spread)), spread)

    @property
    def auc(self) -> float:
        """True area under the ROC curve."""
        return float(norm.cdf(self.separation / np.hypot(1, self.spread)))

    def sensitivity(self, threshold: ArrayLike) -> NDArray[np.float64]:
        """True share of ill cases that score at least ``threshold``."""
        return np.asarray(norm.sf((np.asarray(threshold) - self.separation) / self.spread))

    def specificity(self, threshold: ArrayLike) -> NDArray[np.float64]:
        """True share of healthy cases that score below ``threshold``."""
        return np.asarray(norm.cdf(np.asarray(threshold)))

    def probability(self, score: ArrayLike, prevalence: float) -> NDArray[np.float64]:
        """True probability that a case with this score is ill, where ``prevalence`` are."""
        score = np.asarray(score, dtype=np.float64)
        ill = prevalence * norm.pdf(score, self.separation, self.spread)
        return np.asarray(ill / (ill + (1 - prevalence) * norm.pdf(score)))

    def read(
        self, ill: int, healthy: int, random: np.random.Generator
    ) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
        """Truth and score, both (ill + healthy,), the ill first."""
        truth = np.repeat([True, False], [ill, healthy])
        score = random.normal(size=truth.size)
        score[:ill] = self.separation + self.spread * score[:ill]
        return truth, score
