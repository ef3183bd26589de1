"""How much worse did it get? Accuracy and macro AUC before and after, with intervals.

The same patients before and after: then only films on which the answers differ count (McNemar),
and both measures are resampled together. Other patients after: intervals are wider.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_lib.evaluation.intervals import Interval, bootstrap, newcombe_paired, wilson
from course_lib.evaluation.mcnemar import mcnemar
from course_lib.evaluation.roc import auc
from course_lib.robustness.shift_seasons import check_probability, class_numbers


class Performance(NamedTuple):
    """Accuracy with Wilson's interval and macro AUC with a bootstrap interval, of `films` films."""

    films: int
    accuracy: float
    accuracy_interval: Interval
    auc: float
    auc_interval: Interval


class Drop(NamedTuple):
    """Before minus after, on the same patients: positive is a loss.

    p_value: McNemar's test (mid p) of the accuracies; NaN where no film changed sides.
    """

    accuracy: float
    accuracy_interval: Interval
    p_value: float
    auc: float
    auc_interval: Interval


def macro_auc(classes: ArrayLike, probability: ArrayLike) -> float:
    """Mean over the classes of the AUC of "this class or not"; a class nobody has is left out.

    classes (N,) numbers, probability (N, K). NaN where no class has both sides.
    """
    p = check_probability(probability)
    truth = class_numbers(classes, p.shape[1])
    areas = [auc(truth == k, p[:, k]) for k in range(p.shape[1])]
    known = [area for area in areas if not np.isnan(area)]
    return float(np.mean(known)) if known else float("nan")


def performance(
    classes: ArrayLike, probability: ArrayLike, rounds: int = 200, seed: int = 0
) -> Performance:
    """How good the answers (N, K) are on films of these classes (N,); 95 % intervals."""
    p = check_probability(probability, rows=len(np.asarray(classes)))
    truth = class_numbers(classes, p.shape[1])
    right = int(is_right(truth, p).sum())
    interval = bootstrap(macro_auc, truth, p, rounds=rounds, seed=seed)
    share = right / truth.size
    return Performance(truth.size, share, wilson(right, truth.size), macro_auc(truth, p), interval)


def drop(
    classes: ArrayLike,
    before: ArrayLike,
    after: ArrayLike,
    rounds: int = 200,
    seed: int = 0,
) -> Drop:
    """Loss between two sets of answers (N, K) to films of the *same* patients, with 95 % intervals.

    Accuracy: Newcombe's paired interval; AUC: patients are drawn again, with both their films.
    """
    first = check_probability(before, rows=len(np.asarray(classes)))
    second = check_probability(after, first.shape[1], len(first))
    truth = class_numbers(classes, first.shape[1])
    good, still = is_right(truth, first), is_right(truth, second)
    both, neither = int((good & still).sum()), int((~good & ~still).sum())
    lost, won = int((good & ~still).sum()), int((~good & still).sum())
    areas = bootstrap(
        lambda t, a, b: macro_auc(t, a) - macro_auc(t, b),
        truth, first, second, rounds=rounds, seed=seed,
    )  # fmt: skip
    return Drop(
        float(good.mean() - still.mean()),
        newcombe_paired(both, lost, won, neither),
        mcnemar(lost, won).mid,
        macro_auc(truth, first) - macro_auc(truth, second),
        areas,
    )


def is_right(classes: NDArray[np.intp], probability: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether the most probable class is the true one, (N,)."""
    return probability.argmax(1) == classes
