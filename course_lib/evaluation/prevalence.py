"""What a result means elsewhere: predictive values at another prevalence (Bayes).

Sensitivity and specificity travel with the test; PPV and NPV do not, for they depend on how many
of those tested are ill. (Even the first two change when the patients are other kinds of patients.)
"""

from math import inf, isnan, nan

from course_lib.evaluation.intervals import Interval
from course_lib.evaluation.operating import Confusion
from course_lib.evaluation.rate_intervals import rate_interval


def ppv_at(prevalence: float, sensitivity: float, specificity: float) -> float:
    """Share of positive calls that are right where ``prevalence`` (0 to 1) is ill; NaN for 0/0."""
    _check(prevalence=prevalence, sensitivity=sensitivity, specificity=specificity)
    right = sensitivity * prevalence
    called = right + (1 - specificity) * (1 - prevalence)
    return right / called if called else nan


def npv_at(prevalence: float, sensitivity: float, specificity: float) -> float:
    """Share of negative calls that are right where ``prevalence`` (0 to 1) is ill; NaN for 0/0."""
    _check(prevalence=prevalence, sensitivity=sensitivity, specificity=specificity)
    right = specificity * (1 - prevalence)
    called = right + (1 - sensitivity) * prevalence
    return right / called if called else nan


def after_test(probability: float, likelihood_ratio: float) -> float:
    """Probability of illness after a result: odds afterwards = odds before times likelihood ratio.

    Raises ValueError for a probability outside 0 to 1 or a negative ratio.
    """
    _check(probability=probability)
    if not likelihood_ratio >= 0:
        raise ValueError(f"A likelihood ratio is 0 or more; {likelihood_ratio} is not.")
    if likelihood_ratio == inf:
        return 1.0 if probability > 0 else nan
    odds = probability * likelihood_ratio
    whole = odds + 1 - probability
    return odds / whole if whole else nan


def predictive_intervals_at(
    counts: Confusion, prevalence: float, level: float = 0.95
) -> tuple[Interval, Interval]:
    """Intervals of PPV and NPV at another prevalence, from the likelihood ratios of a study.

    Both values move one way with one likelihood ratio, so its limits carry over. NaN where the
    ratio is undefined.
    """
    _check(prevalence=prevalence)
    positive = rate_interval(counts, "LR+", level)
    negative = rate_interval(counts, "LR-", level)
    ppv = [nan if isnan(ratio) else after_test(prevalence, ratio) for ratio in positive]
    ill = [nan if isnan(ratio) else after_test(prevalence, ratio) for ratio in negative]
    return Interval(*ppv), Interval(1 - ill[1], 1 - ill[0])


def _check(**shares: float) -> None:
    for name, share in shares.items():
        if not 0 <= share <= 1:
            raise ValueError(f"The {name} must lie between 0 and 1, got {share}.")
