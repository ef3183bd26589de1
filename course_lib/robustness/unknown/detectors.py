"""All scores under one roof: fifteen ways to ask how unusual a film is.

    detectors = shipped_detectors()  # of record.py
    detectors.scores(new_films)        # a table: one row per film, one column per score

The known films that are learned from are those that the network was trained with, or others like
them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from course_lib.learning.film_classifier import FilmClassifier
from course_lib.robustness.unknown.answers import energy, max_logit, max_softmax
from course_lib.robustness.unknown.appearance import Looks
from course_lib.robustness.unknown.boundaries import Boundary, isolation_forest, one_class_svm
from course_lib.robustness.unknown.distances import Neighbours, TiedGaussians
from course_lib.robustness.unknown.odin import odin
from course_lib.robustness.unknown.votes import dropout_votes, ensemble_votes

# What each score looks at; the order is that of tables and figures.
SCORES = {
    "softmax": "answer",
    "max logit": "answer",
    "energy": "answer",
    "ODIN": "answer",
    "Mahalanobis": "features",
    "neighbours": "features",
    "one-class SVM": "features",
    "forest": "features",
    "ensemble entropy": "votes",
    "ensemble disagreement": "votes",
    "dropout entropy": "votes",
    "dropout disagreement": "votes",
    "exposed to cheap": "training",
    "exposed to diseases": "training",
    "appearance": "pixels",
}


@dataclass(frozen=True)
class Detectors:
    """An ensemble (its first member is the one that answers) and what was learned beforehand."""

    members: Sequence[FilmClassifier]
    exposed: Sequence[FilmClassifier]
    gaussians: TiedGaussians
    neighbours: Neighbours
    svm: Boundary
    forest: Boundary
    looks: Looks

    @classmethod
    def fit(
        cls,
        members: Sequence[FilmClassifier],
        exposed: Sequence[FilmClassifier],
        features: ArrayLike,
        classes: ArrayLike,
        numbers: ArrayLike,
    ) -> "Detectors":
        """From known films: features (M, 90) of the first member, classes (M,), and the numbers
        (M, 8) of appearance. exposed: two networks that were shown outliers, cheap ones first."""
        return cls(
            members,
            exposed,
            TiedGaussians.fit(features, classes),
            Neighbours.fit(features),
            one_class_svm(features),
            isolation_forest(features),
            Looks.of(numbers),
        )

    def scores(self, films: ArrayLike | Tensor, passes: int = 10, seed: int = 0) -> pd.DataFrame:
        """Scores of films (N, 1, 64, 64) in 0..1: a column for each of SCORES, higher = stranger.

        passes, seed: of MC dropout.
        """
        first = self.members[0]
        logits, features = first.logits(films), first.features(films)
        together = ensemble_votes(self.members, films)
        shaken = dropout_votes(first, films, passes, seed)
        columns = {
            "softmax": max_softmax(logits),
            "max logit": max_logit(logits),
            "energy": energy(logits),
            "ODIN": odin(first.model, torch.as_tensor(films).float()),
            "Mahalanobis": self.gaussians.score(features),
            "neighbours": self.neighbours.score(features),
            "one-class SVM": self.svm.score(features),
            "forest": self.forest.score(features),
            "ensemble entropy": together.total,
            "ensemble disagreement": together.between,
            "dropout entropy": shaken.total,
            "dropout disagreement": shaken.between,
            "exposed to cheap": max_softmax(self.exposed[0].logits(films)),
            "exposed to diseases": max_softmax(self.exposed[1].logits(films)),
            "appearance": self.looks.score(films),
        }
        return pd.DataFrame({name: np.asarray(columns[name]) for name in SCORES})
