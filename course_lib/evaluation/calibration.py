"""Does "80 %" mean 80 of 100? Reliability, calibration error and the Brier score.

A score can rank patients perfectly and still be wrong as a probability. The error of calibration
depends on how the cases are put into bins, so bins and norm are always part of the name.
"""

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_lib.evaluation.inputs import truth_and_probabilities
from course_lib.evaluation.intervals import Interval, wilson

Binning = Literal["width", "mass"]
Norm = Literal["l1", "l2", "max"]


class Bin(NamedTuple):
    """Cases with similar probabilities: what was promised and what came."""

    cases: int
    promised: float
    observed: float
    interval: Interval


class BrierParts(NamedTuple):
    """Murphy's parts (J Appl Meteorol 1973;12:595): brier ~ reliability - resolution + uncertainty.

    Exact when all probabilities within a bin are equal.
    """

    reliability: float
    resolution: float
    uncertainty: float


def reliability(
    truth: ArrayLike,
    probability: ArrayLike,
    bins: int = 10,
    by: Binning = "width",
    known: ArrayLike | None = None,
    level: float = 0.95,
) -> list[Bin]:
    """The points of a reliability diagram, from low to high probabilities.

    ``by="width"``: bins of equal width from 0 to 1, each with its lower edge (the last with both);
    ``by="mass"``: bins of (nearly) equally many cases, equal probabilities kept together. Empty
    bins are left out. The interval of the observed share is Wilson's.
    """
    present, p = truth_and_probabilities(truth, probability, known=known)
    member = _bin_numbers(p, bins, by)
    found = []
    for number in np.unique(member):
        inside = member == number
        cases, ill = int(inside.sum()), int(present[inside].sum())
        found.append(Bin(cases, float(p[inside].mean()), ill / cases, wilson(ill, cases, level)))
    return found


def calibration_error(
    truth: ArrayLike,
    probability: ArrayLike,
    bins: int = 10,
    by: Binning = "width",
    norm: Norm = "l1",
    known: ArrayLike | None = None,
) -> float:
    """Gap between promised and observed, over the bins, in 0 to 1; NaN without cases.

    "l1": mean gap, weighted by cases (expected calibration error, ECE; Naeini, AAAI 2015); "l2":
    root of the mean squared gap; "max": the largest gap (MCE). Few cases per bin make it too large:
    even perfect probabilities do not reach 0.
    """
    points = reliability(truth, probability, bins, by, known)
    if norm not in ("l1", "l2", "max"):
        raise ValueError(f"The norm is 'l1', 'l2' or 'max', not {norm!r}.")
    if not points:
        return float("nan")
    gap = np.array([abs(point.promised - point.observed) for point in points])
    weight = np.array([point.cases for point in points], dtype=float)
    if norm == "max":
        return float(gap.max())
    power = 1 if norm == "l1" else 2
    return float(np.average(gap**power, weights=weight) ** (1 / power))


def brier(truth: ArrayLike, probability: ArrayLike, known: ArrayLike | None = None) -> float:
    """Mean squared distance of probability and outcome (Brier 1950), 0 best; NaN without cases.

    Always saying 0.5 gives 0.25; always saying the prevalence q gives q (1 - q).
    """
    present, p = truth_and_probabilities(truth, probability, known=known)
    return float(np.mean((p - present) ** 2)) if p.size else float("nan")


def brier_skill(truth: ArrayLike, probability: ArrayLike, known: ArrayLike | None = None) -> float:
    """1 - Brier / Brier of always saying the prevalence: 1 best, 0 no gain, below 0 harm.

    NaN with one class only.
    """
    present, p = truth_and_probabilities(truth, probability, known=known)
    share = float(present.mean()) if p.size else 0.0
    reference = share * (1 - share)
    return 1 - brier(present, p) / reference if reference > 0 else float("nan")


def brier_parts(
    truth: ArrayLike,
    probability: ArrayLike,
    bins: int = 10,
    by: Binning = "width",
    known: ArrayLike | None = None,
) -> BrierParts:
    """The Brier score in parts; NaN without cases. Bins as in ``reliability``."""
    points = reliability(truth, probability, bins, by, known)
    if not points:
        return BrierParts(*[float("nan")] * 3)
    cases = np.array([point.cases for point in points], dtype=float)
    promised = np.array([point.promised for point in points])
    observed = np.array([point.observed for point in points])
    share = float(np.average(observed, weights=cases))
    return BrierParts(
        reliability=float(np.average((promised - observed) ** 2, weights=cases)),
        resolution=float(np.average((observed - share) ** 2, weights=cases)),
        uncertainty=share * (1 - share),
    )


def _bin_numbers(p: NDArray[np.float64], bins: int, by: Binning) -> NDArray[np.intp]:
    """The number of the bin of every case."""
    if bins < 1:
        raise ValueError(f"There must be at least one bin, not {bins}.")
    if by == "width":
        return np.minimum((p * bins).astype(np.intp), bins - 1)
    if by != "mass":
        raise ValueError(f"Bins are equal in 'width' or in 'mass', not {by!r}.")
    if p.size == 0:
        return np.empty(0, dtype=np.intp)
    edges = np.quantile(p, np.arange(1, bins) / bins)
    return np.searchsorted(edges, p, side="right")
