"""More than two classes, or many findings: one confusion matrix each, and three ways to average.

*Micro* pools the counts, so common classes rule. *Macro* averages the rates, so a class with three
cases weighs as much as one with three thousand. *Weighted* weighs each class with its cases.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_lib.evaluation.inputs import known_mask
from course_lib.evaluation.operating import Confusion, confusion
from course_lib.evaluation.rates import value

How = Literal["micro", "macro", "weighted"]


class Average(NamedTuple):
    """An averaged rate, and how many classes had one; the others (0 of 0) were left out."""

    value: float
    classes: int
    left_out: int


def confusion_matrix(
    truth: ArrayLike, called: ArrayLike, classes: Sequence | None = None
) -> NDArray[np.int64]:
    """(K, K) counts, row: true class, column: called class.

    ``classes`` names the K classes in order; default: all that occur, sorted. Raises ValueError
    for unequal lengths or a class that is not named.
    """
    truth, called = np.asarray(truth), np.asarray(called)
    if truth.ndim != 1 or truth.shape != called.shape:
        raise ValueError(
            f"Give one true and one called class per case, not {truth.shape} and {called.shape}."
        )
    names = np.unique(np.concatenate([truth, called])) if classes is None else np.asarray(classes)
    index = {name: k for k, name in enumerate(names.tolist())}
    strange = sorted({str(c) for c in [*truth.tolist(), *called.tolist()] if c not in index})
    if strange:
        raise ValueError(f"These classes are not named: {', '.join(strange)}.")
    matrix = np.zeros((len(index), len(index)), dtype=np.int64)
    for true, call in zip(truth.tolist(), called.tolist(), strict=True):
        matrix[index[true], index[call]] += 1
    return matrix


def one_against_rest(matrix: ArrayLike) -> list[Confusion]:
    """For each class of a (K, K) confusion matrix: this class against all others."""
    matrix = _square(matrix)
    hits, true, called = np.diag(matrix), matrix.sum(1), matrix.sum(0)
    total = int(matrix.sum())
    return [
        Confusion(int(h), int(c - h), int(t - h), total - int(c + t - h))
        for h, t, c in zip(hits, true, called, strict=True)
    ]


def confusion_by_label(
    truth: ArrayLike, score: ArrayLike, thresholds: ArrayLike, known: ArrayLike | None = None
) -> list[Confusion]:
    """For each of K labels that do not exclude each other: its counts at its own threshold.

    ``truth`` and ``score`` (N, K), ``thresholds`` (K,) or one number, ``known`` (N, K).
    """
    truth, score = np.asarray(truth, dtype=float), np.asarray(score, dtype=float)
    if truth.ndim != 2 or truth.shape != score.shape:
        raise ValueError(f"Expected two (cases, labels) arrays, got {truth.shape}, {score.shape}.")
    mask = np.ones(truth.shape, bool) if known is None else known_mask(known, truth.shape)
    limits = np.broadcast_to(np.asarray(thresholds, dtype=float), truth.shape[1:])
    return [
        confusion(truth[:, k], score[:, k], float(limits[k]), mask[:, k])
        for k in range(truth.shape[1])
    ]


def average(counts: Sequence[Confusion], rate: str, how: How) -> Average:
    """Average a rate (any name of ``rates.RATES``) over classes or labels.

    A class without a defined rate (nothing to find, nothing called) is left out and counted,
    never taken for 0. NaN when no class is left. Raises ValueError for another ``how``.
    """
    rates = np.array([value(one, rate) for one in counts], dtype=float)
    usable = ~np.isnan(rates)
    used, left_out = int(usable.sum()), int((~usable).sum())
    if how == "micro":
        return Average(value(sum(counts, Confusion(0, 0, 0, 0)), rate), used, left_out)
    if how not in ("macro", "weighted"):
        raise ValueError(f"Average 'micro', 'macro' or 'weighted', not {how!r}.")
    cases = np.array([one.tp + one.fn for one in counts], dtype=float)
    weights = (np.ones(len(rates)) if how == "macro" else cases)[usable]
    if weights.sum() == 0:
        return Average(float("nan"), used, left_out)
    return Average(float(np.average(rates[usable], weights=weights)), used, left_out)


def multiclass_accuracy(matrix: ArrayLike) -> float:
    """Share of cases on the diagonal of a (K, K) confusion matrix; NaN without cases."""
    matrix = _square(matrix)
    return float(np.trace(matrix) / matrix.sum()) if matrix.sum() else float("nan")


def multiclass_mcc(matrix: ArrayLike) -> float:
    """Matthews' correlation for K classes (Gorodkin, Comput Biol Chem 2004;28:367).

    NaN when truth or calls are all of one class.
    """
    matrix = _square(matrix).astype(float)
    total, true, called = matrix.sum(), matrix.sum(1), matrix.sum(0)
    together = np.trace(matrix) * total - true @ called
    scale = np.sqrt((total**2 - called @ called) * (total**2 - true @ true))
    return float(together / scale) if scale > 0 else float("nan")


def _square(matrix: ArrayLike) -> NDArray[np.int64]:
    matrix = np.asarray(matrix)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or (matrix < 0).any():
        raise ValueError(f"A confusion matrix is square, of counts; this is {matrix.shape}.")
    return matrix.astype(np.int64)
