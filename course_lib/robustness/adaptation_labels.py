"""When the season changes: how many are ill now, and what a probability means then.

Nobody has labelled the new films. But under label shift p(film | illness) is what it was, so the
answers to the new films tell the new shares: by expectation and maximisation (Saerens, Latinne and
Decaestecker, Neural Computation 2002;14:21) or by undoing the confusions that were counted on the
old films (BBSE; Lipton, Wang and Smola, arXiv:1802.03916). If instead the films themselves
changed, both give a confident wrong answer.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_lib.evaluation.calibrators import with_prior
from course_lib.robustness.shift_seasons import check_probability, check_shares, class_numbers


class SharesFound(NamedTuple):
    """shares (K,): of the classes among the new films; weights (K,): new share over old share.

    steps: iterations of EM; 1 for BBSE. condition: by how much BBSE's matrix can enlarge the
    errors of the counts; NaN for EM.
    """

    shares: NDArray[np.float64]
    weights: NDArray[np.float64]
    steps: int = 1
    condition: float = float("nan")


def shares_by_em(
    probability: ArrayLike, old: ArrayLike, tolerance: float = 1e-9, most_steps: int = 10_000
) -> SharesFound:
    """New shares from the probabilities of unlabelled new films, by expectation and maximisation.

    Correct the probabilities for the shares at hand (``with_prior``); their mean is the next guess.
    The likelihood never falls and has one top, so the start does not matter (a share of 0 stays 0).
    The probabilities must be calibrated for the old shares (K,).
    """
    p, before = check_probability(probability), check_shares(old)
    _ratio(before, before, p.shape[1])
    shares, steps, moved = before, 0, np.inf
    while moved >= tolerance and steps < most_steps:
        guess = with_prior(p, before, shares).mean(0)
        moved = np.abs(guess - shares).max()
        shares, steps = guess, steps + 1
    return SharesFound(shares, _ratio(before, shares, p.shape[1]), steps)


def shares_by_confusion(
    old_classes: ArrayLike, old_calls: ArrayLike, new_calls: ArrayLike, classes: int
) -> SharesFound:
    """New shares from the calls alone (BBSE): solve C w = m.

    C[i, j]: share of the old films that were called i and are j; m[i]: share of the new films that
    were called i; w[j]: new share of j over its old share. It needs no calibrated probabilities.
    Shares below 0, which chance can give, are set to 0.
    Raises ValueError if a class is missing or calls do not tell two classes apart (C singular).
    """
    joint = confusion_shares(old_classes, old_calls, classes)
    called = np.bincount(class_numbers(new_calls, classes), minlength=classes)
    condition = float(np.linalg.cond(joint))
    if not condition < 1e6:
        raise ValueError(
            "The calls do not tell all classes apart; the shares cannot be solved for."
        )
    weights = np.linalg.solve(joint, called / called.sum())
    shares = np.clip(weights * joint.sum(0), 0, None)
    shares /= shares.sum()
    return SharesFound(shares, shares / joint.sum(0), 1, condition)


def confusion_shares(classes: ArrayLike, calls: ArrayLike, number: int) -> NDArray[np.float64]:
    """C (K, K): share of all films that were called i (row) and are j (column); sums to 1.

    Raises ValueError for unequal lengths or a class without a film.
    """
    truth, called = class_numbers(classes, number), class_numbers(calls, number)
    if truth.size != called.size:
        raise ValueError(f"There are {truth.size} classes but {called.size} calls.")
    joint = np.zeros((number, number))
    np.add.at(joint, (called, truth), 1 / truth.size)
    missing = np.flatnonzero(joint.sum(0) == 0)
    if missing.size:
        raise ValueError(f"No labelled film is of class {missing[0]}; its confusions are unknown.")
    return joint


def _ratio(old: NDArray[np.float64], new: NDArray[np.float64], classes: int) -> NDArray[np.float64]:
    """new / old (K,), 0 where both are 0."""
    if old.size != classes or new.size != classes:
        raise ValueError(f"There are {classes} classes but {old.size} old, {new.size} new shares.")
    if ((old == 0) & (new > 0)).any():
        raise ValueError("A class that the old films never showed cannot be corrected for.")
    return np.divide(new, old, out=np.zeros_like(new), where=old > 0)
