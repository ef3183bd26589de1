"""Errors of predicted numbers: textbook values, and what corrections can and cannot do."""

import numpy as np
import pytest
from sklearn.metrics import mean_absolute_error as peer_mae
from sklearn.metrics import r2_score

from course_lib.evaluation.regression import (
    bias_line,
    corrected_with_truth,
    corrected_without_truth,
    explained_variance_share,
    mean_absolute_error,
)


@pytest.fixture
def ages():
    rng = np.random.default_rng(0)
    truth = rng.normal(50, 16, 4000)
    seen = truth + rng.normal(0, 16, 4000)  # evidence as noisy as people differ
    return 50 + 0.5 * (seen - 50), truth  # the best guess: half way to the mean


def test_agrees_with_scikit_learn(ages):
    assert mean_absolute_error(*ages) == pytest.approx(peer_mae(ages[1], ages[0]))
    assert explained_variance_share(*ages) == pytest.approx(r2_score(ages[1], ages[0]))


def test_the_best_guess_regresses_to_the_mean(ages):
    line = bias_line(*ages)
    assert line.slope == pytest.approx(-0.5, abs=0.03)
    assert line.at(50) == pytest.approx(0, abs=0.5)


def test_only_the_correction_that_is_told_the_truth_gains(ages):
    predicted, truth = ages
    line = bias_line(predicted, truth)
    plain = mean_absolute_error(predicted, truth)
    told = corrected_with_truth(predicted, truth, line)
    fair = corrected_without_truth(predicted, line)
    assert mean_absolute_error(told, truth) < 0.8 * plain
    assert mean_absolute_error(fair, truth) > 1.2 * plain
    assert abs(bias_line(told, truth).slope) < 1e-9 and abs(bias_line(fair, truth).slope) < 1e-9


def test_a_constant_becomes_perfect_when_told_and_cannot_be_stretched():
    truth = np.array([20.0, 50.0, 80.0])
    constant = np.full(3, 52.0)
    line = bias_line(constant, truth)
    assert (line.slope, line.offset) == pytest.approx((-1, 52))
    assert corrected_with_truth(constant, truth, line) == pytest.approx(truth)
    with pytest.raises(ValueError, match="nothing to stretch"):
        corrected_without_truth(constant, line._replace(slope=-1.0))


def test_mistakes_are_named():
    with pytest.raises(ValueError, match="one prediction per true value"):
        mean_absolute_error([1, 2], [1])
    with pytest.raises(ValueError, match="NaN"):
        mean_absolute_error([np.nan], [1])
    with pytest.raises(ValueError, match="differ"):
        bias_line([1, 2, 3], [5, 5, 5])
    assert np.isnan(explained_variance_share([1, 2], [3, 3]))
