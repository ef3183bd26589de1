"""A visual Turing test: can a blinded reader tell real films from synthetic ones?

Here: the plan of a reading (who is shown what, in which order), what one reader's answers say, and
what they do not say. Many readers are in ``turing_panel``, simulated ones in ``turing_simulation``,
and whether the test was fair in ``turing_fairness``.

Throughout, *positive* means synthetic: sensitivity is the share of synthetic films called
synthetic, specificity the share of real films called real. Park et al. (JMIR Med Inform
2021;9:e23328) name the two the other way round; ``Score.named_for_real`` translates.
"""

import hashlib
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import binom, binomtest

from course_lib.evaluation.intervals import Interval, wilson
from course_lib.evaluation.operating import Confusion


@dataclass(frozen=True)
class ReadingPlan:
    """A blinded reading. Films have numbers that say nothing about what they are.

    ``source`` (N,): film number -> row among the real films followed by the synthetic ones.
    ``synthetic`` (N,): the truth, by film number. ``order`` (M,): the film number of each showing;
    M is larger than N where films are shown twice.
    """

    source: NDArray[np.int_]
    synthetic: NDArray[np.bool_]
    order: NDArray[np.int_]

    @property
    def name(self) -> str:
        """Eight letters that tell this set of films from others, and nothing about the truth."""
        content = self.source.astype("<i8").tobytes() + self.synthetic.tobytes()
        return hashlib.sha256(content).hexdigest()[:8]

    @property
    def repeated(self) -> NDArray[np.int_]:
        """Numbers of the films that are shown twice, in the order of their second showing."""
        return self.order[len(self.source) :]

    def arrange(self, real: ArrayLike, synthetic: ArrayLike) -> NDArray:
        """The films (N, ...) by film number. Raises ValueError for other numbers or shapes."""
        real, synthetic = np.asarray(real), np.asarray(synthetic)
        planned = (int((~self.synthetic).sum()), int(self.synthetic.sum()))
        if (len(real), len(synthetic)) != planned:
            raise ValueError(
                f"The plan is for {planned[0]} real and {planned[1]} synthetic films; "
                f"there are {len(real)} and {len(synthetic)}."
            )
        if real.shape[1:] != synthetic.shape[1:] or real.dtype != synthetic.dtype:
            raise ValueError(
                f"Real films are {real.shape[1:]} {real.dtype}, synthetic ones "
                f"{synthetic.shape[1:]} {synthetic.dtype}: a reader would see the difference."
            )
        return np.concatenate([real, synthetic])[self.source]

    def other_order(self, seed: int) -> "ReadingPlan":
        """The same films under the same numbers, in another order: each reader gets a seed."""
        random = np.random.default_rng(seed)
        return replace(self, order=_order(len(self.source), len(self.repeated), random))


def plan_reading(real: int, synthetic: int, seed: int, repeats: int = 0) -> ReadingPlan:
    """A reading of that many films in random order, ``repeats`` of which come back at the end.

    Films that come back were shown in the first half, so at least half of all films lie between.
    Raises ValueError without films of both kinds, or for more repeats than half of the films.
    """
    if min(real, synthetic) < 1:
        raise ValueError(
            f"A Turing test needs films of both kinds, not {real} real and {synthetic} synthetic."
        )
    films = real + synthetic
    if not 0 <= repeats <= films // 2:
        raise ValueError(f"Of {films} films 0 to {films // 2} can come back, not {repeats}.")
    random = np.random.default_rng(seed)
    source = random.permutation(films)
    return ReadingPlan(source, source >= real, _order(films, repeats, random))


