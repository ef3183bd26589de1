"""The Inception score, and features of the network that it is named after.

Salimans et al., arXiv:1606.03498, section 4: every film should show one thing clearly, and all
films together should show everything.
"""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from scipy.special import xlogy
from torch import Tensor, nn
from torch.nn import functional

from course_lib.evaluation.generative.estimate import Estimate, feature_table, with_jackknife
from course_lib.models.inception_v3 import inception_v3
from course_lib.models.weights import imagenet_weights


def inception_score(probabilities: ArrayLike, groups: int = 20) -> Estimate:
    """exp of the mean Kullback-Leibler divergence of each film's classes from those of all films.

    probabilities: (N, K), the classes of each film, adding up to 1. Between 1 (all alike, or all
    undecided) and K (each film certain, all classes equally often). Interval of the grouped
    jackknife. Raises ValueError for NaN, values outside 0..1, and rows that do not add up to 1.
    """
    table = feature_table(probabilities)
    if table.min() < 0 or table.max() > 1 + 1e-6 or np.abs(table.sum(1) - 1).max() > 1e-3:
        raise ValueError(
            "Each film's class probabilities must lie in 0..1 and add up to 1. Sigmoid outputs of "
            "a multi-label network do not; divide them by their sum first, or use a softmax."
        )
    return with_jackknife(_score, table, groups=groups)


def inception_features(
    weights: dict[str, Tensor] | None = None,
) -> Callable[[Tensor], NDArray[np.float32]]:
    """A function from films (N, 1, H, W) in 0..1 to 2,048 features of Inception v3 (ImageNet).

    weights: a state dict of torchvision's inception_v3; its published weights where none is given.
    They differ from those of the first FID program, and so do its distances.
    Raises ConnectionError if they are not on this computer and cannot be fetched.
    """
    network = inception_v3("paper", 1000, 3)
    network.load_state_dict(weights or imagenet_weights("inception_v3"))
    network.fc = nn.Identity()  # type: ignore[assignment]
    network.eval()

    @torch.inference_mode()
    def features(films: Tensor, batch: int = 16) -> NDArray[np.float32]:
        parts = []
        for part in torch.as_tensor(films).float().split(batch):
            large = functional.interpolate(part, size=(299, 299), mode="bilinear", antialias=True)
            parts.append(network(large.expand(-1, 3, -1, -1) * 2 - 1))
        return torch.cat(parts).numpy()

    return features


def _score(table: NDArray) -> float:
    mean = table.mean(axis=0)
    divergence = (xlogy(table, table) - xlogy(table, np.where(mean > 0, mean, 1))).sum(axis=1)
    return float(np.exp(divergence.mean()))
