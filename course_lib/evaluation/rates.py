"""The family of the confusion matrix: every rate that four counts give, under all its names.

One table, ``RATES``, says for each rate its formula, its synonyms and its range; everything else
looks things up there. The intervals are in ``rate_intervals.py``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf, nan, sqrt

from course_lib.evaluation.operating import Confusion

Parts = Callable[[Confusion], tuple[float, float]]


@dataclass(frozen=True)
class Rate:
    """One rate: what it is called, how it is computed, and between which values it lies.

    ``parts`` gives numerator and denominator in cases when the rate is a share of cases (a
    proportion, so that Wilson's interval applies); otherwise None.
    """

    symbol: str
    name: str
    formula: str
    synonyms: tuple[str, ...]
    lowest: float
    highest: float
    value: Callable[[Confusion], float]
    parts: Parts | None = None


def value(counts: Confusion, rate: str) -> float:
    """The rate of these counts, by symbol, name or synonym: "PPV", "precision", "recall", ...

    NaN where it is undefined (0 of 0), inf for a ratio of something to nothing. Raises ValueError
    for a name that is in no book.
    """
    return find(rate).value(counts)


def find(rate: str) -> Rate:
    """The row of ``RATES`` with this symbol, name or synonym; capitals do not matter."""
    wanted = rate.strip().lower()
    for row in RATES:
        if wanted in {row.symbol.lower(), row.name, *row.synonyms}:
            return row
    known = ", ".join(row.symbol for row in RATES)
    raise ValueError(f"No rate is called {rate!r}; there are: {known}.")


def f_beta(counts: Confusion, beta: float) -> float:
    """F-beta: recall counts ``beta`` times as much as precision (van Rijsbergen 1979).

    beta = 1 is F1; 2 when a miss is worse than a false alarm. NaN when there is nothing to find
    and nothing was called. Raises ValueError unless beta > 0.
    """
    if not beta > 0:
        raise ValueError(f"Beta must be above 0, got {beta}.")
    weight = beta**2
    hits = (1 + weight) * counts.tp
    return _ratio(hits, hits + weight * counts.fn + counts.fp)


def _ratio(part: float, whole: float) -> float:
    """part / whole; NaN for 0 of 0 (and for NaN), infinite for something against nothing."""
    if whole:
        return part / whole
    return inf if part > 0 else nan


def _likelihood_ratio(hits: float, sick: float, alarms: float, healthy: float) -> float:
    return _ratio(_ratio(hits, sick), _ratio(alarms, healthy))


def _lr_positive(c: Confusion) -> float:
    return _likelihood_ratio(c.tp, c.tp + c.fn, c.fp, c.fp + c.tn)


def _lr_negative(c: Confusion) -> float:
    return _likelihood_ratio(c.fn, c.tp + c.fn, c.tn, c.fp + c.tn)


def _informedness(c: Confusion) -> float:
    return c.sensitivity + c.specificity - 1


def _mcc(c: Confusion) -> float:
    """Correlation of call and truth, from the counts (Matthews 1975)."""
    scale = sqrt((c.tp + c.fp) * (c.tp + c.fn) * (c.tn + c.fp) * (c.tn + c.fn))
    return (c.tp * c.tn - c.fp * c.fn) / scale if scale else nan


def _prevalence_threshold(c: Confusion) -> float:
    """sqrt(FPR) / (sqrt(TPR) + sqrt(FPR)) (Balayla, PLoS One 2020;15:e0240215)."""
    hit, alarm = sqrt(c.sensitivity), sqrt(1 - c.specificity)
    return _ratio(alarm, hit + alarm)


def _kappa(c: Confusion) -> float:
    """Agreement of call and truth beyond chance (Cohen 1960)."""
    n = c.tp + c.fp + c.fn + c.tn
    by_chance = (c.tp + c.fp) * (c.tp + c.fn) + (c.tn + c.fn) * (c.tn + c.fp)
    return _ratio(n * (c.tp + c.tn) - by_chance, n * n - by_chance) if n else nan


def _share(symbol: str, name: str, formula: str, synonyms: str, parts: Parts) -> Rate:
    """A row for a share of cases."""
    return Rate(symbol, name, formula, _split(synonyms), 0, 1, lambda c: _ratio(*parts(c)), parts)


def _row(
    symbol: str,
    name: str,
    formula: str,
    synonyms: str,
    lowest: float,
    highest: float,
    value: Callable[[Confusion], float],
) -> Rate:
    """A row for anything else."""
    return Rate(symbol, name, formula, _split(synonyms), lowest, highest, value)


def _split(synonyms: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in synonyms.split(",") if word.strip())


RATES: tuple[Rate, ...] = (
    # Down the columns: of those who have it, or do not.
    _share("TPR", "true positive rate", "TP / (TP + FN)",
           "sensitivity, recall, hit rate, power, probability of detection",
           lambda c: (c.tp, c.tp + c.fn)),
    _share("FNR", "false negative rate", "FN / (TP + FN)", "miss rate, type ii error rate",
           lambda c: (c.fn, c.tp + c.fn)),
    _share("FPR", "false positive rate", "FP / (FP + TN)",
           "fall-out, false alarm rate, type i error rate", lambda c: (c.fp, c.fp + c.tn)),
    _share("TNR", "true negative rate", "TN / (FP + TN)", "specificity, selectivity",
           lambda c: (c.tn, c.fp + c.tn)),
    # Along the rows: of those who were called positive, or negative.
    _share("PPV", "positive predictive value", "TP / (TP + FP)", "precision",
           lambda c: (c.tp, c.tp + c.fp)),
    _share("FDR", "false discovery rate", "FP / (TP + FP)", "", lambda c: (c.fp, c.tp + c.fp)),
    _share("NPV", "negative predictive value", "TN / (TN + FN)", "", lambda c: (c.tn, c.tn + c.fn)),
    _share("FOR", "false omission rate", "FN / (TN + FN)", "", lambda c: (c.fn, c.tn + c.fn)),
    # Of everyone.
    _share("PREV", "prevalence", "(TP + FN) / all", "",
           lambda c: (c.tp + c.fn, c.tp + c.fp + c.fn + c.tn)),
    _share("ACC", "accuracy", "(TP + TN) / all", "share correct, rand accuracy",
           lambda c: (c.tp + c.tn, c.tp + c.fp + c.fn + c.tn)),
    _share("CSI", "critical success index", "TP / (TP + FP + FN)", "threat score, jaccard index",
           lambda c: (c.tp, c.tp + c.fp + c.fn)),
    # Ratios of two shares.
    _row("LR+", "positive likelihood ratio", "TPR / FPR", "", 0, inf, _lr_positive),
    _row("LR-", "negative likelihood ratio", "FNR / TNR", "", 0, inf, _lr_negative),
    _row("DOR", "diagnostic odds ratio", "LR+ / LR- = TP TN / (FP FN)", "odds ratio", 0, inf,
         lambda c: _ratio(c.tp * c.tn, c.fp * c.fn)),
    # One number for both kinds of mistake.
    _row("BA", "balanced accuracy", "(TPR + TNR) / 2", "", 0, 1,
         lambda c: (c.sensitivity + c.specificity) / 2),
    _row("BM", "informedness", "TPR + TNR - 1", "youden's j, bookmaker informedness", -1, 1,
         _informedness),
    _row("MK", "markedness", "PPV + NPV - 1", "delta p", -1, 1, lambda c: c.ppv + c.npv - 1),
    _row("F1", "f1 score", "2 TP / (2 TP + FP + FN)", "dice coefficient, f-measure", 0, 1,
         lambda c: c.f1),
    _row("FM", "fowlkes-mallows index", "sqrt(PPV TPR)", "", 0, 1,
         lambda c: sqrt(c.ppv * c.sensitivity)),
    _row("MCC", "matthews correlation coefficient",
         "sqrt(TPR TNR PPV NPV) - sqrt(FNR FPR FOR FDR)", "phi coefficient", -1, 1, _mcc),
    _row("KAPPA", "cohen's kappa", "(ACC - chance) / (1 - chance)", "heidke skill score", -1, 1,
         _kappa),
    _row("PT", "prevalence threshold", "sqrt(FPR) / (sqrt(TPR) + sqrt(FPR))", "", 0, 1,
         _prevalence_threshold),
)  # fmt: skip
