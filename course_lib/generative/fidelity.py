"""Is a generator faithful? Three steps and one comparison (Kim M. 2021, sections 2.2 to 2.4).

1. A classifier learns normal and abnormal from real films: classifier (real).
2. It labels generated films: likelihood above 0.7 abnormal, below 0.3 normal, the rest is thrown
   away. A second network of the same kind learns from as many of these: classifier (synthetic).
3. Both read the same real test films. What the second has lost, the generated films did not carry.

The thesis asks whether the two AUCs differ; ``Fidelity.comparisons`` asks in three ways.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from course_lib.evaluation.delong import AucComparison, AucEstimate, compare_aucs, delong
from course_lib.evaluation.hanley_mcneil import (
    PublishedAuc,
    compare_hanley_mcneil,
    compare_published,
)
from course_lib.evaluation.intervals import wilson
from course_lib.evaluation.operating import Confusion, confusion
from course_lib.generative.normal_or_abnormal import (
    ClassifierSettings,
    LabelledFilms,
    RealFilms,
    likelihood,
    train_classifier,
)
from course_lib.models.resnet import ResNet

ABNORMAL, NORMAL, UNDECIDED = 1, 0, -1
Make = Callable[[int, int], Tensor]
"""make(n, seed): n generated films, float (n, 1, 64, 64) in 0..1; same seed, same films."""


def pseudo_labels(score: ArrayLike, low: float = 0.3, high: float = 0.7) -> NDArray[np.int8]:
    """Labels (N,) from likelihoods of "abnormal" (N,): 1 above ``high``, 0 below ``low``, else -1.

    (The thesis writes it the other way round, "above 0.7 and below 0.3 for normal and abnormal",
    which is right for a likelihood of "normal".) Raises ValueError for scores outside 0..1 or
    thresholds in the wrong order.
    """
    score = np.asarray(score, dtype=np.float64)
    if not 0 <= low <= high <= 1:
        raise ValueError(f"Thresholds must rise within 0..1; {low} and {high} do not.")
    if not (np.isfinite(score).all() and (score >= 0).all() and (score <= 1).all()):
        raise ValueError("Likelihoods lie in 0..1; give logits a sigmoid first.")
    return np.where(score > high, ABNORMAL, np.where(score < low, NORMAL, UNDECIDED)).astype(
        np.int8
    )


@dataclass(frozen=True)
class SyntheticFilms:
    """Generated films that were kept, and how many were made for them.

    films float (N, 1, 64, 64) in 0..1; abnormal (N,) bool, pseudo-labels; score (N,), what the
    labeller said; made, undecided: films in all, and those between the thresholds.
    """

    films: Tensor
    abnormal: NDArray[np.bool_]
    score: NDArray[np.float64]
    made: int
    undecided: int


def synthetic_films(
    make: Make,
    labeller: Callable[[Tensor], NDArray[np.float64]],
    normal: int,
    abnormal: int,
    seed: int,
    thresholds: tuple[float, float] = (0.3, 0.7),
    most: int = 40_000,
    batch: int = 500,
) -> SyntheticFilms:
    """Generate until so many normal and so many abnormal films have been kept, in the order made.

    labeller: films to the likelihood of "abnormal" (n,). Raises ValueError when ``most`` films did
    not hold enough of one kind: that generator hardly ever draws it.
    """
    wanted, kept = {NORMAL: normal, ABNORMAL: abnormal}, {NORMAL: 0, ABNORMAL: 0}
    films, labels, scores = [], [], []
    made = undecided = 0
    while any(kept[kind] < wanted[kind] for kind in wanted):
        if made >= most:
            raise ValueError(
                f"Of {made} generated films only {kept[NORMAL]} count as normal and "
                f"{kept[ABNORMAL]} as abnormal; {normal} and {abnormal} were asked for."
            )
        drawn = make(batch, int(np.random.SeedSequence([seed, made]).generate_state(1)[0]))
        score = labeller(drawn)
        label = pseudo_labels(score, *thresholds)
        here = np.zeros(batch, dtype=bool)
        for kind in wanted:
            here[np.flatnonzero(label == kind)[: wanted[kind] - kept[kind]]] = True
            kept[kind] += int((here & (label == kind)).sum())
        films.append(drawn[torch.from_numpy(here)])
        labels.append(label[here] == ABNORMAL)
        scores.append(score[here])
        made, undecided = made + batch, undecided + int((label == UNDECIDED).sum())
    together = np.concatenate(labels), np.concatenate(scores)
    return SyntheticFilms(torch.cat(films), *together, made, undecided)


@dataclass(frozen=True)
class Reading:
    """What one classifier said about one set of films: truth (N,) bool, score (N,) in 0..1.

    For generated films the "truth" is a pseudo-label: the opinion of another classifier.
    """

    truth: NDArray[np.bool_]
    score: NDArray[np.float64]

    @property
    def auc(self) -> AucEstimate:
        """AUC with DeLong's interval."""
        return delong(self.truth, self.score)

    @property
    def counts(self) -> Confusion:
        """The four counts at 0.5."""
        return confusion(self.truth, self.score, 0.5)

    def table(self) -> pd.DataFrame:
        """The confusion matrix in the form of the thesis' tables 3 to 5, totals included."""
        c = self.counts
        cells = pd.DataFrame(
            [[c.tn, c.fn], [c.fp, c.tp]], ["normal", "abnormal"], ["normal", "abnormal"]
        )
        cells.loc["total"] = cells.sum()
        cells["total"] = cells.sum(axis=1)
        return cells.rename_axis(index="predicted", columns="reference")

    def row(self) -> dict[str, float]:
        """AUC, sensitivity and specificity at 0.5, each with low and high of its 95 % interval."""
        c, auc = self.counts, self.auc
        found, spared = wilson(c.tp, c.tp + c.fn), wilson(c.tn, c.tn + c.fp)
        return {
            "auc": auc.auc, "auc_low": auc.interval.low, "auc_high": auc.interval.high,
            "sensitivity": c.sensitivity,
            "sensitivity_low": found.low, "sensitivity_high": found.high,
            "specificity": c.specificity,
            "specificity_low": spared.low, "specificity_high": spared.high,
        }  # fmt: skip


