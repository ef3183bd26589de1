"""Proper scores of several classes: the Brier score in its parts, and the log loss.

A score is proper when nobody gains by saying anything but what he believes. The accuracy and the
calibration error are not: who always says the prevalence has an ECE of 0.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_lib.evaluation.calibration import Binning, _bin_numbers
from course_lib.evaluation.calibration_inputs import classes_and_probabilities, one_hot


class ExactBrierParts(NamedTuple):
    """brier = reliability - resolution + uncertainty + within_variance - within_covariance.

    Exact for any bins (Stephenson, Weather and Forecasting 2008;23:752). reliability: squared gap
    of promised and observed, bad; resolution: how far the bins' frequencies lie apart, good;
    uncertainty: what the prevalences alone cost; within_*: what happens inside the bins, 0 when all
    probabilities of a bin are equal.
    """

    reliability: float
    resolution: float
    uncertainty: float
    within_variance: float
    within_covariance: float

    @property
    def brier(self) -> float:
        """The score that these parts make up."""
        return (
            self.reliability
            - self.resolution
            + self.uncertainty
            + self.within_variance
            - self.within_covariance
        )


def brier_classes(classes: ArrayLike, probability: ArrayLike) -> float:
    """Mean over the cases of sum_k (p_k - y_k)^2 (Brier 1950), 0 best, 2 worst.

    classes (N,), probability (N, K). With two classes it is twice ``calibration.brier``.
    """
    y, p = classes_and_probabilities(classes, probability)
    return float(((p - one_hot(y, p.shape[1])) ** 2).sum(1).mean())


def log_loss(classes: ArrayLike, probability: ArrayLike) -> float:
    """Mean of -log p of the true class, in nats: 0 best; infinite if p is 0 once."""
    y, p = classes_and_probabilities(classes, probability)
    with np.errstate(divide="ignore"):
        return float(-np.log(p[np.arange(len(y)), y]).mean())


def brier_classes_parts(
    classes: ArrayLike, probability: ArrayLike, bins: int = 10, by: Binning = "width"
) -> ExactBrierParts:
    """The Brier score of several classes in five parts, each summed over the classes."""
    y, p = classes_and_probabilities(classes, probability)
    parts = [_binary_parts(t, np.minimum(q, 1), bins, by) for t, q in _columns(y, p)]
    return ExactBrierParts(*(float(sum(values)) for values in zip(*parts, strict=True)))


def _columns(
    y: NDArray[np.intp], p: NDArray[np.float64]
) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    return list(zip(one_hot(y, p.shape[1]).T, p.T, strict=True))


def _binary_parts(
    truth: NDArray[np.float64], p: NDArray[np.float64], bins: int, by: Binning
) -> tuple[float, ...]:
    """The five parts of one class; truth 0 or 1 (N,)."""
    _, member = np.unique(_bin_numbers(p, bins, by), return_inverse=True)
    cases = np.bincount(member)
    promised = (np.bincount(member, weights=p) / cases)[member]
    observed = (np.bincount(member, weights=truth) / cases)[member]
    share = truth.mean()
    return (
        float(((promised - observed) ** 2).mean()),
        float(((observed - share) ** 2).mean()),
        float(share * (1 - share)),
        float(((p - promised) ** 2).mean()),
        float(2 * ((p - promised) * (truth - observed)).mean()),
    )
