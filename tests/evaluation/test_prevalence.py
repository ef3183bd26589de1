"""Predictive values elsewhere: Bayes by counting, and intervals that hold the truth."""

from math import inf, isnan

import numpy as np
import pytest

from course_lib.evaluation.operating import Confusion
from course_lib.evaluation.prevalence import after_test, npv_at, ppv_at, predictive_intervals_at


def test_bayes_by_counting():
    """90 % sensitivity and specificity where 1 in 100 is ill: 9 right among 108 calls."""
    counts = Confusion(tp=9, fn=1, fp=99, tn=891)
    assert ppv_at(0.01, 0.9, 0.9) == pytest.approx(counts.ppv) == pytest.approx(9 / 108)
    assert npv_at(0.01, 0.9, 0.9) == pytest.approx(counts.npv)


def test_the_likelihood_ratio_says_the_same():
    for prevalence in (0.001, 0.2, 0.7):
        assert after_test(prevalence, 0.8 / 0.05) == pytest.approx(ppv_at(prevalence, 0.8, 0.95))
        missed = after_test(prevalence, 0.2 / 0.95)
        assert 1 - missed == pytest.approx(npv_at(prevalence, 0.8, 0.95))


def test_extremes():
    assert ppv_at(0.3, 0.8, 1.0) == 1 and after_test(0.3, inf) == 1
    assert after_test(0.3, 0) == 0
    assert isnan(ppv_at(0.0, 0.8, 1.0)) and isnan(after_test(0.0, inf))
    with pytest.raises(ValueError, match="prevalence must lie"):
        ppv_at(12, 0.8, 0.9)
    with pytest.raises(ValueError, match="0 or more"):
        after_test(0.2, -1)


def test_intervals_at_another_prevalence_hold_the_truth():
    """A study with half ill cases; where 2 % are ill its PPV is another, and its interval holds."""
    random = np.random.default_rng(0)
    truth = ppv_at(0.02, 0.85, 0.9), npv_at(0.02, 0.85, 0.9)
    held = np.zeros(2)
    for _ in range(600):
        tp, fp = int(random.binomial(100, 0.85)), int(random.binomial(100, 0.1))
        study = Confusion(tp=tp, fn=100 - tp, fp=fp, tn=100 - fp)
        for i, interval in enumerate(predictive_intervals_at(study, 0.02)):
            held[i] += interval.low <= truth[i] <= interval.high
    assert (held / 600 > 0.92).all() and (held / 600 < 0.98).all()


def test_what_is_undefined_stays_so():
    nobody_ill = Confusion(tp=0, fp=2, fn=0, tn=5)
    assert all(isnan(x) for interval in predictive_intervals_at(nobody_ill, 0.1) for x in interval)
