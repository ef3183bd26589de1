"""Trueness, precision, limits of agreement and repeatability, against simulated truth."""

import numpy as np
import pytest

from course_lib.evaluation.measurement import bland_altman, repeatability, trueness_and_precision


def test_error_splits_into_trueness_and_precision():
    measured = np.random.default_rng(0).normal(52, 3, size=2000)
    found = trueness_and_precision(measured, 50)
    assert found.bias == pytest.approx(2, abs=0.2)
    assert found.standard_deviation == pytest.approx(3, abs=0.15)
    assert found.rms_error**2 == pytest.approx(found.bias**2 + measured.var())


def test_limits_hold_95_of_100_differences():
    random = np.random.default_rng(1)
    truth = random.normal(40, 8, size=5000)
    first, second = truth + random.normal(1, 2, 5000), truth + random.normal(0, 1, 5000)
    found = bland_altman(first, second)
    low, high = found.limits
    inside = (first - second >= low) & (first - second <= high)
    assert inside.mean() == pytest.approx(0.95, abs=0.01)
    assert found.bias == pytest.approx(1, abs=0.1)


def test_intervals_of_bias_and_limits_hold_the_truth():
    random = np.random.default_rng(2)
    spread = 2.0
    held = np.zeros(3)
    for _ in range(1000):
        found = bland_altman(random.normal(0.5, spread, 30), np.zeros(30))
        for i, (interval, truth) in enumerate(
            [
                (found.bias_interval, 0.5),
                (found.low_interval, 0.5 - 1.96 * spread),
                (found.high_interval, 0.5 + 1.96 * spread),
            ]
        ):
            held[i] += interval.low <= truth <= interval.high
    assert (held / 1000 > 0.925).all() and (held / 1000 < 0.98).all()


def test_correlation_is_no_agreement():
    truth = np.arange(10.0, 60.0)
    assert np.corrcoef(truth, 2 * truth)[0, 1] == pytest.approx(1)
    assert bland_altman(2 * truth, truth).limits.high > 60


def test_repeatability_of_two_measurements():
    random = np.random.default_rng(3)
    repeats = random.normal(30, 9, (3000, 1)) + random.normal(0, 1.5, (3000, 2))
    within, coefficient = repeatability(repeats)
    assert within == pytest.approx(1.5, rel=0.04)
    assert coefficient == pytest.approx(2.77 * within, rel=1e-3)
    assert np.mean(np.abs(np.diff(repeats)) > coefficient) == pytest.approx(0.05, abs=0.01)


def test_mistakes_are_named():
    with pytest.raises(ValueError, match="must be a number"):
        trueness_and_precision([1, np.nan], 1)
    with pytest.raises(ValueError, match="two columns"):
        bland_altman([1, 2, 3], [1, 2])
    with pytest.raises(ValueError, match="at least 2 repeats"):
        repeatability([[1], [2]])
    assert np.isnan(trueness_and_precision([3.0], 1).standard_deviation)