def _order(films: int, repeats: int, random: np.random.Generator) -> NDArray[np.int_]:
    first = random.permutation(films)
    again = random.choice(first[: films // 2], size=repeats, replace=False)
    return np.concatenate([first, again])


class Share:
    """So many right answers ``of`` so many, with the share and Wilson's interval of it."""

    def __init__(self, right: int, of: int, level: float = 0.95) -> None:
        self.right, self.of = int(right), int(of)
        nan = float("nan")
        self.value = self.right / self.of if self.of else nan
        self.interval = wilson(self.right, self.of, level) if self.of else Interval(nan, nan)

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.value:.3f} ({self.right}/{self.of}; {low:.3f} to {high:.3f})"

    __repr__ = __str__


@dataclass(frozen=True)
class Score:
    """What one reader's answers say. ``p_chance``: two-sided exact p value against a coin."""

    counts: Confusion
    accuracy: Share
    sensitivity: Share
    specificity: Share
    p_chance: float

    def named_for_real(self) -> dict[str, Share]:
        """Sensitivity and specificity of papers for which *real* is positive: the names swap."""
        return {"sensitivity": self.specificity, "specificity": self.sensitivity}


def score_reading(synthetic: ArrayLike, called: ArrayLike, level: float = 0.95) -> Score:
    """Judge one reader: truth and answers, both (N,), True or 1 for synthetic.

    With films of one kind only, the other rate is NaN. Raises ValueError for unequal lengths, no
    films, or answers that are not 0/1 (NaN: a film that was not read; leave it out).
    """
    truth, calls = as_calls(synthetic, "truth"), as_calls(called, "answers")
    if truth.shape != calls.shape or truth.ndim != 1 or truth.size == 0:
        raise ValueError(
            f"Give one answer for each film; there are {truth.shape} films, {calls.shape} answers."
        )
    tp, fp = int((truth & calls).sum()), int((~truth & calls).sum())
    fn, tn = int((truth & ~calls).sum()), int((~truth & ~calls).sum())
    return Score(
        Confusion(tp=tp, fp=fp, fn=fn, tn=tn),
        Share(tp + tn, truth.size, level),
        Share(tp, tp + fn, level),
        Share(tn, tn + fp, level),
        float(binomtest(tp + tn, truth.size).pvalue),
    )


def as_calls(values: ArrayLike, what: str = "answers") -> NDArray[np.bool_]:
    """0/1 or True/False values as bool; ValueError that names ``what`` for anything else."""
    array = np.asarray(values)
    if array.dtype.kind not in "bif" or not np.isin(array, (0, 1)).all():
        raise ValueError(f"The {what} may hold only 1 (synthetic) and 0 (real), no gaps (NaN).")
    return array.astype(bool)


@dataclass(frozen=True)
class ChanceTest:
    """A share of right answers against a coin, in both directions.

    ``p_difference``: could a coin do this? ``p_equivalence``: could somebody whose true share lies
    ``margin`` or more from 1/2 do this (two one-sided exact tests; Schuirmann 1987)?
    """

    share: Share
    margin: float
    p_difference: float
    p_equivalence: float
    alpha: float

    @property
    def verdict(self) -> str:
        """In words; "undecided" is the most frequent result of small studies."""
        differs, equal = self.p_difference < self.alpha, self.p_equivalence < self.alpha
        if differs and equal:
            return "better or worse than a coin, but by less than the margin"
        if differs:
            return "told apart"
        return "equal to a coin within the margin" if equal else "undecided"


def against_chance(right: int, of: int, margin: float = 0.1, alpha: float = 0.05) -> ChanceTest:
    """Test ``right`` answers of ``of`` against guessing, and for equality with it.

    The answers must be independent: one reader, each film once. ``margin``: the distance from 1/2
    that would not matter, chosen beforehand. Raises ValueError unless 0 <= right <= of > 0 and
    0 < margin < 0.5.
    """
    if not 0 <= right <= of or of == 0:
        raise ValueError(f"{right} right answers of {of} are not possible.")
    if not 0 < margin < 0.5:
        raise ValueError(f"The margin is a distance from 1/2, above 0 and below 0.5, not {margin}.")
    share = Share(right, of, 1 - alpha)
    not_better = float(binom.cdf(right, of, 0.5 + margin))  # so few, if the true share is high
    not_worse = float(binom.sf(right - 1, of, 0.5 - margin))
    difference = float(binomtest(right, of).pvalue)
    return ChanceTest(share, margin, difference, max(not_better, not_worse), alpha)
