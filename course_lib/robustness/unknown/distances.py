"""How far is a film from those that the network learned from, in the space of its features?"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import cho_factor, solve_triangular

from course_lib.robustness.unknown.inputs import Floats, class_numbers, feature_table


@dataclass(frozen=True)
class TiedGaussians:
    """One centre per class, and one covariance for all of them.

    centres (K, D); root (D, D): lower triangular, root @ root.T is the covariance.
    Lee et al., NeurIPS 2018, arXiv:1807.03888, section 2.1, on the last features.
    """

    centres: Floats
    root: Floats

    @classmethod
    def fit(cls, features: ArrayLike, classes: ArrayLike, ridge: float = 1e-6) -> "TiedGaussians":
        """From features (N, D) of films whose classes (N,) are known.

        ridge: share of the mean variance that is added to every variance, so that features which
        never change do not make the covariance singular. ValueError where there are not more films
        than classes, or no variance at all.
        """
        table = feature_table(features)
        numbers = class_numbers(classes, len(table))
        known = np.unique(numbers)
        if len(table) <= len(known):
            raise ValueError(f"{len(table)} films of {len(known)} classes leave no spread.")
        centres = np.stack([table[numbers == k].mean(0) for k in known])
        rest = table - centres[np.searchsorted(known, numbers)]
        covariance = rest.T @ rest / len(table)
        variance = float(np.trace(covariance)) / table.shape[1]
        if not variance > 0:
            raise ValueError("All films of a class have the same features: nothing varies.")
        covariance += ridge * variance * np.eye(table.shape[1])
        return cls(centres, np.tril(cho_factor(covariance, lower=True)[0]))

    def distances(self, features: ArrayLike) -> Floats:
        """Squared Mahalanobis distance (N, K) of features (N, D) to each class's centre."""
        table = feature_table(features, self.centres.shape[1])

        def whitened(rows: Floats) -> Floats:
            return solve_triangular(self.root, rows.T, lower=True).T

        films, centres = whitened(table), whitened(self.centres)
        between = -2 * films @ centres.T + (centres**2).sum(1)
        return np.maximum(between + (films**2).sum(1)[:, None], 0)

    def score(self, features: ArrayLike) -> Floats:
        """Squared distance (N,) to the nearest centre."""
        return self.distances(features).min(1)


@dataclass(frozen=True)
class Neighbours:
    """Known films as points on the unit sphere; the score is the distance to the k-th nearest.

    Sun et al., ICML 2022, arXiv:2204.06507: features are divided by their length first. known
    (M, D) has lengths of 1.
    """

    known: Floats
    k: int

    @classmethod
    def fit(cls, features: ArrayLike, k: int = 10) -> "Neighbours":
        """From features (M, D) of known films; ValueError unless 1 <= k <= M."""
        table = on_sphere(feature_table(features))
        if not 1 <= k <= len(table):
            raise ValueError(f"k must lie between 1 and the {len(table)} known films, not {k}.")
        return cls(table, int(k))

    def score(self, features: ArrayLike, batch: int = 1000) -> Floats:
        """Euclidean distance (N,) to the k-th nearest known film.

        The neighbour is found with products in single precision, which is fast; its distance is
        then computed anew from the difference, which is exact.
        """
        table = on_sphere(feature_table(features, self.known.shape[1]))
        known = torch.from_numpy(self.known.astype(np.float32))
        chosen = [
            _kth(part @ known.T, self.k)
            for part in torch.from_numpy(table.astype(np.float32)).split(batch)
        ]
        return np.linalg.norm(table - self.known[np.concatenate(chosen)], axis=1)


def on_sphere(features: ArrayLike) -> Floats:
    """Each row (N, D) divided by its length; rows of zeros stay zeros."""
    table = np.asarray(features, dtype=np.float64)
    return table / np.maximum(np.linalg.norm(table, axis=1, keepdims=True), 1e-12)


def _kth(cosine: torch.Tensor, k: int) -> NDArray[np.intp]:
    """Column of the k-th largest entry in each row (N, M)."""
    return cosine.topk(k, dim=1, sorted=True).indices[:, -1].numpy().astype(np.intp)
