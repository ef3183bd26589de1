"""Ask several networks, or one with dropout several times: do they agree?

What they do not know together splits in two (Gal, thesis 2016; Depeweg et al., arXiv:1710.07283):

    entropy of the mean answer = mean entropy of the answers + mutual information
    all doubt                  = each one is in doubt         + they contradict each other
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from course_lib.learning.film_classifier import FilmClassifier
from course_lib.robustness.unknown.answers import entropy
from course_lib.robustness.unknown.inputs import Floats


@dataclass(frozen=True)
class Votes:
    """What M voters say about N films: probability (M, N, K)."""

    probability: Floats

    @property
    def mean(self) -> Floats:
        """The common answer (N, K)."""
        return self.probability.mean(0)

    @property
    def total(self) -> Floats:
        """Entropy of the common answer (N,), nats: all doubt."""
        return entropy(self.mean)

    @property
    def within(self) -> Floats:
        """Mean entropy of the single answers (N,), nats: even a perfect voter would doubt."""
        return entropy(self.probability).mean(0)

    @property
    def between(self) -> Floats:
        """Mutual information (N,), nats: how much they contradict each other."""
        return np.maximum(self.total - self.within, 0)


def votes(probability: ArrayLike) -> Votes:
    """Votes from probabilities (M, N, K); ValueError unless there are two voters or more."""
    p = np.asarray(probability, dtype=np.float64)
    if p.ndim != 3 or p.shape[0] < 2 or p.shape[1] == 0:
        raise ValueError(
            f"Votes are probabilities (voters, films, classes) of two voters or more; "
            f"this has shape {p.shape}."
        )
    entropy(p)  # refuses what is no probability
    return Votes(p)


def ensemble_votes(members: Sequence[FilmClassifier], films: ArrayLike | Tensor) -> Votes:
    """Several networks trained alike from different seeds (Lakshminarayanan, NeurIPS 2017)."""
    return votes(np.stack([member.probability(films) for member in members]))


def dropout_votes(
    classifier: FilmClassifier, films: ArrayLike | Tensor, passes: int = 20, seed: int = 0
) -> Votes:
    """One network, asked `passes` times with dropout at work (Gal and Ghahramani, ICML 2016).

    The same seed gives the same votes; the random state outside is left as it was.
    """
    with torch.random.fork_rng(devices=[]), dropping(classifier.model):
        torch.manual_seed(seed)
        return votes(np.stack([classifier.probability(films) for _ in range(passes)]))


@contextmanager
def dropping(model: nn.Module) -> Iterator[None]:
    """Let dropout work while the rest of the network, batch norms above all, stays at rest.

    ValueError for a network without dropout: all passes would say the same.
    """
    layers = [module for module in model.modules() if _drops(module)]
    if not layers:
        raise ValueError("This network has no dropout; all its votes would be the same.")
    before = [layer.training for layer in layers]
    try:
        for layer in layers:
            layer.training = True  # not .train(), which would wake the batch norms inside
        yield
    finally:
        for layer, was in zip(layers, before, strict=True):
            layer.training = was


def _drops(module: nn.Module) -> bool:
    """Whether a layer drops something while it trains (a Dropout, or one of DenseNet's layers)."""
    if isinstance(module, nn.modules.dropout._DropoutNd):
        return module.p > 0
    share = getattr(module, "dropout", 0.0)
    return isinstance(share, float) and share > 0
