"""Answer, or say "I don't know": what is won when the least certain films are handed back.

A classifier that may stay silent has two figures instead of one: its *coverage*, the share of films
it answers, and its *selective risk*, the share of wrong answers among those. El-Yaniv and Wiener,
JMLR 11 (2010) 1605; Geifman and El-Yaniv, NeurIPS 2017, arXiv:1705.08500.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_lib.evaluation.intervals import Interval, bootstrap, wilson

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class RiskCoverage:
    """What happens when films are answered from the most certain on, from none to all of them.

    threshold (T,): films that score at most so high are answered. answered, wrong (T,): how many,
    and how many of these wrongly. The first entry answers no film. films: all of them.
    """

    threshold: Floats
    answered: NDArray[np.intp]
    wrong: NDArray[np.intp]
    films: int

    @property
    def coverage(self) -> Floats:
        """Share of films that are answered, (T,)."""
        return self.answered / self.films

    @property
    def risk(self) -> Floats:
        """Share of wrong answers among the answers, (T,); NaN where nothing is answered."""
        with np.errstate(invalid="ignore"):
            return self.wrong / self.answered

    @property
    def area(self) -> float:
        """AURC: the mean selective risk when 1, 2, ... N films are answered. Smaller is better.

        Films with the same score come in any order; the mean over all orders is taken.
        """
        number = np.arange(1, self.films + 1)
        return float((np.interp(number, self.answered, self.wrong) / number).mean())

    @property
    def excess(self) -> float:
        """AURC minus that of the best order there is, in which all errors come last."""
        number = np.arange(1, self.films + 1)
        right = self.films - int(self.wrong[-1])
        return self.area - float((np.maximum(number - right, 0) / number).mean())

    def at_coverage(self, share: float) -> "Operating":
        """The lowest threshold that answers at least this share of the films."""
        if not 0 < share <= 1:
            raise ValueError(f"Coverage lies above 0 and at most at 1, not {share}.")
        return self._at(int(np.searchsorted(self.coverage, share - 1e-12)))

    def at_threshold(self, value: float) -> "Operating":
        """What a threshold from elsewhere, another set of films, does here."""
        row = int(np.searchsorted(self.threshold, value, side="right")) - 1
        return self._at(max(row, 0))._with(value)

    def cheapest(self, costs: "Costs") -> "Operating":
        """The threshold with the smallest mean cost on these films; the stricter one of equals."""
        return self._at(int(self.cost(costs).argmin()))

    def cost(self, costs: "Costs") -> Floats:
        """Mean cost per film at every threshold, (T,)."""
        silent = self.films - self.answered
        return (costs.wrong * self.wrong + costs.silent * silent) / self.films

    def _at(self, row: int) -> "Operating":
        n, wrong = int(self.answered[row]), int(self.wrong[row])
        return Operating(float(self.threshold[row]), n, wrong, self.films)


@dataclass(frozen=True)
class Operating:
    """One threshold: how many of `films` it answers, and how many of these wrongly."""

    threshold: float
    answered: int
    wrong: int
    films: int

    @property
    def coverage(self) -> float:
        """Share of films that are answered."""
        return self.answered / self.films

    @property
    def coverage_interval(self) -> Interval:
        """Wilson's interval of the coverage."""
        return wilson(self.answered, self.films)

    @property
    def risk(self) -> float:
        """Share of wrong answers; NaN where nothing is answered."""
        return self.wrong / self.answered if self.answered else float("nan")

    @property
    def risk_interval(self) -> Interval:
        """Wilson's interval of the risk; from 0 to 1 where nothing is answered."""
        return wilson(self.wrong, self.answered) if self.answered else Interval(0.0, 1.0)

    def cost(self, costs: "Costs") -> float:
        """Mean cost per film."""
        silent = self.films - self.answered
        return (costs.wrong * self.wrong + costs.silent * silent) / self.films

    def _with(self, value: float) -> "Operating":
        return Operating(float(value), self.answered, self.wrong, self.films)


@dataclass(frozen=True)
class Costs:
    """What a wrong answer costs, and what silence costs; a right answer costs nothing.

    In any unit: minutes, money, points. ValueError unless 0 <= silent and 0 < wrong.
    """

    wrong: float
    silent: float

    def __post_init__(self) -> None:
        if not (np.isfinite([self.wrong, self.silent]).all() and self.wrong > 0):
            raise ValueError("A wrong answer must cost a positive amount; otherwise just answer.")
        if self.silent < 0:
            raise ValueError("Silence cannot cost less than a right answer, which costs 0.")

    @property
    def least_confidence(self) -> float:
        """Chow's rule (IEEE Trans. Inf. Theory 16 (1970) 41): answer when the probability of being
        right is at least 1 - silent / wrong. Holds for probabilities that mean what they say."""
        return max(0.0, 1 - self.silent / self.wrong)


def risk_coverage(correct: ArrayLike, unusual: ArrayLike) -> RiskCoverage:
    """The curve of films whose answers are correct (N,) or not, and of their scores (N,).

    unusual: any score that is higher for less certain films. An answer to a film of which none
    of the classes is true is a wrong answer. Films with the same score are answered together.
    ValueError for other shapes, for correct values besides 0 and 1, and for NaN.
    """
    right, score = _checked(correct, unusual)
    order = np.argsort(score, kind="stable")
    last = np.flatnonzero(np.append(np.diff(score[order]) > 0, True))  # of each group of equals
    wrong = np.cumsum(~right[order])[last]
    return RiskCoverage(
        np.append(-np.inf, score[order][last]),
        np.append(0, last + 1),
        np.append(0, wrong),
        len(score),
    )


def area_interval(
    correct: ArrayLike, unusual: ArrayLike, rounds: int = 500, seed: int = 0
) -> Interval:
    """Bootstrap interval (95 %) of the AURC."""
    right, score = _checked(correct, unusual)
    return bootstrap(lambda r, s: risk_coverage(r, s).area, right, score, rounds=rounds, seed=seed)


def in_the_mix(
    correct: ArrayLike, unusual: ArrayLike, unknown: ArrayLike, share: float, seed: int = 0
) -> tuple[NDArray[np.bool_], Floats]:
    """correct and scores of a stream in which the given share of films is unknown.

    correct, unusual (N,) belong to known films, unknown (M,) are the scores of unknown ones, which
    are drawn with replacement; their answers are all wrong. ValueError unless 0 <= share < 1.
    """
    right, score = _checked(correct, unusual)
    if not 0 <= share < 1:
        raise ValueError(f"The share of unknown films lies from 0 to below 1, not {share}.")
    number = round(len(score) * share / (1 - share))
    pool = np.asarray(unknown, dtype=np.float64)
    if pool.ndim != 1 or pool.size == 0 or not np.isfinite(pool).all():
        raise ValueError("The scores of unknown films must be one column of finite numbers.")
    drawn = np.random.default_rng(seed).choice(pool, number)
    return np.append(right, np.zeros(number, bool)), np.append(score, drawn)


def _checked(correct: ArrayLike, unusual: ArrayLike) -> tuple[NDArray[np.bool_], Floats]:
    right, score = np.asarray(correct), np.asarray(unusual, dtype=np.float64)
    if right.ndim != 1 or right.size == 0 or right.shape != score.shape:
        raise ValueError(
            f"Give one score for each answer; there are {right.shape} answers and {score.shape} "
            "scores."
        )
    if not np.isin(right, (0, 1)).all():
        raise ValueError("An answer is right (1, True) or wrong (0, False), nothing between.")
    if not np.isfinite(score).all():
        raise ValueError("A score is NaN or infinite; look at what gave it.")
    return right.astype(bool), score
