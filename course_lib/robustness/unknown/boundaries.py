"""Learned boundaries round the known films: one-class SVM and isolation forest.

Both come from scikit-learn; what is ours is the scale of the features and the sign.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from sklearn.ensemble import IsolationForest
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import OneClassSVM

from course_lib.robustness.unknown.inputs import Floats, feature_table


@dataclass(frozen=True)
class Boundary:
    """A fitted pipeline; score: the higher, the further outside."""

    pipeline: Pipeline
    columns: int

    def score(self, features: ArrayLike) -> Floats:
        """Minus the decision function (N,) of features (N, D): above 0 is outside."""
        table = feature_table(features, self.columns)
        return -np.asarray(self.pipeline.decision_function(table), dtype=np.float64)


def one_class_svm(features: ArrayLike, outside: float = 0.05) -> Boundary:
    """A smooth boundary with about the share `outside` of the known films (M, D) beyond it.

    Schoelkopf et al., Neural Computation 13 (2001) 1443, with a Gaussian kernel.
    """
    return _fitted(OneClassSVM(nu=_share(outside), gamma="scale"), features)


def isolation_forest(
    features: ArrayLike, outside: float = 0.05, trees: int = 200, seed: int = 0
) -> Boundary:
    """Random cuts: what is alone after few of them is unusual (Liu, Ting and Zhou, ICDM 2008)."""
    forest = IsolationForest(n_estimators=trees, contamination=_share(outside), random_state=seed)
    return _fitted(forest, features)


def _fitted(detector: OneClassSVM | IsolationForest, features: ArrayLike) -> Boundary:
    table = feature_table(features)
    if len(table) < 10:
        raise ValueError(f"{len(table)} films are too few to draw a boundary round them.")
    return Boundary(make_pipeline(StandardScaler(), detector).fit(table), table.shape[1])


def _share(outside: float) -> float:
    if not 0 < outside <= 0.5:
        raise ValueError(f"The share outside lies above 0 and at most at 0.5, not {outside}.")
    return outside
