"""The intraclass correlation: which share of the spread of measurements is due to the patients?

Six forms (Shrout and Fleiss, Psychol Bull 1979;86:420), because there are six questions. First
number, who are the readers? 1: others for every patient; 2: the same, a sample of all readers;
3: the same, and only these count. Second, what is used? 1: one reading; k: the mean of k.
Always say which form you report: on one and the same table they go from 0.17 to 0.91.
"""

from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import f as f_distribution

from course_lib.evaluation.intervals import Interval

Form = Literal["1,1", "2,1", "3,1", "1,k", "2,k", "3,k"]
FORMS: tuple[Form, ...] = ("1,1", "2,1", "3,1", "1,k", "2,k", "3,k")


class Icc(NamedTuple):
    """An intraclass correlation with its interval, and the F test against none at all."""

    form: str
    value: float
    interval: Interval
    f: float
    p_value: float


class MeanSquares(NamedTuple):
    """Two-way analysis of variance of (patients n, readers k) measurements.

    ``patients``, ``readers`` and ``error`` are mean squares; ``within`` is that of readers and
    error together.
    """

    patients: float
    readers: float
    error: float
    within: float
    n: int
    k: int


def icc(ratings: ArrayLike, form: Form, level: float = 0.95) -> Icc:
    """Intraclass correlation of (patients, readers) measurements in one of the six forms.

    NaN when all measurements are equal: there is no spread to share out. Raises ValueError for a
    missing measurement, fewer than two patients or readers, or another form.
    """
    if form not in FORMS:
        raise ValueError(f"The forms are {', '.join(FORMS)}; {form!r} is none of them.")
    ms = mean_squares(ratings)
    nan = float("nan")
    if ms.patients == 0 and ms.within == 0:
        return Icc(form, nan, Interval(nan, nan), nan, nan)
    kind = form[0]
    noise = ms.within if kind == "1" else ms.error
    freedom = ms.n * (ms.k - 1) if kind == "1" else (ms.n - 1) * (ms.k - 1)
    ratio = ms.patients / noise if noise > 0 else float("inf")
    p = float(f_distribution.sf(ratio, ms.n - 1, freedom))
    limits = _limits_absolute(ms, level) if kind == "2" else _limits(ratio, freedom, ms, level)
    if form.endswith("1"):
        return Icc(form, _single(ms, kind), Interval(*limits), ratio, p)
    low, high = (_of_mean(limit, ms.k) for limit in limits)
    return Icc(form, _of_mean(_single(ms, kind), ms.k), Interval(low, high), ratio, p)


def icc_table(ratings: ArrayLike, level: float = 0.95) -> pd.DataFrame:
    """All six forms: value, low, high and the p of the F test."""
    rows = [icc(ratings, form, level) for form in FORMS]
    data = [(r.form, r.value, r.interval.low, r.interval.high, r.p_value) for r in rows]
    return pd.DataFrame(data, columns=["form", "value", "low", "high", "p"]).set_index("form")


def mean_squares(ratings: ArrayLike) -> MeanSquares:
    """Split the spread of (patients, readers) measurements among patients, readers and error."""
    ratings = np.asarray(ratings, dtype=float)
    if ratings.ndim != 2 or min(ratings.shape) < 2:
        raise ValueError(
            f"Give (patients, readers) measurements, at least 2 x 2; the shape is {ratings.shape}."
        )
    if not np.isfinite(ratings).all():
        raise ValueError("A measurement is missing; leave out patients whom not all have read.")
    n, k = ratings.shape
    grand = ratings.mean()
    patients = k * np.sum((ratings.mean(1) - grand) ** 2)
    readers = n * np.sum((ratings.mean(0) - grand) ** 2)
    rest = ratings - ratings.mean(1, keepdims=True) - ratings.mean(0) + grand
    error = np.sum(rest**2)
    return MeanSquares(
        patients=float(patients / (n - 1)),
        readers=float(readers / (k - 1)),
        error=float(error / ((n - 1) * (k - 1))),
        within=float((readers + error) / (n * (k - 1))),
        n=n,
        k=k,
    )


def _single(ms: MeanSquares, kind: str) -> float:
    """The value for one reading."""
    if kind == "1":
        return (ms.patients - ms.within) / (ms.patients + (ms.k - 1) * ms.within)
    extra = ms.k * (ms.readers - ms.error) / ms.n if kind == "2" else 0.0
    return (ms.patients - ms.error) / (ms.patients + (ms.k - 1) * ms.error + extra)


def _of_mean(single: float, k: int) -> float:
    """From one reading to the mean of k (Spearman-Brown)."""
    return k * single / (1 + (k - 1) * single)


def _limits(ratio: float, freedom: int, ms: MeanSquares, level: float) -> tuple[float, float]:
    """Limits of forms 1 and 3, from those of the F ratio."""
    tail = 0.5 + level / 2
    low = ratio / f_distribution.ppf(tail, ms.n - 1, freedom)
    high = ratio * f_distribution.ppf(tail, freedom, ms.n - 1)
    if np.isinf(ratio):
        return 1.0, 1.0
    return float((low - 1) / (low + ms.k - 1)), float((high - 1) / (high + ms.k - 1))


def _limits_absolute(ms: MeanSquares, level: float) -> tuple[float, float]:
    """Limits of form 2 with Satterthwaite's degrees of freedom (Shrout and Fleiss 1979)."""
    value, n, k = _single(ms, "2"), ms.n, ms.k
    if ms.error == 0 and ms.readers == 0:
        return 1.0, 1.0
    a, b = k * value / (n * (1 - value)), 1 + k * value * (n - 1) / (n * (1 - value))
    freedom = (a * ms.readers + b * ms.error) ** 2 / (
        (a * ms.readers) ** 2 / (k - 1) + (b * ms.error) ** 2 / ((n - 1) * (k - 1))
    )
    tail = 0.5 + level / 2
    f_low = f_distribution.ppf(tail, n - 1, freedom)
    f_high = f_distribution.ppf(tail, freedom, n - 1)
    spread = k * ms.readers + (k * n - k - n) * ms.error
    low = n * (ms.patients - f_low * ms.error) / (f_low * spread + n * ms.patients)
    high = n * (f_high * ms.patients - ms.error) / (spread + n * f_high * ms.patients)
    return float(low), float(high)
