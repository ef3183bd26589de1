"""What an average of M_k films gives away. All functions take the attacker's side.

Films are (n, ...) tensors or arrays of any size, averages (m, ...) of the same film size. The
source (workshop of 2021, slide 17) names the concerns; the membership test is a likelihood ratio
as in Homer 2008 (PLOS Genetics 4:e1000167), who found single people in averages of genomes.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from torch import Tensor

from course_lib.federated.client import Pool

Array = NDArray[np.float64]


class Background(NamedTuple):
    """What anyone can learn from public films: their mean (D,), and the K ways they differ most.

    directions: (K, D), orthonormal; spread: (K,), the standard deviation along each.
    """

    mean: Array
    directions: Array
    spread: Array

    def coordinates(self, films: ArrayLike | Tensor) -> Array:
        """Films as (n, K) numbers, each with mean 0 and variance 1 over the public films."""
        rows = as_rows(films)
        if rows.shape[1] != len(self.mean):
            raise ValueError(f"Films of {rows.shape[1]} pixels; the public ones: {len(self.mean)}.")
        return (rows - self.mean) @ self.directions.T / self.spread


def background(public: ArrayLike | Tensor, components: int = 60) -> Background:
    """Principal components of public films (n, ...). Raises ValueError if n is not above K."""
    rows = as_rows(public)
    if not 1 <= components < len(rows):
        raise ValueError(f"{components} components need more than {len(rows)} public films.")
    mean = rows.mean(0)
    _, values, directions = np.linalg.svd(rows - mean, full_matrices=False)
    spread = values[:components] / np.sqrt(len(rows) - 1)
    return Background(mean, directions[:components], spread)


def membership_scores(
    average: ArrayLike | Tensor,
    candidates: ArrayLike | Tensor,
    known: Background,
    per_average: int,
) -> Array:
    """For each candidate film (n, ...): log of how much likelier it is inside the average.

    In coordinates of variance 1 an average a of M films is N(0, 1/M). If candidate u is one of
    them it is N(u/M, (M-1)/M^2). For M = 1 nothing is left to chance: minus the squared distance.
    """
    if per_average < 1:
        raise ValueError(f"An average is made of at least one film, not {per_average}.")
    m = float(per_average)
    a, u = known.coordinates(as_rows(average).reshape(1, -1)), known.coordinates(candidates)
    inside = np.square(a - u / m).sum(1)
    if per_average == 1:
        return -inside
    outside = np.square(a).sum(1)
    size = a.shape[1] * np.log(m / (m - 1)) / 2
    return outside * m / 2 - inside * m * m / (m - 1) / 2 + size


def best_pair(
    average: ArrayLike | Tensor, gallery: ArrayLike | Tensor, known: Background
) -> tuple[int, int]:
    """The two films of a gallery (n, ...) whose mean lies nearest to an average of two."""
    a, u = known.coordinates(as_rows(average).reshape(1, -1))[0], known.coordinates(gallery)
    if len(u) < 2:
        raise ValueError("A pair needs a gallery of at least two films.")
    # |(u_i + u_j)/2 - a|^2 for all pairs at once
    half = u / 2
    to_a = np.square(half).sum(1) - 2 * half @ a
    gaps = to_a[:, None] + to_a[None, :] + 2 * half @ half.T
    first, second = np.unravel_index(
        np.argmin(np.where(np.tri(len(u), dtype=bool), np.inf, gaps)), gaps.shape
    )
    return int(first), int(second)


def added_together(
    before: Pool, after: Pool, sizes_before: Sequence[int], sizes_after: Sequence[int]
) -> tuple[Array, Array]:
    """The sum of the films (...) and of the labels (K,) that were added between two messages.

    sizes: how many cases are behind each average. The total does not depend on how the cases were
    shuffled into groups, so with one new patient this *is* the patient's film.
    """
    totals = [
        _totals(pool, sizes) for pool, sizes in ((after, sizes_after), (before, sizes_before))
    ]
    (film_after, label_after), (film_before, label_before) = totals
    if film_after.shape != film_before.shape:
        raise ValueError(f"Films of {film_before.shape} before and {film_after.shape} after.")
    return film_after - film_before, label_after - label_before


def class_counts(pool: Pool, sizes: Sequence[int]) -> Array:
    """How many cases of each class (K,) a hospital has: its averages' labels times their sizes."""
    return _totals(pool, sizes)[1]


def unmix(averages: ArrayLike | Tensor, shares: ArrayLike) -> Array:
    """Films (n, ...) from averages (m, ...) when it is known which film is in which of them.

    shares: (m, n), the weight of each film in each average. Exact as soon as the rank of shares is
    n; below that it is the smallest answer that explains all averages.
    """
    values, weights = np.asarray(averages, dtype=float), np.asarray(shares, dtype=float)
    if weights.ndim != 2 or len(weights) != len(values):
        raise ValueError(
            f"{len(values)} averages need as many rows of shares, not {weights.shape}."
        )
    found = np.linalg.lstsq(weights, as_rows(values), rcond=None)[0]
    return found.reshape(weights.shape[1], *values.shape[1:])


def whose(
    averages: ArrayLike | Tensor, examples: Sequence[ArrayLike | Tensor], known: Background
) -> NDArray[np.intp]:
    """Which hospital made each average (m,), judged by the look of a few of its own films.

    examples: per hospital some films (n_k, ...), for example from its publications.
    """
    if len(examples) < 2:
        raise ValueError("To tell hospitals apart takes examples of at least two.")
    rows = [known.coordinates(films) for films in examples]
    owner = np.repeat(np.arange(len(examples)), [len(part) for part in rows])
    equal = np.full(len(examples), 1 / len(examples))
    judge = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto", priors=equal)
    return judge.fit(np.concatenate(rows), owner).predict(known.coordinates(averages))


def as_rows(films: ArrayLike | Tensor) -> Array:
    """Films (n, ...) as rows (n, D) of finite numbers, else ValueError."""
    values = np.asarray(films, dtype=float)
    if values.ndim < 2 or not np.isfinite(values).all():
        raise ValueError(f"Films must be finite numbers (n, ...); these are {values.shape}.")
    return values.reshape(len(values), -1)


def _totals(pool: Pool, sizes: Sequence[int]) -> tuple[Array, Array]:
    counts = np.asarray(sizes, dtype=float)
    if counts.shape != (len(pool.inputs),):
        raise ValueError(f"{len(pool.inputs)} averages need as many sizes, not {counts.shape}.")
    films = np.tensordot(counts, np.asarray(pool.inputs, dtype=float), 1)
    return films, np.tensordot(counts, np.asarray(pool.targets, dtype=float), 1)
