"""Frechet and kernel distance: closed forms, bias, intervals, and bad input."""

import numpy as np
import pytest

from course_lib.evaluation.generative.frechet import (
    expected_between_equals,
    extrapolated_frechet,
    frechet_distance,
    frechet_from_moments,
    real_floor,
)
from course_lib.evaluation.generative.kernel import cubic_kernel, kernel_distance


def normal(n, width, seed, mean=0.0):
    return np.random.default_rng(seed).standard_normal((n, width)) + mean


KNOWN = [  # mean, covariance, mean, covariance, distance
    ((1, -2, 0.5), np.diag([1.0, 4, 9]), (0, 1, 2), np.diag([4, 1, 0.25]), 20.5),
    ((0, 0, 0), np.diag([1.0, 0, 0]), (0, 0, 0), np.diag([0.0, 1, 0]), 2.0),
    ((0, 0), np.diag([2.0, 3]), (0, 0), 9 * np.diag([2.0, 3]), 4 * 5.0),
    ((3, 4), np.eye(2), (0, 0), np.eye(2), 25.0),
    ((7,), [[4.0]], (5,), [[1.0]], 4 + 1),
]


@pytest.mark.parametrize(("mean", "spread", "other_mean", "other_spread", "distance"), KNOWN)
def test_closed_forms(mean, spread, other_mean, other_spread, distance):
    value = frechet_from_moments(mean, spread, other_mean, other_spread)
    assert value == pytest.approx(distance, abs=1e-9)
    assert frechet_from_moments(other_mean, other_spread, mean, spread) == pytest.approx(distance)


def test_turning_both_clouds_changes_nothing():
    random = np.random.default_rng(1)
    turn = np.linalg.qr(random.standard_normal((6, 6)))[0]
    a, b = random.standard_normal((50, 6)) * np.arange(1, 7), random.standard_normal((60, 6))
    before = frechet_distance(a, b).value
    assert frechet_distance(a @ turn, b @ turn).value == pytest.approx(before)
    assert frechet_distance(a + 5, b + 5).value == pytest.approx(before)
    assert frechet_distance(3 * a, 3 * b).value == pytest.approx(9 * before)


def test_a_cloud_has_no_distance_to_itself_even_without_full_rank():
    few = normal(5, 40, 0)
    assert frechet_distance(few, few).value == pytest.approx(0, abs=1e-6)


def test_constant_features_do_no_harm():
    a = np.hstack([normal(50, 3, 0), np.ones((50, 2))])
    assert frechet_distance(a, a + 1).value == pytest.approx(5, abs=1e-6)


@pytest.mark.parametrize("n", [500, 1000, 5000])
def test_bias_formula(n):
    values = [
        frechet_distance(normal(n, 64, 2 * s), normal(n, 64, 2 * s + 1), 0).value for s in range(3)
    ]
    assert np.mean(values) == pytest.approx(expected_between_equals(64, n), rel=0.06)
    assert expected_between_equals(64, 1000) == pytest.approx(0.128 + 2.08)


def test_extrapolation_takes_the_bias_away():
    a, b = normal(1200, 20, 0), normal(1200, 20, 1, mean=0.5)
    true = 20 * 0.25
    found = extrapolated_frechet(a, b)
    assert found.distances[0] > found.distances[-1] > found.at_infinity.value
    assert found.slope == pytest.approx(1200 * expected_between_equals(20, 1200), rel=0.5)
    assert found.at_infinity.interval.low < true < found.at_infinity.interval.high
    assert abs(found.at_infinity.value - true) < abs(found.distances[-1] - true) + 0.1


def test_interval_covers_the_expected_value_about_as_often_as_it_says():
    mean = np.full(4, 0.5)  # expected value: 1, plus the bias at this size
    inside = 0
    for seed in range(60):
        a, b = normal(300, 4, 2 * seed), normal(300, 4, 2 * seed + 1) + mean
        low, high = frechet_distance(a, b).interval
        inside += low < 1 + expected_between_equals(4, 300) < high
    assert inside / 60 >= 0.85


