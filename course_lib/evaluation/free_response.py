"""Marks on a film against lesions: how many are hit, at how many false marks per film?

The free-response ROC curve (Bunch et al., SPIE 1977;127:124) asks "where?" as well as "whether?".
A lesion counts once, however often it is hit; a mark that hits no lesion is false.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import distance_transform_edt, label


class Marked(Protocol):
    """A place with a score: pixel row, column (``learning.sliding.Mark`` is one)."""

    @property
    def row(self) -> int: ...
    @property
    def column(self) -> int: ...
    @property
    def score(self) -> float: ...


class FreeResponse(NamedTuple):
    """thresholds (M,), falling; sensitivity (M,): share of all lesions that a mark with at least
    this score hits; false_per_film (M,): marks that hit none, per film."""

    thresholds: NDArray[np.float64]
    sensitivity: NDArray[np.float64]
    false_per_film: NDArray[np.float64]

    def sensitivity_at(self, false_per_film: float) -> float:
        """The highest sensitivity with at most so many false marks per film; 0 if there is none."""
        allowed = self.sensitivity[self.false_per_film <= false_per_film]
        return float(allowed.max()) if allowed.size else 0.0


def free_response(
    marks: Sequence[Sequence[Marked]], lesions: Sequence[ArrayLike], reach: float = 0.0
) -> FreeResponse:
    """The FROC curve of marks on films whose lesions are known.

    marks: a list of marks for every film. lesions: for every film a mask (H, W); parts of it that
    do not touch are lesions of their own; all False for none. reach: a mark hits a lesion that is
    at most so many pixels away. Raises ValueError for unequal numbers of films, no film or no
    lesion at all.
    """
    if len(marks) != len(lesions) or not marks:
        raise ValueError(f"There are marks for {len(marks)} films and lesions of {len(lesions)}.")
    first_hits: list[float] = []  # per lesion the highest score of a mark that hits it
    false: list[float] = []
    for on_film, mask in zip(marks, lesions, strict=True):
        hits, missed = _on_one_film(on_film, np.asarray(mask, dtype=bool), reach)
        first_hits += hits
        false += missed
    if not first_hits:
        raise ValueError("No film shows a lesion; a sensitivity needs at least one.")
    thresholds = np.unique([*false, *[s for s in first_hits if np.isfinite(s)]])[::-1]
    found = np.array([np.sum(np.array(first_hits) >= t) for t in thresholds], float)
    wrong = np.array([np.sum(np.array(false) >= t) for t in thresholds], float)
    return FreeResponse(thresholds, found / len(first_hits), wrong / len(marks))


def _on_one_film(
    marks: Sequence[Marked], mask: NDArray[np.bool_], reach: float
) -> tuple[list[float], list[float]]:
    """The best score at every lesion (minus infinity: missed), and the scores of false marks."""
    numbered, count = label(mask, structure=np.ones((3, 3)))
    near = [distance_transform_edt(numbered != k) <= reach for k in range(1, count + 1)]
    best, false = [-np.inf] * count, []
    for mark in marks:
        hit = [k for k in range(count) if near[k][mark.row, mark.column]]
        for k in hit:
            best[k] = max(best[k], mark.score)
        if not hit:
            false.append(mark.score)
    return best, false
