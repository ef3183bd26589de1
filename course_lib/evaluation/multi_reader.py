"""Several readers, several methods, the same cases: does the method matter to *other* readers too?

Obuchowski and Rockette (Commun Stat Simul 1995;24:285) put an AUC for every method and reader into
an analysis of variance whose errors are correlated, because the cases are the same. Hillis (Stat
Med 2007;26:596) gave the degrees of freedom used here. ``readings`` is (methods, readers, cases);
NaN marks a case that was not read.

What may be generalised is a choice: to other readers and other cases (both random), to other cases
but only these readers, or to other readers but only these cases.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import chi2, f, t

from course_lib.evaluation.delong import placements
from course_lib.evaluation.intervals import Interval


@dataclass(frozen=True)
class ErrorCovariances:
    """Mean variance of one reader's AUC, and mean covariances of two AUCs on the same cases."""

    error: float
    """Variance of an AUC because of the cases."""
    cov1: float
    """Same reader, other method."""
    cov2: float
    """Other reader, same method."""
    cov3: float
    """Other reader and other method."""


@dataclass(frozen=True)
class MethodTest:
    """Are all methods alike? F statistic with its degrees of freedom and p value.

    With fixed readers the test is a chi-square: ``df2`` is infinite and ``statistic`` chi-square
    over df1. ``difference_error`` is the standard error of a difference of two methods' mean AUCs.
    """

    statistic: float
    df1: int
    df2: float
    p_value: float
    difference_error: float


@dataclass(frozen=True)
class ReaderStudy:
    """AUCs (methods, readers), the two mean squares, the covariances of the errors."""

    areas: NDArray[np.float64]
    ms_method: float
    ms_interaction: float
    covariances: ErrorCovariances

    def random_readers(self) -> MethodTest:
        """For other readers and other cases: what a paper should report."""
        methods, readers = self.areas.shape
        c = self.covariances
        noise = self.ms_interaction + max(readers * (c.cov2 - c.cov3), 0.0)
        if noise == 0:
            raise ValueError("The readings leave no variation to judge the methods by.")
        df1 = methods - 1
        if self.ms_interaction > 0:
            df2 = noise**2 / (self.ms_interaction**2 / (df1 * (readers - 1)))
        else:
            df2 = float("inf")
        return _f_test(self.ms_method / noise, df1, df2, np.sqrt(2 / readers * noise))

    def fixed_readers(self) -> MethodTest:
        """For other cases, but only these readers."""
        methods, readers = self.areas.shape
        c = self.covariances
        noise = c.error - c.cov1 + (readers - 1) * max(c.cov2 - c.cov3, 0.0)
        if noise <= 0:
            raise ValueError("The methods' readings are the same; there is nothing to compare.")
        df1 = methods - 1
        statistic = self.ms_method / noise
        p_value = float(chi2.sf(df1 * statistic, df1))
        error = float(np.sqrt(2 / readers * noise))
        return MethodTest(float(statistic), df1, float("inf"), p_value, error)

    def fixed_cases(self) -> MethodTest:
        """For other readers, but only these cases: an ordinary analysis of variance."""
        methods, readers = self.areas.shape
        df1, df2 = methods - 1, (methods - 1) * (readers - 1)
        if self.ms_interaction == 0:
            raise ValueError("All readers gain exactly alike; there is no noise to compare with.")
        error = np.sqrt(2 / readers * self.ms_interaction)
        return _f_test(self.ms_method / self.ms_interaction, df1, df2, error)

    def difference(self, first: int, second: int) -> float:
        """Mean AUC over readers of method ``first`` minus that of ``second``."""
        means = self.areas.mean(axis=1)
        return float(means[first] - means[second])

    def interval(self, first: int, second: int, level: float = 0.95) -> Interval:
        """Confidence interval of that difference, for other readers and other cases."""
        test = self.random_readers()
        half = float(t.ppf(0.5 + level / 2, test.df2)) * test.difference_error
        centre = self.difference(first, second)
        return Interval(centre - half, centre + half)


def reader_study(truth: ArrayLike, readings: ArrayLike) -> ReaderStudy:
    """Analyse (methods, readers, cases) ratings of cases with (cases,) 0/1 truths.

    Cases may differ between methods (NaN where not read); AUCs on different cases are taken as
    independent. Raises ValueError for other shapes, fewer than 2 methods or readers, or a reader
    who lacks cases of a class (two of each are the least).
    """
    present, readings = np.asarray(truth), np.asarray(readings, dtype=np.float64)
    if readings.ndim != 3 or present.shape != readings.shape[2:]:
        raise ValueError(
            f"Expected readings (methods, readers, cases) and one truth per case; got shapes "
            f"{readings.shape} and {present.shape}."
        )
    if not np.isin(present, (0, 1)).all():
        raise ValueError("The truth may hold only 0 (absent) and 1 (present).")
    methods, readers, cases = readings.shape
    if min(methods, readers) < 2:
        raise ValueError("A reader study compares at least 2 methods with at least 2 readers.")
    flat, covariance = _areas_and_covariance(
        present.astype(bool), readings.reshape(methods * readers, cases)
    )
    areas = flat.reshape(methods, readers)
    by_method, by_reader = areas.mean(axis=1, keepdims=True), areas.mean(axis=0, keepdims=True)
    ms_method = readers * float(by_method.var(ddof=1))
    rest = areas - by_method - by_reader + areas.mean()
    ms_interaction = float((rest**2).sum() / ((methods - 1) * (readers - 1)))
    return ReaderStudy(areas, ms_method, ms_interaction, _means(covariance, methods, readers))


def _areas_and_covariance(
    present: NDArray[np.bool_], columns: NDArray[np.float64]
) -> tuple[NDArray, NDArray]:
    """AUCs (S,) of (S, N) readings with gaps, and DeLong's covariance over the shared cases."""
    areas = np.empty(len(columns))
    spread = np.zeros((2, *columns.shape))
    for s, column in enumerate(columns):
        read = np.isfinite(column)
        kinds = (read & present, read & ~present)
        counts = [int(kind.sum()) for kind in kinds]
        if min(counts) < 2:
            raise ValueError("Every reader must read at least 2 cases with and 2 without it.")
        shares = placements(present[read], column[read])
        areas[s] = shares[0].mean()
        for k in range(2):
            unbiased = np.sqrt(counts[k] / (counts[k] - 1))
            spread[k, s, kinds[k]] = unbiased * (shares[k] - areas[s]) / counts[k]
    return areas, spread[0] @ spread[0].T + spread[1] @ spread[1].T


def _means(covariance: NDArray, methods: int, readers: int) -> ErrorCovariances:
    """Average the covariance matrix over the four kinds of pairs."""
    method, reader = np.divmod(np.arange(methods * readers), readers)
    same_method = method[:, None] == method
    same_reader = reader[:, None] == reader
    kinds = (
        same_method & same_reader,
        ~same_method & same_reader,
        same_method & ~same_reader,
        ~same_method & ~same_reader,
    )
    return ErrorCovariances(*(float(covariance[kind].mean()) for kind in kinds))


def _f_test(statistic: float, df1: int, df2: float, error: float) -> MethodTest:
    return MethodTest(
        float(statistic), df1, float(df2), float(f.sf(statistic, df1, df2)), float(error)
    )
