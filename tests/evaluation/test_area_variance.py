"""Exact variances of a sample's AUC: against closed forms and against simulation."""

import numpy as np
import pytest
from scipy.stats import rankdata

from course_lib.evaluation.area_variance import area_covariance, area_variance, separation


def areas(truth_positive, scores, negatives):
    """AUC of each row of (S, N) scores, positives first."""
    ranks = rankdata(scores, axis=1)[:, :truth_positive].sum(axis=1)
    return (ranks - truth_positive * (truth_positive + 1) / 2) / (truth_positive * negatives)


@pytest.mark.parametrize(("m", "n"), [(1, 1), (5, 9), (40, 200)])
def test_of_a_coin_it_is_that_of_the_mann_whitney_test(m, n):
    assert area_variance(0.5, m, n) == pytest.approx((m + n + 1) / (12 * m * n), rel=1e-12)


def test_one_pair_is_a_coin_with_the_area_as_its_chance():
    assert area_variance(0.8, 1, 1) == pytest.approx(0.8 * 0.2)


def test_simulated_samples_vary_as_computed():
    m, n, pairs = 12, 20, 20_000
    random = np.random.default_rng(1)
    shift = np.repeat([1.0, 0.0], [m, n])
    common = random.normal(size=(pairs, m + n))
    found = []
    for auc, r in ((0.85, 0.6), (0.75, 0.6)):
        noise = np.sqrt(1 - r) * random.normal(size=common.shape)
        found.append(areas(m, separation(auc) * shift + np.sqrt(r) * common + noise, n))
    assert found[0].mean() == pytest.approx(0.85, abs=0.003)
    assert found[0].var() == pytest.approx(area_variance(0.85, m, n), rel=0.04)
    covariance = np.cov(*found)[0, 1]
    assert covariance == pytest.approx(area_covariance(0.85, 0.75, m, n, 0.6, 0.6), rel=0.06)


def test_limits_of_correlation():
    same = area_covariance(0.8, 0.8, 30, 40, 1.0, 1.0)
    assert same == pytest.approx(area_variance(0.8, 30, 40))
    assert area_covariance(0.8, 0.7, 30, 40, 0.0, 0.0) == pytest.approx(0, abs=1e-15)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [((1.0, 0.8, 5, 5, 0, 0), "AUC"), ((0.8, 0.8, 0, 5, 0, 0), "one case"),
     ((0.8, 0.8, 5, 5, 1.5, 1.5), "correlation")],
)  # fmt: skip
def test_the_impossible_is_refused(arguments, word):
    with pytest.raises(ValueError, match=word):
        area_covariance(*arguments)
