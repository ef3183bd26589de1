"""Several readers of the same Turing test: each of them, all of them, and whether they agree.

Readers and films are both drawn by chance. The mean accuracy therefore gets an interval over both,
by a two-way analysis of variance in which readers and films are random and the two kinds of films
(real, synthetic) fixed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import t

from course_lib.evaluation.agreement import Kappa, fleiss_kappa
from course_lib.evaluation.intervals import Interval, bootstrap
from course_lib.evaluation.turing import as_calls, score_reading

MOST_SPLITS = 20_000  # more ways to sort readers into groups than this are sampled


class Panel:
    """Truth (N,) and the answers of J readers (J, N): True for synthetic.

    ``names`` and ``groups`` (J each) are optional; a group is, for instance, years of experience.
    Raises ValueError for other shapes, gaps, fewer than two readers, or films of one kind only.
    """

    def __init__(
        self,
        synthetic: ArrayLike,
        calls: ArrayLike,
        names: Sequence[str] | None = None,
        groups: Sequence[str] | None = None,
    ) -> None:
        self.synthetic, self.calls = as_calls(synthetic, "truth"), as_calls(calls)
        if self.calls.ndim != 2 or self.synthetic.shape != self.calls.shape[1:]:
            raise ValueError(
                f"Expected answers (readers, films) and one truth per film; got "
                f"{self.calls.shape} and {self.synthetic.shape}."
            )
        if min(self.synthetic.sum(), (~self.synthetic).sum()) < 2 or len(self.calls) < 2:
            raise ValueError("A panel needs 2 readers or more, and 2 films or more of each kind.")
        self.names = list(names or (f"R{j + 1:02d}" for j in range(len(self.calls))))
        self.groups = list(groups) if groups is not None else None
        for given in (self.names, self.groups):
            if given is not None and len(given) != len(self.calls):
                raise ValueError(f"There are {len(self.calls)} readers; name each one once.")

    @property
    def right(self) -> NDArray[np.bool_]:
        """(J, N): which answers are right."""
        return self.calls == self.synthetic

    def share_right(self) -> NDArray[np.float64]:
        """(N,): the share of the readers who were right about each film."""
        return self.right.mean(axis=0)

    def table(self, level: float = 0.95) -> pd.DataFrame:
        """One row per reader: accuracy, sensitivity, specificity with Wilson intervals, p value."""
        rows = []
        for j, calls in enumerate(self.calls):
            score = score_reading(self.synthetic, calls, level)
            row: dict = {"reader": self.names[j]}
            if self.groups is not None:
                row["group"] = self.groups[j]
            for name in ("accuracy", "sensitivity", "specificity"):
                share = getattr(score, name)
                row |= {name: share.value, f"{name} 95 %": str(share.interval)}
            rows.append(row | {"p against a coin": score.p_chance})
        return pd.DataFrame(rows)


@dataclass(frozen=True)
class MeanAccuracy:
    """Mean share of right answers, its standard error and interval over readers and films."""

    value: float
    standard_error: float
    interval: Interval
    degrees_of_freedom: float


def mean_accuracy(panel: Panel, level: float = 0.95) -> MeanAccuracy:
    """What other readers would reach on other films, half of them synthetic.

    The mean over the two kinds of the share right. With the mean squares of readers (R), films
    within kind (F) and the rest (E), the variance of the mean is (R + F - E) / (J N), with
    Satterthwaite's degrees of freedom (Biometrics Bull 1946;2:110). Exact for equal numbers of
    both kinds.
    """
    right = panel.right.astype(float)
    readers, films = right.shape
    kinds = (panel.synthetic, ~panel.synthetic)
    by_kind = np.stack([right[:, kind].mean(axis=1) for kind in kinds])  # (2, J)
    of_reader = by_kind.mean(axis=0)
    ms_reader = films * float(of_reader.var(ddof=1))
    ss_film = sum(readers * float(right[:, k].mean(0).var() * k.sum()) for k in kinds)
    ss_rest = 0.0
    for kind, own in zip(kinds, by_kind, strict=True):
        part = right[:, kind]
        rest = part - part.mean(axis=0) - own[:, None] + part.mean()
        ss_rest += float((rest**2).sum())
    ms_film = ss_film / (films - 2)
    ms_rest = ss_rest / ((readers - 1) * (films - 2))
    return _mean_of(float(of_reader.mean()), (ms_reader, ms_film, ms_rest), right.shape, level)


def _mean_of(
    value: float, squares: tuple[float, float, float], shape: tuple[int, ...], level: float
) -> MeanAccuracy:
    """Mean with its interval from the mean squares of readers, films and rest."""
    (reader, film, rest), (readers, films) = squares, shape
    nan = float("nan")
    total = max(reader + film - rest, reader, film)  # a variance part below 0 counts as 0
    if total == 0:  # everybody right everywhere: no variation, no interval
        return MeanAccuracy(value, nan, Interval(nan, nan), nan)
    error = float(np.sqrt(total / (readers * films)))
    parts = reader**2 / (readers - 1) + film**2 / (films - 2)
    freedom = total**2 / (parts + rest**2 / ((readers - 1) * (films - 2)))
    half = float(t.ppf(0.5 + level / 2, freedom)) * error
    return MeanAccuracy(value, error, Interval(value - half, value + half), float(freedom))


def panel_kappa(
    panel: Panel, rounds: int = 1000, seed: int = 0, level: float = 0.95
) -> tuple[Kappa, Interval]:
    """Fleiss' kappa of all readers, and its bootstrap interval over films."""
    called = panel.calls.sum(axis=0)
    readers = len(panel.calls)
    kappa = fleiss_kappa(np.stack([called, readers - called], axis=1), level)
    spread = bootstrap(
        lambda c: two_way_kappa(c, readers), called, rounds=rounds, seed=seed, level=level
    )
    return kappa, spread


