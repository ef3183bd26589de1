"""Do two readers, or two networks, err equally often on the same cases? McNemar's test.

Only the cases on which they differ tell them apart (McNemar, Psychometrika 1947;12:153). If both
were equally good, such a case would be as likely to go one way as the other: a coin. So the exact
test is that of a coin, and chi-square is its approximation for many.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import binom, chi2


@dataclass(frozen=True)
class McNemar:
    """The two counts of discordant cases and the four usual tests; NaN without a discordant case.

    - ``exact``: the coin; never claims too much, and often too little;
    - ``mid``: the coin, counting the observed result half; close to the stated level
      (Fagerland, Lydersen and Laake, BMC Med Res Methodol 2013;13:91): the one to use;
    - ``plain``: chi-square with 1 degree of freedom; for 25 discordant cases or more;
    - ``corrected``: chi-square with continuity correction (Edwards 1948), nearly the exact one.
    """

    only_first: int
    only_second: int
    chi2_plain: float
    chi2_corrected: float
    plain: float
    corrected: float
    exact: float
    mid: float


def mcnemar(only_first: int, only_second: int) -> McNemar:
    """The tests from the numbers of cases that only the first, only the second got right.

    Raises ValueError for negative counts.
    """
    if min(only_first, only_second) < 0:
        raise ValueError(f"Counts cannot be negative: {only_first} and {only_second}.")
    cases = only_first + only_second
    nan = float("nan")
    if cases == 0:
        return McNemar(only_first, only_second, nan, nan, nan, nan, nan, nan)
    apart = abs(only_first - only_second)
    plain, corrected = apart**2 / cases, max(apart - 1, 0) ** 2 / cases
    fewer = min(only_first, only_second)
    tail, point = binom.cdf(fewer, cases, 0.5), binom.pmf(fewer, cases, 0.5)
    return McNemar(
        only_first,
        only_second,
        plain,
        corrected,
        float(chi2.sf(plain, 1)),
        float(chi2.sf(corrected, 1)),
        float(min(1.0, 2 * tail)),
        # With equal counts both tails hold the middle: each takes half of it.
        float(min(1.0, 2 * tail - point)),
    )


def mcnemar_of_calls(truth: ArrayLike, first: ArrayLike, second: ArrayLike) -> McNemar:
    """The tests from (N,) truths and two sets of (N,) calls, all 0/1.

    Give only the cases with the finding to compare sensitivities, only those without it to compare
    specificities. Raises ValueError for other shapes or values.
    """
    arrays = [np.asarray(array) for array in (truth, first, second)]
    if len({array.shape for array in arrays}) != 1 or arrays[0].ndim != 1:
        raise ValueError("Truth and both sets of calls must be columns of the same N cases.")
    if not all(np.isin(array, (0, 1)).all() for array in arrays):
        raise ValueError("Truth and calls may hold only 0 and 1; apply the thresholds first.")
    right_first, right_second = arrays[1] == arrays[0], arrays[2] == arrays[0]
    return mcnemar(
        int((right_first & ~right_second).sum()), int((right_second & ~right_first).sum())
    )
