"""The share of a calibration error that is chance: compared with simulations of known truth."""

import numpy as np
import pytest

from course_lib.evaluation.calibration_classes import confidence_error
from course_lib.evaluation.calibration_inputs import softmax
from course_lib.evaluation.calibration_uncertainty import (
    debiased_squared_error,
    drawn_classes,
    error_interval,
    errors_if_honest,
    honesty_p_value,
)


def answers(n, seed, sharper=1.0):
    """n cases of 3 classes; the network says softmax(sharper * z), the truth follows softmax(z)."""
    random = np.random.default_rng(seed)
    z = random.normal(size=(n, 3)) * 1.5
    return drawn_classes(softmax(z), random), softmax(sharper * z)


def test_classes_are_drawn_as_often_as_promised():
    p = np.tile([0.5, 0.3, 0.2], (20000, 1))
    shares = np.bincount(drawn_classes(p, np.random.default_rng(0)), minlength=3) / 20000
    assert shares == pytest.approx([0.5, 0.3, 0.2], abs=0.015)  # four standard errors
    certain = np.tile([0.0, 1.0, 0.0], (50, 1))
    assert set(drawn_classes(certain, np.random.default_rng(0)).tolist()) == {1}


def test_an_honest_network_has_an_error_that_falls_with_the_root_of_the_films():
    few, many = (errors_if_honest(answers(n, 3)[1], rounds=60).mean() for n in (200, 3200))
    assert few > 0.04
    assert few / many == pytest.approx(4, rel=0.25)


def test_p_values_of_honest_networks_are_spread_evenly_and_liars_are_caught():
    honest = [honesty_p_value(*answers(150, seed), rounds=39) for seed in range(60)]
    assert np.mean(np.array(honest) <= 0.1) < 0.25
    assert 0.3 < np.mean(honest) < 0.7
    assert honesty_p_value(*answers(600, 5, sharper=2.5), rounds=99) == pytest.approx(0.01)


def test_the_reflected_interval_covers_where_the_percentile_one_cannot():
    """True error from a million cases; 40 studies of 400 cases of a sharpened network."""
    truth = confidence_error(*answers(400_000, 1, sharper=2.0))
    inside = too_high = 0
    for seed in range(40):
        y, p = answers(400, 100 + seed, sharper=2.0)
        interval = error_interval(y, p, rounds=60, seed=seed)
        inside += interval.low <= truth <= interval.high
        too_high += interval.low > truth
    assert inside >= 33
    assert too_high <= 4


def test_the_debiased_error_is_right_on_average_and_zero_for_the_honest():
    honest = [debiased_squared_error(*answers(200, seed)) for seed in range(200)]
    plain = [confidence_error(*answers(200, seed), by="mass", norm="l2") ** 2 for seed in range(50)]
    error = np.std(honest) / np.sqrt(200)
    assert abs(np.mean(honest)) < 4 * error
    assert np.mean(plain) > 10 * error
    truth = confidence_error(*answers(200_000, 1, 2.0), by="mass", norm="l2") ** 2
    liar = [debiased_squared_error(*answers(400, seed, 2.0)) for seed in range(100)]
    assert np.mean(liar) == pytest.approx(truth, rel=0.1)


def test_same_seed_same_numbers():
    y, p = answers(100, 0)
    assert np.array_equal(
        errors_if_honest(p, rounds=5, seed=1), errors_if_honest(p, rounds=5, seed=1)
    )
    assert error_interval(y, p, rounds=20, seed=2) == error_interval(y, p, rounds=20, seed=2)


def test_bad_input_is_named():
    y, p = answers(20, 0)
    with pytest.raises(ValueError, match="at least one round"):
        errors_if_honest(p, rounds=0)
    with pytest.raises(ValueError, match="sum to 1"):
        errors_if_honest(p * 0.5)
    with pytest.raises(ValueError, match="one per case"):
        error_interval(y[:3], p)
    assert np.isnan(debiased_squared_error([0], [[0.6, 0.4]]))
