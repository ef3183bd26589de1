"""How much the AUC of a sample varies when scores follow two bell curves: exact, for planning.

Scores of cases without the finding are normal with mean 0, with it normal with mean d, both with
standard deviation 1; then AUC = Phi(d / sqrt 2). The AUC of a sample is a share of won pairs, so
its variance follows from how often two pairs are won together, and that is a bivariate normal
probability (Hoeffding, Ann Math Stat 1948;19:293, for the sum over pairs). Nothing is approximated.
"""

import math

import numpy as np
from scipy.stats import multivariate_normal, norm


def separation(auc: float) -> float:
    """Distance d of the two means, in standard deviations, that gives this AUC (0 < AUC < 1).

    Raises ValueError for an AUC of 0 or 1, which no finite distance gives.
    """
    if not 0 < auc < 1:
        raise ValueError(f"An AUC to plan with lies between 0 and 1, not at {auc}.")
    return math.sqrt(2) * float(norm.ppf(auc))


def area_variance(auc: float, positives: int, negatives: int) -> float:
    """Exact sampling variance of the AUC of that many cases of two bell curves."""
    return area_covariance(auc, auc, positives, negatives, 1.0, 1.0)


def area_covariance(
    first: float,
    second: float,
    positives: int,
    negatives: int,
    correlation_positive: float,
    correlation_negative: float,
) -> float:
    """Exact covariance of the AUCs of two scores on the same cases.

    The correlations are those between the two scores among cases with and without the finding.
    Raises ValueError for impossible AUCs, correlations or counts.
    """
    if min(positives, negatives) < 1:
        raise ValueError("Both classes need at least one case.")
    means = [separation(first) / math.sqrt(2), separation(second) / math.sqrt(2)]
    product = float(norm.cdf(means[0]) * norm.cdf(means[1]))
    # Two won pairs share both cases, only the positive, or only the negative one.
    both = _together(means, (correlation_positive + correlation_negative) / 2) - product
    same_positive = _together(means, correlation_positive / 2) - product
    same_negative = _together(means, correlation_negative / 2) - product
    total = both + (negatives - 1) * same_positive + (positives - 1) * same_negative
    return total / (positives * negatives)


def _together(means: list[float], correlation: float) -> float:
    """Chance that two differences with these means and correlation are both above 0."""
    if not -1 <= correlation <= 1:
        raise ValueError(f"A correlation lies between -1 and 1; {correlation} does not.")
    if correlation > 1 - 1e-12:  # one and the same score
        return float(norm.cdf(min(means)))
    shape = np.array([[1.0, correlation], [correlation, 1.0]])
    return float(multivariate_normal.cdf(means, cov=shape, allow_singular=True))
