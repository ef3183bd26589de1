"""The best critic, Jensen-Shannon and earth mover's distance: identities known from the papers."""

import math

import numpy as np
import pytest
from scipy.stats import wasserstein_distance

from course_lib.generative.densities import Mixture
from course_lib.generative.toy_theory import (
    best_critic,
    earth_movers,
    jensen_shannon,
    kullback_leibler,
    value_of_game,
)

P, Q = np.array([0.5, 0.3, 0.2, 0.0]), np.array([0.1, 0.3, 0.4, 0.2])


def test_the_best_critic_is_the_share_of_real():
    assert best_critic(P, Q).tolist() == pytest.approx([5 / 6, 1 / 2, 1 / 3, 0])
    assert best_critic([0.0], [0.0]).tolist() == [0.5]


def test_no_other_critic_reaches_the_value_of_the_best_one():
    rng = np.random.default_rng(0)
    best = value_of_game(P, Q)
    for _ in range(200):
        other = rng.uniform(0.01, 0.99, 4)
        assert np.sum(P * np.log(other)) + np.sum(Q * np.log(1 - other)) < best


def test_the_value_of_the_game_is_twice_js_minus_log_four():
    assert value_of_game(P, Q) == pytest.approx(2 * jensen_shannon(P, Q) - math.log(4))
    assert value_of_game(P, P) == pytest.approx(-math.log(4))


def test_js_is_zero_for_equal_and_log_two_for_disjoint_tables():
    assert jensen_shannon(P, P) == 0
    for gap in (1, 5):
        far = np.roll([1.0, 0, 0, 0, 0, 0, 0], gap)
        assert jensen_shannon([1.0, 0, 0, 0, 0, 0, 0], far) == pytest.approx(math.log(2))
    assert jensen_shannon(P, Q) == pytest.approx(jensen_shannon(Q, P))


def test_kl_of_two_coins_and_of_what_the_other_never_shows():
    assert kullback_leibler([0.5, 0.5], [0.25, 0.75]) == pytest.approx(0.5 * math.log(4 / 3))
    assert kullback_leibler([0.5, 0.5], [1.0, 0.0]) == math.inf


def test_earth_movers_distance_equals_scipys_on_a_line_and_a_shift_in_space():
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=50), rng.exponential(size=50)
    assert earth_movers(a, b) == pytest.approx(wasserstein_distance(a, b))
    points = rng.normal(size=(40, 2))
    assert earth_movers(points, rng.permutation(points) + [3.0, 4.0]) == pytest.approx(5.0)
    assert earth_movers(a[:, None], b[:, None]) == pytest.approx(earth_movers(a, b))


def test_the_distance_grows_with_the_gap_where_js_stands_still():
    line = np.random.default_rng(2).normal(size=30)
    assert earth_movers(line, line + 7) == pytest.approx(7)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: jensen_shannon([0.5, 0.6], [0.5, 0.5]), "add up to 1"),
        (lambda: jensen_shannon([1.5, -0.5], [0.5, 0.5]), "not below zero"),
        (lambda: best_critic([0.5], [0.5, 0.5]), "same places"),
        (lambda: best_critic([float("nan")], [0.5]), "not below zero"),
        (lambda: earth_movers([1.0], [1.0, 2.0]), "equally large"),
        (lambda: earth_movers([1.0], [float("nan")]), "not finite"),
    ],
)
def test_wrong_tables_and_points_are_named(call, says):
    with pytest.raises(ValueError, match=says):
        call()


def test_the_density_of_a_mixture_adds_up_to_one_and_its_samples_follow_it():
    mixture = Mixture(np.array([[-1.0], [2.0]]), 0.5)
    x = np.linspace(-6, 7, 4001)
    assert np.trapezoid(mixture.density(x[:, None]), x) == pytest.approx(1)
    assert mixture.density([[2.0]])[0] == pytest.approx(0.5 / (0.5 * math.sqrt(2 * math.pi)))
    drawn = mixture.sample(4000, np.random.default_rng(3))[:, 0]
    assert drawn.mean() == pytest.approx(0.5, abs=0.1)
    assert drawn.std() == pytest.approx(math.sqrt(0.25 + 2.25), abs=0.1)
