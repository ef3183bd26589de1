"""Is a network that chooses one of K classes honest? Several meanings of the question.

confidence   does the answer's own probability say how often the answer is right?
class-wise   is each class's probability its frequency, also where it was not the answer?
KS           the same as "confidence", without bins

Each is a number that depends on bins, norm and the number of cases, so all of these belong to its
name. How far chance alone moves it: ``calibration_uncertainty``.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_lib.evaluation.calibration import Bin, Binning, Norm, _bin_numbers, reliability
from course_lib.evaluation.calibration_inputs import classes_and_probabilities

USUAL_BINS = 15  # Guo 2017


def right_and_confidence(
    classes: ArrayLike, probability: ArrayLike
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Whether each answer is right, (N,), and how sure the network was of it, (N,).

    The answer is the class with the largest probability, the first of several; classes (N,),
    probability (N, K) with rows that sum to 1. ValueError for anything else.
    """
    y, p = classes_and_probabilities(classes, probability)
    answer = p.argmax(1)
    # A sum may exceed 1 by a rounding error; a confidence may not.
    return answer == y, np.minimum(p.max(1), 1.0)


def confidence_reliability(
    classes: ArrayLike,
    probability: ArrayLike,
    bins: int = USUAL_BINS,
    by: Binning = "width",
    level: float = 0.95,
) -> list[Bin]:
    """The points of the usual reliability diagram of a network: confidence against accuracy."""
    return reliability(*right_and_confidence(classes, probability), bins, by, level=level)


def confidence_error(
    classes: ArrayLike,
    probability: ArrayLike,
    bins: int = USUAL_BINS,
    by: Binning = "width",
    norm: Norm = "l1",
) -> float:
    """ECE of the answers as papers report it (Guo, ICML 2017, arXiv:1706.04599), in 0 to 1.

    Only the largest probability of each case counts; the others may be anything.
    """
    return _binned_error(*right_and_confidence(classes, probability), bins, by, norm)


def overconfidence(classes: ArrayLike, probability: ArrayLike) -> float:
    """Mean confidence minus accuracy: above 0 the network promises too much. No bins."""
    right, confidence = right_and_confidence(classes, probability)
    return float(confidence.mean() - right.mean())


def classwise_errors(
    classes: ArrayLike,
    probability: ArrayLike,
    bins: int = USUAL_BINS,
    by: Binning = "width",
    norm: Norm = "l1",
) -> NDArray[np.float64]:
    """The calibration error of each class's own probability, (K,).

    Their mean is the class-wise ECE (Kull, NeurIPS 2019, arXiv:1910.12656). Of a rare class nearly
    all probabilities are near 0, and so is its error: compare errors of equal prevalence only.
    """
    y, p = classes_and_probabilities(classes, probability)
    return np.array(
        [_binned_error(y == k, np.minimum(q, 1), bins, by, norm) for k, q in enumerate(p.T)]
    )


def ks_error(classes: ArrayLike, probability: ArrayLike) -> float:
    """Largest gap between promised and observed successes, counted up to any confidence, over N.

    The Kolmogorov-Smirnov error (Gupta, ICLR 2021, arXiv:2006.12800): no bins to choose. Where a
    network is always over-confident it equals ``overconfidence``; gaps of both signs cancel partly.
    """
    right, confidence = right_and_confidence(classes, probability)
    levels, place = np.unique(confidence, return_inverse=True)  # equal confidences belong together
    gap = np.bincount(place, weights=confidence - right, minlength=len(levels))
    return float(np.abs(gap.cumsum()).max() / len(right))


def errors_by_choice(
    classes: ArrayLike, probability: ArrayLike, numbers: tuple[int, ...] = (5, 10, 15, 20, 50)
) -> dict[tuple[str, int], float]:
    """ECE of the same answers for bins of equal width and of equal mass, and several numbers."""
    choices: tuple[Binning, Binning] = ("width", "mass")
    return {
        (by, bins): confidence_error(classes, probability, bins, by)
        for by in choices
        for bins in numbers
    }


def _binned_error(
    happened: NDArray[np.bool_], promised: NDArray[np.float64], bins: int, by: Binning, norm: Norm
) -> float:
    """``calibration.calibration_error`` without its intervals: resampling calls it often."""
    if norm not in ("l1", "l2", "max"):
        raise ValueError(f"The norm is 'l1', 'l2' or 'max', not {norm!r}.")
    member = _bin_numbers(promised, bins, by)
    gaps = np.abs(np.bincount(member, weights=promised - happened))
    cases = np.maximum(np.bincount(member), 1)
    if norm == "l1":
        return float(gaps.sum() / len(promised))
    if norm == "max":
        return float((gaps / cases).max())
    return float(np.sqrt((gaps**2 / cases).sum() / len(promised)))
