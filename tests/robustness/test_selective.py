"""Selective prediction: the curve, its area, thresholds, and what silence is worth."""

import itertools

import numpy as np
import pytest

from course_lib.robustness.selective import Costs, area_interval, in_the_mix, risk_coverage

RIGHT = np.array([1, 1, 0, 1, 0])
SCORE = np.array([0.1, 0.2, 0.3, 0.4, 0.5])
rng = np.random.default_rng(2)


def test_worked_example():
    curve = risk_coverage(RIGHT, SCORE)
    assert curve.coverage.tolist() == [0, 0.2, 0.4, 0.6, 0.8, 1]
    assert curve.risk[1:].tolist() == [0, 0, 1 / 3, 0.25, 0.4]
    assert curve.area == pytest.approx((0 + 0 + 1 / 3 + 1 / 4 + 2 / 5) / 5)
    best = (0 + 0 + 0 + 1 / 4 + 2 / 5) / 5
    assert curve.excess == pytest.approx(curve.area - best)


def test_order_of_the_films_does_not_matter_and_only_ranks_do():
    right, score = rng.random(200) < 0.8, rng.normal(size=200)
    mixed = rng.permutation(200)
    area = risk_coverage(right, score).area
    assert risk_coverage(right[mixed], score[mixed]).area == pytest.approx(area)
    assert risk_coverage(right, np.exp(score)).area == pytest.approx(area)


def test_ties_count_as_the_mean_over_all_orders():
    right, score = np.array([1, 0, 1, 1, 0]), np.array([1, 2, 2, 2, 3])
    areas = []
    for order in itertools.permutations([1, 2, 3]):
        chosen = [0, *order, 4]
        areas.append(risk_coverage(right[chosen], np.arange(5)).area)
    assert risk_coverage(right, score).area == pytest.approx(np.mean(areas))


def test_a_perfect_score_has_no_excess_and_a_blind_one_the_error_rate():
    right = rng.random(500) < 0.7
    assert risk_coverage(right, ~right).excess == pytest.approx(0, abs=1e-12)
    blind = risk_coverage(right, np.zeros(500))
    assert blind.area == pytest.approx(1 - right.mean())


def test_operating_points():
    curve = risk_coverage(RIGHT, SCORE)
    point = curve.at_coverage(0.6)
    assert (point.threshold, point.answered, point.wrong) == (0.3, 3, 1)
    assert curve.at_coverage(0.55) == point
    assert curve.at_threshold(0.35).answered == 3 and curve.at_threshold(0.35).threshold == 0.35
    nothing = curve.at_threshold(-5)
    assert nothing.answered == 0 and np.isnan(nothing.risk)
    assert nothing.risk_interval == (0, 1)
    low, high = point.risk_interval
    assert low < point.risk < high


def test_cheapest_threshold_is_the_minimum_by_trial():
    right, score = rng.random(300) < 0.8, rng.normal(size=300)
    curve, costs = risk_coverage(right, score), Costs(wrong=10, silent=2)
    best = curve.cheapest(costs)
    trials = [
        (costs.wrong * (~right[score <= t]).sum() + costs.silent * (score > t).sum()) / 300
        for t in np.append(score, -np.inf)
    ]
    assert best.cost(costs) == pytest.approx(min(trials)) == pytest.approx(curve.cost(costs).min())


def test_chow_is_right_for_probabilities_that_mean_what_they_say():
    confidence = rng.uniform(0.3, 1, 200_000)
    right = rng.random(200_000) < confidence
    costs = Costs(wrong=5, silent=1)
    assert costs.least_confidence == pytest.approx(0.8)
    best = risk_coverage(right, -confidence).cheapest(costs)
    assert -best.threshold == pytest.approx(0.8, abs=0.03)


def test_extreme_costs():
    curve = risk_coverage(RIGHT, SCORE)
    assert curve.cheapest(Costs(1, 0)).wrong == 0  # silence for nothing: no error at all
    assert curve.cheapest(Costs(1, 5)).answered == 5  # silence dearer than an error: answer all
    assert Costs(1, 5).least_confidence == 0


def test_unknown_films_are_wrong_whatever_is_answered():
    right, score = in_the_mix(np.ones(90), np.zeros(90), [5.0, 6.0], share=0.1)
    assert len(right) == 100 and right.sum() == 90 and set(score[90:]) == {5.0, 6.0}
    assert (in_the_mix(np.ones(90), np.zeros(90), [1.0, 2], 0.1, 3)[1]
            == in_the_mix(np.ones(90), np.zeros(90), [1.0, 2], 0.1, 3)[1]).all()  # fmt: skip


def test_interval_holds_the_area_of_the_population():
    inside = 0
    for seed in range(20):
        r = np.random.default_rng(seed)
        confidence = r.random(200)
        right = r.random(200) < confidence
        low, high = area_interval(right, -confidence, rounds=100, seed=seed)
        inside += low < 0.25 < high  # risk at coverage c is c/2: the mean over c is 1/4
    assert inside >= 16


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: risk_coverage(RIGHT, SCORE[:-1]), "one score for each"),
        (lambda: risk_coverage([], []), "one score for each"),
        (lambda: risk_coverage([0, 2], [1, 2]), "right .* or wrong"),
        (lambda: risk_coverage(RIGHT, SCORE * np.nan), "NaN"),
        (lambda: risk_coverage(RIGHT, SCORE).at_coverage(0), "Coverage"),
        (lambda: Costs(0, 1), "positive"),
        (lambda: Costs(1, -1), "Silence"),
        (lambda: in_the_mix(RIGHT, SCORE, [1.0], 1.0), "share"),
        (lambda: in_the_mix(RIGHT, SCORE, [], 0.1), "finite"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