def test_floor_between_halves_is_the_bias():
    floor = real_floor(normal(2000, 30, 0), 1000, rounds=10)
    assert floor.mean == pytest.approx(expected_between_equals(30, 1000), rel=0.1)
    assert floor.interval.low <= floor.mean <= floor.interval.high
    assert np.array_equal(floor.values, real_floor(normal(2000, 30, 0), 1000, rounds=10).values)


def test_fewer_films_than_features_are_noted():
    note = frechet_distance(normal(50, 64, 0), normal(500, 64, 1)).note
    assert "50 films for 64 features" in note
    assert frechet_distance(normal(500, 64, 0), normal(500, 64, 1)).note == ""


def test_kernel_distance_by_loops():
    a, b = normal(7, 3, 0), normal(5, 3, 1)

    def k(x, y):
        return (x @ y / 3 + 1) ** 3

    own = np.mean([k(a[i], a[j]) for i in range(7) for j in range(7) if i != j])
    other = np.mean([k(b[i], b[j]) for i in range(5) for j in range(5) if i != j])
    mixed = np.mean([k(x, y) for x in a for y in b])
    assert kernel_distance(a, b).value == pytest.approx(own + other - 2 * mixed)


def test_kernel_distance_of_two_bell_curves():
    """N(0, 1) against N(0.7, 1): moments of x are 0, 1, 0 and 0.7, 1.49, 2.443."""
    exact = 3 * 0.7**2 + 3 * 0.49**2 + 2.443**2
    assert exact == pytest.approx(8.1585, abs=5e-5)
    values = [
        kernel_distance(normal(500, 1, 2 * s), normal(500, 1, 2 * s + 1, 0.7)).value
        for s in range(40)
    ]
    assert np.mean(values) == pytest.approx(exact, abs=4 * np.std(values) / np.sqrt(40))
    assert np.std(values) < 2.5


@pytest.mark.parametrize("n", [20, 200])
def test_kernel_distance_has_no_bias_at_any_size(n):
    values = [
        kernel_distance(normal(n, 8, 2 * s), normal(n, 8, 2 * s + 1), 0).value for s in range(200)
    ]
    assert abs(np.mean(values)) < 3 * np.std(values) / np.sqrt(200)
    assert min(values) < 0


def test_leaving_groups_out_by_subtraction_is_leaving_them_out():
    a, b = normal(40, 3, 0), normal(60, 3, 1, 0.3)
    low, high = kernel_distance(a, b, groups=4).interval
    left_out = [
        kernel_distance(np.delete(a, slice(10 * g, 10 * g + 10), 0),
                        np.delete(b, slice(15 * g, 15 * g + 15), 0), 0).value
        for g in range(4)
    ]  # fmt: skip
    error = np.sqrt(3 / 4 * ((left_out - np.mean(left_out)) ** 2).sum())
    assert (high - low) / 2 == pytest.approx(3.182446 * error)


def test_cubic_kernel():
    assert cubic_kernel(np.array([[1.0, 3]]), np.array([[2.0, 2]])) == pytest.approx(5**3)


@pytest.mark.parametrize("measure", [frechet_distance, kernel_distance])
def test_bad_tables_are_refused(measure):
    good = normal(10, 4, 0)
    with pytest.raises(ValueError, match="1 film is too few"):
        measure(good, good[:1])
    with pytest.raises(ValueError, match="same network"):
        measure(good, good[:, :3])
    broken = good.copy()
    broken[6, 1] = np.nan
    with pytest.raises(ValueError, match="the first is number 6"):
        measure(good, broken)
    with pytest.raises(ValueError, match="table"):
        measure(good[0], good)


def test_moments_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="needed"):
        frechet_from_moments([0, 0], np.eye(3), [0, 0], np.eye(2))
    with pytest.raises(ValueError, match="NaN"):
        frechet_from_moments([0, np.nan], np.eye(2), [0, 0], np.eye(2))
    with pytest.raises(ValueError, match="divided into two"):
        real_floor(normal(10, 2, 0), 6)


def test_films_themselves_can_be_features():
    films = np.random.default_rng(0).random((30, 1, 4, 4))
    assert frechet_distance(films, films).value == pytest.approx(0, abs=1e-9)
