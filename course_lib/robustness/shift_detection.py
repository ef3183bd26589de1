"""Did anything change? Four alarms that need films only, and nobody's labels.

Each compares old films with new ones and gives a p value: how often chance alone would look at
least as odd if nothing had changed. What they look at differs: single features (Kolmogorov and
Smirnov), all features together (kernel MMD), what a classifier can find (domain classifier), or
the answers only (BBSE's counts). Rabanser, Günnemann and Lipton, "Failing loudly",
arXiv:1810.11953, compare them.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.distance import cdist
from scipy.stats import kstwo, random_table

from course_lib.evaluation.delong import delong
from course_lib.evaluation.generative.estimate import two_tables
from course_lib.evaluation.intervals import Interval
from course_lib.robustness.shift_seasons import class_numbers


class Alarm(NamedTuple):
    """What a test saw (`statistic`, in its own units) and its p value."""

    statistic: float
    p_value: float


class DomainAlarm(NamedTuple):
    """AUC of telling old from new films, each judged by a classifier that has not seen it."""

    auc: float
    interval: Interval
    p_value: float


def ks_alarm(old: ArrayLike, new: ArrayLike) -> Alarm:
    """Kolmogorov-Smirnov on every feature of (N, D) and (M, D), Bonferroni over the D of them.

    Statistic: the largest gap between two cumulative curves; p: the smallest of all features
    times D, at most 1 (Massey's distribution, as scipy's asymptotic mode). It claims too little
    where values tie or features go together.
    """
    first, second = two_tables(old, new)
    gaps = ks_gaps(first, second)
    n, m = len(first), len(second)
    chance = kstwo.sf(gaps.max(), max(1, round(n * m / (n + m))))
    return Alarm(float(gaps.max()), float(min(1.0, gaps.size * chance)))


def ks_gaps(old: NDArray[np.float64], new: NDArray[np.float64]) -> NDArray[np.float64]:
    """Largest gap (D,) between the cumulative curves of each feature, of (N, D) and (M, D)."""
    both = np.concatenate([old, new])
    order = np.argsort(both, axis=0, kind="stable")
    steps = np.where(order < len(old), 1 / len(old), -1 / len(new))
    curves = np.abs(np.cumsum(steps, axis=0))
    ranked = np.take_along_axis(both, order, axis=0)
    inside_tie = np.vstack([ranked[1:] == ranked[:-1], np.zeros(both.shape[1], dtype=bool)])
    return np.where(inside_tie, 0, curves).max(0)


def mmd_alarm(old: ArrayLike, new: ArrayLike, rounds: int = 200, seed: int = 0) -> Alarm:
    """Maximum mean discrepancy with a Gaussian kernel, judged by mixing old and new at random.

    Statistic: the unbiased MMD^2 (Gretton et al., J Mach Learn Res 2012;13:723, equation 3), which
    can be negative. Width of the kernel: the median distance of two different films. p: share of
    `rounds` random divisions, and this one, with at least this statistic; exact at any size.
    """
    first, second = two_tables(old, new)
    both = np.concatenate([first, second])
    squared = cdist(both, both, "sqeuclidean")
    middle = np.median(squared[np.triu_indices(len(both), 1)])
    kernel = np.exp(-squared / (2 * middle)) if middle > 0 else (squared == 0).astype(float)
    divisions = _divisions(len(first), len(second), rounds, seed)
    values = _mmd_of(kernel, divisions)
    return Alarm(float(values[0]), _permutation_p(values))


def domain_alarm(
    old: ArrayLike,
    new: ArrayLike,
    folds: int = 5,
    rounds: int = 200,
    penalty: float = 1.0,
    seed: int = 0,
) -> DomainAlarm:
    """Can a linear classifier tell old from new films? AUC 0.5: no. AUC 1: at a glance.

    Ridge regression of -1 (old) and +1 (new) on standardised features, cross-validated. p: from
    the same with old and new mixed at random, `rounds` times. penalty: in units of N, the films to
    learn from. The interval is DeLong's, as if one classifier had judged all films; where there is
    nothing to learn, cross-validation pushes the AUC a little below 0.5, so trust p.
    """
    first, second = two_tables(old, new, least=folds)
    both = np.concatenate([first, second])
    both = (both - both.mean(0)) / np.maximum(both.std(0), 1e-9)
    random = np.random.default_rng([seed, 1])
    # Equally many old and new films in each fold, so that no fold favours one answer.
    fold = np.concatenate([random.permutation(len(x)) % folds for x in (first, second)])
    divisions = _divisions(len(first), len(second), rounds, seed, fold)
    scores = np.empty_like(divisions, dtype=float)
    for k in range(folds):
        learn, judge = fold != k, fold == k
        scores[:, judge] = _ridge(both[learn], divisions[:, learn], both[judge], penalty)
    areas = _areas(scores, divisions)
    estimate = delong(divisions[0], scores[0])
    return DomainAlarm(estimate.auc, estimate.interval, _permutation_p(areas))


def calls_alarm(
    old: ArrayLike, new: ArrayLike, classes: int, rounds: int = 999, seed: int = 0
) -> Alarm:
    """Chi-square of the numbers of calls of each class, (N,) before and (M,) now (BBSE's test).

    p: share of random tables with the same sums, and this one, with at least this chi-square; no
    rule about small counts is needed. It rises with the season, and with anything else that moves
    calls.
    """
    table = np.array(
        [np.bincount(class_numbers(c, classes), minlength=classes) for c in (old, new)]
    )
    table = table[:, table.sum(0) > 0]
    if table.shape[1] == 1:
        return Alarm(0.0, 1.0)
    rows, columns = table.sum(1), table.sum(0)
    expected = np.outer(rows, columns) / table.sum()
    random = random_table(rows, columns, seed=np.random.default_rng(seed))
    tables = np.concatenate([table[None], random.rvs(rounds)])
    values = ((tables - expected) ** 2 / expected).sum((1, 2))
    return Alarm(float(values[0]), _permutation_p(values))


def _divisions(
    n: int, m: int, rounds: int, seed: int, fold: NDArray[np.intp] | None = None
) -> NDArray[np.bool_]:
    """Which films are "new", (1 + rounds, n + m): first as it is, then at random within folds."""
    if rounds < 19:
        raise ValueError(f"With {rounds} rounds no p value could fall to 0.05; take 19 or more.")
    random = np.random.default_rng(seed)
    divisions = np.tile(np.repeat([False, True], [n, m]), (rounds + 1, 1))
    groups = np.zeros(n + m, dtype=int) if fold is None else fold
    for group in np.unique(groups):
        inside = np.flatnonzero(groups == group)
        divisions[1:, inside] = random.permuted(divisions[1:, inside], axis=1)
    return divisions


def _mmd_of(kernel: NDArray[np.float64], is_new: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Unbiased MMD^2 (R,) of several divisions (R, N) of the same films, kernel (N, N)."""
    kernel = kernel - np.diag(np.diag(kernel))  # no film with itself
    new = is_new.astype(float)
    to_new = new @ kernel
    m, n = new.sum(1), (1 - new).sum(1)
    among_new, mixed = (to_new * new).sum(1), (to_new * (1 - new)).sum(1)
    among_old = kernel.sum() - among_new - 2 * mixed
    return among_old / (n * (n - 1)) + among_new / (m * (m - 1)) - 2 * mixed / (n * m)


def _ridge(
    learn: NDArray, is_new: NDArray[np.bool_], judge: NDArray, penalty: float
) -> NDArray[np.float64]:
    """Scores (R, J) of films (J, D) by ridge regressions on the same films, with R divisions."""
    wanted = np.where(is_new, 1.0, -1.0)
    centre = learn.mean(0)
    inside = learn - centre
    system = inside.T @ inside + penalty * len(learn) * np.eye(learn.shape[1])
    weights = np.linalg.solve(system, inside.T @ (wanted - wanted.mean(1, keepdims=True)).T)
    return ((judge - centre) @ weights).T


def _areas(scores: NDArray[np.float64], is_new: NDArray[np.bool_]) -> NDArray[np.float64]:
    """AUC (R,) by ranks; scores hardly ever tie here."""
    ranks = scores.argsort(1).argsort(1) + 1.0
    m = is_new.sum(1)
    n = is_new.shape[1] - m
    return ((ranks * is_new).sum(1) - m * (m + 1) / 2) / (n * m)


def _permutation_p(values: NDArray[np.float64]) -> float:
    """Share of the values that reach the first one, itself included."""
    return float((values >= values[0] - 1e-12).mean())