def two_way_kappa(called: ArrayLike, readers: int) -> float:
    """Fleiss' kappa of two categories from (N,) numbers of readers who chose the first.

    NaN where all readers always chose the same.
    """
    called = np.asarray(called, dtype=float)
    share = called.mean() / readers
    by_chance = 1 - 2 * share * (1 - share)
    if np.isclose(by_chance, 1):
        return float("nan")
    disagree = 2 * (called * (readers - called)).mean() / (readers * (readers - 1))
    return float(1 - disagree / (1 - by_chance))


@dataclass(frozen=True)
class GroupComparison:
    """Mean accuracy of each group, and how often a random grouping would differ as much."""

    means: dict[str, float]
    p_value: float
    exact: bool


def compare_groups(panel: Panel, seed: int = 0) -> GroupComparison:
    """Do groups of readers differ in accuracy? A permutation test with the reader as the unit.

    The readers are sorted into groups of these sizes in all possible ways (or 20,000 random ones);
    the p value is the share of ways whose group means lie at least as far apart. Raises ValueError
    where the panel has no groups, or one only.
    """
    if panel.groups is None or len(set(panel.groups)) < 2:
        raise ValueError("Give the panel two groups of readers or more, one name per reader.")
    accuracy = panel.right.mean(axis=1)
    names = list(dict.fromkeys(panel.groups))
    members = [np.flatnonzero([g == name for g in panel.groups]) for name in names]
    sizes = [len(rows) for rows in members]
    orders, exact = _orders(sizes, np.random.default_rng(seed))
    observed = _between(accuracy[np.concatenate(members)][None], sizes)[0]
    larger = int((_between(accuracy[orders], sizes) >= observed - 1e-12).sum())
    p_value = larger / len(orders) if exact else (larger + 1) / (len(orders) + 1)
    means = {name: float(accuracy[rows].mean()) for name, rows in zip(names, members, strict=True)}
    return GroupComparison(means, p_value, exact)


def _between(accuracy: NDArray, sizes: list[int]) -> NDArray[np.float64]:
    """Sum of squares between groups, for each row (W, J): the first group's readers come first."""
    parts = np.split(accuracy, np.cumsum(sizes)[:-1], axis=1)
    centre = accuracy.mean(axis=1)
    return sum((part.shape[1] * (part.mean(axis=1) - centre) ** 2 for part in parts), 0 * centre)


def _orders(sizes: list[int], random: np.random.Generator) -> tuple[NDArray[np.int_], bool]:
    """Ways (W, J) to sort J readers into groups of these sizes: all, or many at random."""
    readers, ways, left = sum(sizes), 1, sum(sizes)
    for size in sizes:
        ways, left = ways * comb(left, size), left - size
    if ways <= MOST_SPLITS:
        return np.array(list(_all_orders(tuple(range(readers)), sizes))), True
    return random.permuted(np.tile(np.arange(readers), (MOST_SPLITS, 1)), axis=1), False


def _all_orders(readers: tuple[int, ...], sizes: list[int]) -> Iterator[tuple[int, ...]]:
    """Yield every way to choose groups of these sizes from ``readers``, one after the other."""
    if len(sizes) == 1:
        yield readers
        return
    for first in combinations(readers, sizes[0]):
        rest = tuple(r for r in readers if r not in first)
        for others in _all_orders(rest, sizes[1:]):
            yield first + others
