"""Simulated readers of a Turing test: signal detection, with the truth known in closed form.

Each film leaves an impression on a reader's mind: N(-d/2, 1) if it is real, N(+d/2, 1) if it is
synthetic. The reader says "synthetic" when it exceeds the reader's criterion. d is the *separation*
(d' of Green and Swets 1966; 0: cannot tell), a high criterion makes a reader who trusts films.
A part of the impression is *shared* by all readers (a film that looks odd to everybody), a part is
the reader's own but *steady* (comes back when the film does), the rest is of the moment.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import owens_t
from scipy.stats import norm

from course_lib.evaluation.turing import as_calls


@dataclass(frozen=True)
class SimulatedReader:
    """A reader with a ``separation`` (d') and a ``criterion`` (0: no preference)."""

    separation: float
    criterion: float = 0.0

    @classmethod
    def with_rates(cls, sensitivity: float, specificity: float) -> "SimulatedReader":
        """The reader who has these true rates (both above 0 and below 1)."""
        if not (0 < sensitivity < 1 and 0 < specificity < 1):
            raise ValueError(
                "Bell curves give rates above 0 and below 1; use softened(k, n) first."
            )
        hit, pass_ = float(norm.ppf(sensitivity)), float(norm.ppf(specificity))
        return cls(hit + pass_, (pass_ - hit) / 2)

    @property
    def sensitivity(self) -> float:
        """Chance that a synthetic film is called synthetic: Phi(d/2 - criterion)."""
        return float(norm.cdf(self.separation / 2 - self.criterion))

    @property
    def specificity(self) -> float:
        """Chance that a real film is called real: Phi(d/2 + criterion)."""
        return float(norm.cdf(self.separation / 2 + self.criterion))

    @property
    def accuracy(self) -> float:
        """Chance of a right answer when half of the films are synthetic."""
        return (self.sensitivity + self.specificity) / 2

    @property
    def auc(self) -> float:
        """Area under the ROC curve of the impressions: Phi(d / sqrt 2)."""
        return float(norm.cdf(self.separation / np.sqrt(2)))


def softened(right: int, of: int) -> float:
    """(right + 1/2) / (of + 1): never 0 or 1 (Hautus, Behav Res Methods 1995;27:46)."""
    if not 0 <= right <= of:
        raise ValueError(f"{right} right answers of {of} are not possible.")
    return (right + 0.5) / (of + 1)


def simulate_impressions(
    readers: Sequence[SimulatedReader],
    synthetic: ArrayLike,
    random: np.random.Generator,
    shared: float = 0.2,
    steady: float = 0.4,
    sittings: int = 1,
) -> NDArray[np.float64]:
    """Impressions (sittings, J, N) of films whose truth is ``synthetic`` (N,).

    ``shared`` and ``steady`` are parts of the variance 1; together at most 1, or ValueError.
    """
    _check_parts(shared, steady)
    truth = as_calls(synthetic, "truth")
    shape = (sittings, len(readers), truth.size)
    apart = np.array([reader.separation for reader in readers])[None, :, None]
    film = np.sqrt(shared) * random.normal(size=(1, 1, truth.size))
    own = np.sqrt(steady) * random.normal(size=(1, *shape[1:]))
    moment = np.sqrt(max(1 - shared - steady, 0.0)) * random.normal(size=shape)
    return apart * (truth - 0.5) + film + own + moment


def calls_of(readers: Sequence[SimulatedReader], impressions: NDArray) -> NDArray[np.bool_]:
    """Which impressions (..., J, N) exceed the criterion of their reader: called synthetic."""
    criterion = np.array([reader.criterion for reader in readers])[:, None]
    return impressions > criterion


def ratings_of(
    readers: Sequence[SimulatedReader], impressions: NDArray, steps: int = 5, width: float = 0.4
) -> NDArray[np.int_]:
    """Answers with confidence: -steps (surely real) ... -1, 1 ... steps (surely synthetic).

    An impression within ``width`` of the criterion is "unsure" (1), the next step is 2, ...
    """
    criterion = np.array([reader.criterion for reader in readers])[:, None]
    beyond = impressions - criterion
    step = np.minimum(1 + np.floor(np.abs(beyond) / width), steps).astype(int)
    return np.where(beyond > 0, step, -step)


def expected_kappa(reader: SimulatedReader, correlation: float) -> float:
    """True kappa of two answers whose impressions correlate so, on films half synthetic.

    Two alike readers: ``correlation`` is ``shared``. One reader twice: shared + steady. With 0 and
    no preference it is (2 accuracy - 1) squared.
    """
    calls, both = _chances(reader, correlation)
    observed = float((1 - 2 * calls + 2 * both).mean())
    share = float(calls.mean())
    by_chance = 1 - 2 * share * (1 - share)
    return (observed - by_chance) / (1 - by_chance)


def expected_error(reader: SimulatedReader, readers: int, films: int, shared: float) -> float:
    """True standard error of the mean accuracy of J alike readers over ``films``, half synthetic.

    More readers shrink only what is not shared: with many, the films decide.
    """
    if readers < 1 or films < 2:
        raise ValueError("A reading needs at least 1 reader and 2 films.")
    calls, both = _chances(reader, shared)
    own, common = calls * (1 - calls), both - calls**2
    of_film = (own + (readers - 1) * common) / readers
    return float(np.sqrt(of_film.mean() / films))


def _chances(reader: SimulatedReader, correlation: float) -> tuple[NDArray, NDArray]:
    """Chance of "synthetic" for (real, synthetic) films, and that two answers both say so.

    The second by Owen's T function (Ann Math Stat 1956;27:1075).
    """
    _check_parts(correlation, 0.0)
    height = np.array([-reader.separation / 2, reader.separation / 2]) - reader.criterion
    calls = norm.cdf(height)
    slope = np.sqrt((1 - correlation) / (1 + correlation))
    return calls, calls - 2 * owens_t(height, slope)


def _check_parts(shared: float, steady: float) -> None:
    if min(shared, steady) < 0 or shared + steady > 1 + 1e-12:
        raise ValueError(
            f"Shared and steady are parts of a variance of 1: not {shared} and {steady}."
        )
