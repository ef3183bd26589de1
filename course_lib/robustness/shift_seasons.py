"""The same machine in another season: the shares of the illnesses change, each illness does not.

That is label shift: p(illness) changes, p(film | illness) stays. So films of one large collection
are enough: a season is a draw of them with other shares.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_lib.learning.film_classifier import CLASSES

FLU = CLASSES.index("interstitial_opacity")  # what a wave of viral pneumonia looks like


def class_shares(classes: ArrayLike, number: int = len(CLASSES)) -> NDArray[np.float64]:
    """Share of each class, (K,), of class numbers (N,). Raises ValueError for other numbers."""
    return np.bincount(class_numbers(classes, number), minlength=number) / len(np.asarray(classes))


def season_shares(shares: ArrayLike, share: float, finding: int = FLU) -> NDArray[np.float64]:
    """Shares (K,) in which `finding` has this share; the others keep their proportions.

    Raises ValueError for a share outside 0..1 or where there is nothing else to share.
    """
    usual = check_shares(shares)
    if not 0 <= share <= 1:
        raise ValueError(f"A share lies between 0 and 1; {share} does not.")
    others = 1 - usual[finding]
    if others <= 0:
        raise ValueError("All cases are of one class; the others have no proportions to keep.")
    season = usual * (1 - share) / others
    season[finding] = share
    return season


def draw_season(
    classes: ArrayLike, shares: ArrayLike, seed: int, n: int | None = None
) -> NDArray[np.intp]:
    """Rows of a collection, none twice, whose classes have these shares (whole films, rounded).

    classes (N,): the collection's; n: how many; as many as it has when omitted. The order is
    random. Raises ValueError if the collection has too few of a class.
    """
    wanted = check_shares(shares)
    numbers = class_numbers(classes, wanted.size)
    have = np.bincount(numbers, minlength=wanted.size)
    asked = wanted > 0
    most = int(np.floor((have[asked] / wanted[asked]).min() + 1e-9))
    n = most if n is None else n
    counts = whole_numbers(wanted * n)
    short = np.flatnonzero(counts > have)
    if n < 1 or short.size:
        lacking = (
            f" (class {short[0]}: {counts[short[0]]} of {have[short[0]]})" if len(short) else ""
        )
        raise ValueError(f"{n} films of this season cannot be drawn{lacking}; at most {most}.")
    random = np.random.default_rng(seed)
    rows = [
        random.permutation(np.flatnonzero(numbers == k))[:count] for k, count in enumerate(counts)
    ]
    return random.permutation(np.concatenate(rows))


def whole_numbers(amounts: NDArray[np.float64]) -> NDArray[np.int64]:
    """Whole numbers with the same (rounded) sum: the largest remainders are rounded up."""
    low = np.floor(amounts + 1e-9).astype(np.int64)
    missing = round(float(amounts.sum())) - int(low.sum())
    low[np.argsort(low - amounts, kind="stable")[:missing]] += 1
    return low


def class_numbers(classes: ArrayLike, number: int) -> NDArray[np.intp]:
    """Class numbers (N,) as integers, or ValueError if one does not exist or nobody is there."""
    table = np.asarray(classes)
    if table.ndim != 1 or table.size == 0 or not np.issubdtype(table.dtype, np.integer):
        raise ValueError(
            f"Give one whole class number per film; this is {table.shape} of {table.dtype}."
        )
    if table.min() < 0 or table.max() >= number:
        raise ValueError(
            f"Class numbers go from 0 to {number - 1}; these from {table.min()} to {table.max()}."
        )
    return table.astype(np.intp)


def check_shares(shares: ArrayLike) -> NDArray[np.float64]:
    """Shares (K,) of classes as float64, or ValueError unless all are 0 or more and sum to 1."""
    table = np.asarray(shares, dtype=np.float64)
    if table.ndim != 1 or not np.isfinite(table).all() or (table < 0).any():
        raise ValueError("Shares of classes are a column of numbers, each 0 or more.")
    if abs(table.sum() - 1) > 1e-6:
        raise ValueError(f"The shares of all classes sum to 1; these sum to {table.sum():.6g}.")
    return table / table.sum()


def check_probability(
    probability: ArrayLike, classes: int | None = None, rows: int | None = None
) -> NDArray[np.float64]:
    """Softmax outputs as float64 (N, K), each row renormalised to 1 in double precision.

    Raises ValueError for another shape, NaN, values below 0 or rows that do not sum to 1.
    """
    table = np.asarray(probability, dtype=np.float64)
    if table.ndim != 2 or table.shape[0] == 0 or (classes or table.shape[1]) != table.shape[1]:
        wanted = f"(films, {classes or 'classes'})"
        raise ValueError(f"Probabilities have the shape {wanted}; this is {table.shape}.")
    if rows is not None and len(table) != rows:
        raise ValueError(f"There are {rows} films but probabilities of {len(table)}.")
    if not np.isfinite(table).all() or (table < 0).any():
        raise ValueError("A probability is NaN, infinite or below 0; give softmax outputs.")
    sums = table.sum(1, keepdims=True)
    if np.abs(sums - 1).max() > 1e-3:
        raise ValueError("The probabilities of a film must sum to 1; give softmax outputs.")
    return table / sums
