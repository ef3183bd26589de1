"""Whom does a shared network serve? Accuracy over hospitals, not over patients.

The measures of q-FFL (Li 2020, arXiv:1905.10497): average, worst and best tenth, variance. Among
few hospitals a tenth is less than one of them; here it is then one. All in per cent, the variance
in squared per cent, as in the paper.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import t
from torch import nn

from course_lib.evaluation.intervals import Interval
from course_lib.federated.client import Client, LocalPlan, accuracy
from course_lib.federated.rounds import FederatedPlan
from course_lib.federated.vectorised import federate_vectorised
from course_lib.federated.weights import Weights


class Fairness(NamedTuple):
    """Of K hospitals' accuracies, in per cent; variance in squared per cent (divided by K)."""

    average: float
    worst: float
    best: float
    variance: float


class Estimate(NamedTuple):
    """A mean over seeds with its interval."""

    mean: float
    interval: Interval


def fairness(accuracies: ArrayLike, share: float = 0.1) -> Fairness:
    """Average, worst and best tenth and variance of accuracies (K,) in 0 to 1.

    Each hospital counts the same. The tenth is round(share K) hospitals, at least one. Raises
    ValueError for no hospital, accuracies outside 0 to 1, or a share outside 0 to 1.
    """
    values = np.sort(_shares(accuracies)) * 100
    if not 0 < share <= 1:
        raise ValueError(f"The share lies above 0 and up to 1; {share} does not.")
    few = max(1, round(share * len(values)))
    return Fairness(
        float(values.mean()),
        float(values[:few].mean()),
        float(values[-few:].mean()),
        float(values.var()),
    )


def least_variance(average: float, worst: float, best: float, share: float = 0.1) -> float:
    """The smallest variance that goes with a printed row; a smaller one would be a misprint.

    It is reached when all hospitals between the two ends are alike. ValueError if the ends do not
    leave anybody between them.
    """
    if not 0 < share < 0.5:
        raise ValueError(f"Each end is a share between 0 and one half, not {share}.")
    between = (average - share * (worst + best)) / (1 - 2 * share)
    ends = (worst - average) ** 2 + (best - average) ** 2
    return share * ends + (1 - 2 * share) * (between - average) ** 2


def q_weights(losses: ArrayLike, q: float) -> NDArray[np.float64]:
    """How much each hospital counts in q-FFL, loss^q over their sum, (K,).

    q 0: all the same (not FedAvg, where patients count the same); q to infinity: only the worst.
    Raises ValueError for losses that are not above 0 and finite, or q below 0.
    """
    values = np.asarray(losses, dtype=np.float64)
    if values.ndim != 1 or values.size == 0 or not (np.isfinite(values) & (values > 0)).all():
        raise ValueError("The losses must be one finite number above 0 for each hospital.")
    if not q >= 0:
        raise ValueError(f"q is 0 or more; {q} is not.")
    power = (values / values.max()) ** q  # divided first, lest large q overflow
    return np.asarray(power / power.sum(), dtype=np.float64)


def over_seeds(values: ArrayLike, level: float = 0.95) -> Estimate:
    """Mean of one number per seed with Student's interval; ValueError for fewer than two seeds."""
    numbers = np.asarray(values, dtype=np.float64)
    if numbers.ndim != 1 or numbers.size < 2 or not np.isfinite(numbers).all():
        raise ValueError("An interval over seeds needs at least two finite numbers, one per seed.")
    mean = float(numbers.mean())
    error = float(numbers.std(ddof=1) / np.sqrt(numbers.size))
    half = float(t.ppf(0.5 + level / 2, numbers.size - 1)) * error
    return Estimate(mean, Interval(mean - half, mean + half))


def paired_gain(ours: ArrayLike, others: ArrayLike, level: float = 0.95) -> Estimate:
    """Mean gain over the same seeds, with its interval; what the seeds share cancels."""
    a, b = np.asarray(ours, dtype=np.float64), np.asarray(others, dtype=np.float64)
    if a.shape != b.shape:
        raise ValueError(f"Paired runs need the same seeds: {a.shape} and {b.shape} runs.")
    return over_seeds(a - b, level)


def alone(
    model: nn.Module,
    learn: Sequence[Client],
    test: Sequence[Client],
    plan: FederatedPlan,
    weights: Weights | None = None,
) -> NDArray[np.float64]:
    """Accuracy (K,) of each hospital that learns from its own cases only.

    weights: where it begins; None for the model's own. With a federation's weights and a short plan
    this is personalisation by fine-tuning. Raises ValueError if a hospital has no test set.
    """
    if len(learn) != len(test):
        raise ValueError(f"{len(learn)} hospitals and {len(test)} test sets: give one for each.")
    if weights is not None:
        model.load_state_dict(weights)
    found = []
    for hospital, cases in zip(learn, test, strict=True):
        history = federate_vectorised(model, [hospital], plan, progress=False)
        found.append(accuracy(model, history.weights, cases))
    return np.array(found)


def short_plan(epochs: int, learning_rate: float, batch_size: int = 20) -> FederatedPlan:
    """One round of so many epochs: what fine-tuning at a hospital takes."""
    return FederatedPlan(1, local=LocalPlan(epochs, batch_size, learning_rate))


def _shares(accuracies: ArrayLike) -> NDArray[np.float64]:
    values = np.asarray(accuracies, dtype=np.float64)
    if values.ndim != 1 or values.size == 0:
        raise ValueError("Give one accuracy for each hospital, at least one.")
    if not ((values >= 0) & (values <= 1)).all():
        raise ValueError("Accuracies are shares between 0 and 1; these are not.")
    return values
