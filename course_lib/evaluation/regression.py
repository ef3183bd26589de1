"""How good are predicted numbers, and why are the high ones too low and the low ones too high?

A network that cannot see everything answers with the mean of what is possible; so its answers
spread less than the truth ("regression to the mean"). For ages of brains: Le et al., Front Aging
Neurosci 2018;10:317; de Lange and Cole, NeuroImage Clin 2020;26:102229.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray


class Line(NamedTuple):
    """error = slope * truth + offset, by least squares; slope -1: the answers know nothing."""

    slope: float
    offset: float

    def at(self, truth: ArrayLike) -> NDArray[np.float64]:
        """The error that the line expects at these true values."""
        return self.slope * np.asarray(truth, dtype=float) + self.offset


def mean_absolute_error(predicted: ArrayLike, truth: ArrayLike) -> float:
    """MAE of (N,) predictions, in their unit. Raises ValueError for unequal shapes, none or NaN."""
    predicted, truth = _columns(predicted, truth)
    return float(np.abs(predicted - truth).mean())


def explained_variance_share(predicted: ArrayLike, truth: ArrayLike) -> float:
    """R squared = 1 - sum of squared errors / sum of squares about the mean of the truth.

    0 for whoever always says the mean, negative for worse. NaN where the truth does not vary.
    """
    predicted, truth = _columns(predicted, truth)
    about = float(((truth - truth.mean()) ** 2).sum())
    return 1 - float(((predicted - truth) ** 2).sum()) / about if about > 0 else float("nan")


def bias_line(predicted: ArrayLike, truth: ArrayLike) -> Line:
    """The line of the errors (predicted minus truth) over the truth.

    Fit it on validation cases, never on those that are judged. Raises ValueError for fewer than 3
    cases or a truth that does not vary.
    """
    predicted, truth = _columns(predicted, truth)
    if truth.size < 3 or np.ptp(truth) == 0:
        raise ValueError("A line needs at least 3 cases whose true values differ.")
    slope, offset = np.polyfit(truth, predicted - truth, 1)
    return Line(float(slope), float(offset))


def corrected_with_truth(predicted: ArrayLike, truth: ArrayLike, line: Line) -> NDArray[np.float64]:
    """predicted - (slope * truth + offset): the usual correction of "brain ages".

    It is told the true value! Of a prediction that is always the same it makes a perfect one. It
    serves to compare gaps between groups of patients, never to say how well a value is predicted.
    """
    predicted, truth = _columns(predicted, truth)
    return predicted - line.at(truth)


def corrected_without_truth(predicted: ArrayLike, line: Line) -> NDArray[np.float64]:
    """(predicted - offset) / (1 + slope): stretches the answers until they spread like the truth.

    No truth is needed, so a new patient can be corrected; the errors become larger. Raises
    ValueError at slope -1 or below: answers that know nothing cannot be stretched.
    """
    if line.slope <= -1:
        raise ValueError("The predictions do not rise with the truth; there is nothing to stretch.")
    return (np.asarray(predicted, dtype=float) - line.offset) / (1 + line.slope)


def _columns(predicted: ArrayLike, truth: ArrayLike) -> tuple[NDArray, NDArray]:
    predicted, truth = np.asarray(predicted, dtype=float), np.asarray(truth, dtype=float)
    if predicted.shape != truth.shape or predicted.ndim != 1 or predicted.size == 0:
        raise ValueError(
            f"Give one prediction per true value; got {predicted.shape} and {truth.shape}."
        )
    if not (np.isfinite(predicted).all() and np.isfinite(truth).all()):
        raise ValueError("A prediction or a true value is NaN or infinite; leave those cases out.")
    return predicted, truth
