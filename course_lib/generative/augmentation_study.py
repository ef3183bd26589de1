"""Do generated films help a classifier that has few real ones? Five ways to spend the same effort.

A small set of n labelled films is given. The ways (``WAYS``) to learn from it:

- real only;
- with shifts and flips, drawn anew in every epoch;
- with generated films that the film judge has labelled: as in most papers, and a leak, because the
  judge learned from 3000 labelled films;
- with generated films that the first network (real only) has labelled itself: no leak;
- with real films without labels, labelled by the first network in the same way: whoever has a
  generator once had the films that it learned from. What the generator adds must show against this.

Every network makes equally many steps, and where films are added half of what it sees are the n
labelled ones. Labelled films, test films and first weights are the same for all ways.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import t
from torch import Tensor
from torch.utils.data import ConcatDataset, Dataset
from tqdm.auto import tqdm

from course_lib.data.augment import Augmentation
from course_lib.evaluation.delong import compare_aucs
from course_lib.evaluation.roc import auc
from course_lib.generative.fidelity import ABNORMAL, UNDECIDED, pseudo_labels
from course_lib.generative.normal_or_abnormal import (
    ClassifierSettings,
    LabelledFilms,
    likelihood,
    train_classifier,
)
from course_lib.generative.synthetic_training import balanced
from course_lib.learning.plan import Plan
from course_lib.models.resnet import ResNet

FIRST, MOVED, JUDGED, OWN, UNLABELLED = WAYS = (
    "real only",
    "real, shifted and flipped",
    "real + synthetic, judge's labels",
    "real + synthetic, own labels",
    "real + unlabelled real, own labels",
)
# Flips too: nothing that is asked about here has a side.
SHIFTS_AND_FLIPS = Augmentation(rotate=0, shift=0.06, zoom=0, flip=True, brightness=0, gamma=0)
Labeller = Callable[[Tensor], NDArray[np.float64]]


@dataclass(frozen=True)
class StudySettings:
    """How large the study is.

    sizes: labelled real films, half of them abnormal. seeds: draws of them, each with first weights
    of its own. added: films that are added at most, half of them abnormal. views: films that one
    epoch shows. thresholds: below and above which a likelihood becomes a label.
    """

    sizes: tuple[int, ...] = (50, 100, 200, 400, 800)
    seeds: tuple[int, ...] = (0, 1, 2)
    added: int = 800
    views: int = 800
    thresholds: tuple[float, float] = (0.3, 0.7)
    classifier: ClassifierSettings = field(
        default_factory=lambda: ClassifierSettings(plan=Plan(epochs=6, learning_rate=4e-3))
    )


@dataclass(frozen=True)
class Pools:
    """Films that may be added, each (N, 1, 64, 64) in 0..1, and the likelihood the judge gives.

    generated; judged (N,): likelihood of "abnormal" of each generated film; unlabelled: real films
    of patients who are in no other part of the study.
    """

    generated: Tensor
    judged: NDArray[np.float64]
    unlabelled: Tensor


def study(
    train: LabelledFilms, test: LabelledFilms, pools: Pools, settings: StudySettings | None = None
) -> pd.DataFrame:
    """Train all networks. One row each: films, seed, way, auc, difference, low, high, p_value.

    The n films are drawn from ``train``; ``test`` is read. difference: AUC minus that of "real
    only" of the same draw, with DeLong's paired interval for these test films.
    """
    settings = settings or StudySettings()
    draws = [(n, seed) for n in settings.sizes for seed in settings.seeds]
    rows: list[dict] = []
    with tqdm(total=len(draws) * len(WAYS), desc="augmentation study", unit="network") as bar:
        for films, seed in draws:
            few = balanced(train.abnormal, films // 2, seed)
            given = train.films[few], train.abnormal[few]
            first: NDArray[np.float64] | None = None
            for way, network in _networks(*given, pools, settings, seed):
                score = likelihood(network, test.films)
                first = score if first is None else first
                row = {"films": films, "seed": seed, "way": way, "auc": auc(test.abnormal, score)}
                rows.append(row | _against(test.abnormal, score, first))
                bar.update()
    return pd.DataFrame(rows)


def _networks(
    films: Tensor, abnormal: NDArray[np.bool_], pools: Pools, settings: StudySettings, seed: int
) -> Iterator[tuple[str, ResNet]]:
    """The five networks of one draw, each with its way."""
    given, views = LabelledFilms(films, abnormal), settings.views

    def train(*parts: Dataset) -> ResNet:
        # The labelled films themselves choose the epoch, in effect the last: 50 are too few to
        # give some away.
        return train_classifier(ConcatDataset(parts), given, settings.classifier, seed)

    first = train(LabelledFilms(films, abnormal, views=views))
    yield FIRST, first
    yield (
        MOVED,
        train_classifier(
            LabelledFilms(films, abnormal, SHIFTS_AND_FLIPS, seed, views),
            given,
            settings.classifier,
            seed,
        ),
    )
    half = LabelledFilms(films, abnormal, views=views // 2)
    for way, pool, score in (
        (JUDGED, pools.generated, pools.judged),
        (OWN, pools.generated, likelihood(first, pools.generated)),
        (UNLABELLED, pools.unlabelled, likelihood(first, pools.unlabelled)),
    ):
        added = _labelled(pool, score, settings, seed)
        yield way, first if added is None else train(half, added)


def _labelled(
    pool: Tensor, score: NDArray[np.float64], settings: StudySettings, seed: int
) -> LabelledFilms | None:
    """Films of the pool with a sure label, equally many of both; None if there is only one kind."""
    label = pseudo_labels(score, *settings.thresholds)
    sure = np.flatnonzero(label != UNDECIDED)
    ill = label[sure] == ABNORMAL
    each = min(settings.added // 2, int(ill.sum()), int((~ill).sum()))
    if each == 0:
        return None
    drawn = sure[balanced(ill, each, seed)]
    return LabelledFilms(pool[drawn], label[drawn] == ABNORMAL, views=settings.views // 2)


def _against(truth: NDArray, score: NDArray, first: NDArray) -> dict[str, float]:
    test = compare_aucs(truth, score, first)
    return {
        "difference": test.difference,
        "low": test.interval.low,
        "high": test.interval.high,
        "p_value": test.p_value,
    }


def summary(rows: pd.DataFrame, level: float = 0.95) -> pd.DataFrame:
    """Mean AUC and mean difference to "real only" over the draws, for each size and way.

    low, high: t-interval of the difference over draws: what another small set of films and another
    start might have given. With fewer than two draws there is none (NaN).
    """

    def one(group: pd.DataFrame) -> pd.Series:
        draws, gain = len(group), group["difference"].mean()
        half = float("nan")
        if draws > 1:
            error = group["difference"].std(ddof=1) / np.sqrt(draws)
            half = float(t.ppf(0.5 + level / 2, draws - 1)) * error
        return pd.Series(
            {
                "auc": group["auc"].mean(),
                "lowest": group["auc"].min(),
                "highest": group["auc"].max(),
                "difference": gain,
                "low": gain - half,
                "high": gain + half,
                "draws": draws,
            }
        )

    groups = rows.groupby(["films", "way"], sort=False)
    return groups[["auc", "difference"]].apply(one).reset_index()