@dataclass(frozen=True)
class Fidelity:
    """The three readings of the thesis, and the two networks behind them."""

    real_on_real: Reading
    synthetic_on_synthetic: Reading
    synthetic_on_real: Reading
    classifier_real: ResNet
    classifier_synthetic: ResNet
    made: int
    undecided: int

    def summary(self) -> pd.DataFrame:
        """A row per reading: AUC, sensitivity, specificity with their intervals."""
        readings = {
            "real on real": self.real_on_real,
            "synthetic on synthetic": self.synthetic_on_synthetic,
            "synthetic on real": self.synthetic_on_real,
        }
        return pd.DataFrame({name: reading.row() for name, reading in readings.items()}).T

    def comparisons(self) -> pd.DataFrame:
        """AUC (real) minus AUC (synthetic) on the same real films, tested in three ways."""
        truth = self.real_on_real.truth
        scores = self.real_on_real.score, self.synthetic_on_real.score
        return comparisons(truth, *scores)


def comparisons(truth: ArrayLike, first: ArrayLike, second: ArrayLike) -> pd.DataFrame:
    """Difference of two AUCs on the same films: DeLong, Hanley-McNeil 1983, and 1982 as printed.

    The last treats them as of different patients, all that a reader of a paper can do; that is
    cautious. One row each: difference, low, high, standard_error, z, p_value.
    """
    areas = [delong(truth, score) for score in (first, second)]
    one, other = (PublishedAuc(a.auc, a.positives, a.negatives) for a in areas)
    tests: dict[str, AucComparison] = {
        "DeLong, paired": compare_aucs(truth, first, second),
        "Hanley-McNeil, paired": compare_hanley_mcneil(truth, first, second),
        "Hanley-McNeil, as if independent": compare_published(one, other),
    }
    rows = {
        name: {
            "difference": t.difference, "low": t.interval.low, "high": t.interval.high,
            "standard_error": t.standard_error, "z": t.z, "p_value": t.p_value,
        }
        for name, t in tests.items()
    }  # fmt: skip
    return pd.DataFrame(rows).T


def three_steps(
    real: RealFilms,
    make: Make,
    settings: ClassifierSettings | None = None,
    thresholds: tuple[float, float] = (0.3, 0.7),
    seed: int = 0,
) -> Fidelity:
    """Train both classifiers, with the same numbers and ratio of films, and read the test films.

    The labeller of the generated films is classifier (real), which has not seen the test patients.
    """
    first = train_classifier(real.train, real.validation, settings, seed)
    counts = [_counts(part) for part in real]
    made = [
        synthetic_films(
            make, lambda films: likelihood(first, films), *count, _seed(seed, k), thresholds
        )
        for k, count in enumerate(counts)
    ]
    train, validation, test = (LabelledFilms(part.films, part.abnormal) for part in made)
    second = train_classifier(train, validation, settings, seed)
    return Fidelity(
        reading(first, real.test),
        reading(second, test),
        reading(second, real.test),
        first,
        second,
        sum(part.made for part in made),
        sum(part.undecided for part in made),
    )


def reading(classifier: ResNet, films: LabelledFilms) -> Reading:
    """What a classifier says of labelled films."""
    return Reading(films.abnormal, likelihood(classifier, films.films))


def _counts(part: LabelledFilms) -> tuple[int, int]:
    """How many normal and how many abnormal films a part holds."""
    abnormal = int(part.abnormal.sum())
    return len(part.abnormal) - abnormal, abnormal


def _seed(seed: int, part: int) -> int:
    return int(np.random.SeedSequence([seed, part, 0x46494445]).generate_state(1)[0])
