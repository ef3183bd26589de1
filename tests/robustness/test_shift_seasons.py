"""Seasons: other shares of the same films; and how much worse it got, with intervals."""

import numpy as np
import pytest

from course_lib.evaluation.intervals import newcombe_paired
from course_lib.robustness.shift_drop import drop, macro_auc, performance
from course_lib.robustness.shift_seasons import (
    FLU,
    check_probability,
    class_shares,
    draw_season,
    season_shares,
    whole_numbers,
)

CLASSES = np.repeat(np.arange(6), [60, 10, 10, 30, 10, 10])


def test_the_others_keep_their_proportions():
    usual = class_shares(CLASSES)
    winter = season_shares(usual, 0.5)
    assert winter[FLU] == 0.5 and winter.sum() == pytest.approx(1)
    others = np.arange(6) != FLU
    assert winter[others] / winter[0] == pytest.approx(usual[others] / usual[0])


def test_a_season_has_its_shares_and_no_film_twice():
    rows = draw_season(CLASSES, season_shares(class_shares(CLASSES), 0.5), seed=3)
    assert len(set(rows.tolist())) == len(rows) == 60
    assert (CLASSES[rows] == FLU).sum() == 30
    assert (rows == draw_season(CLASSES, season_shares(class_shares(CLASSES), 0.5), seed=3)).all()


def test_whole_numbers_keep_the_sum():
    assert whole_numbers(np.array([1.5, 1.5, 1.0])).sum() == 4
    assert whole_numbers(np.array([0.2, 0.3, 2.5])).tolist() == [0, 0, 3]


def test_drop_counts_only_changed_answers():
    truth = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    before = np.where(truth == 0, 0.2, 0.8)
    after = before.copy()
    after[:3] = 0.9  # three of the well are called ill now
    lost = drop(truth, *(np.column_stack([1 - p, p]) for p in (before, after)), rounds=100)
    assert lost.accuracy == pytest.approx(3 / 8)
    assert lost.accuracy_interval == newcombe_paired(5, 3, 0, 0)
    assert lost.p_value == pytest.approx(0.125)  # mid p of three coins: 2 (1/8) - 1/8
    assert lost.auc > 0 and lost.auc_interval.low >= 0


def test_nothing_changed_is_no_drop():
    p = np.random.default_rng(0).dirichlet(np.ones(3), 40)
    truth = np.arange(40) % 3
    lost = drop(truth, p, p, rounds=30)
    assert lost.accuracy == lost.auc == 0 and np.isnan(lost.p_value)


def test_performance_of_the_perfect_and_of_a_class_that_nobody_has():
    truth = np.array([0, 1, 0, 1, 0, 1])
    p = np.eye(3)[truth]
    assert macro_auc(truth, p) == 1.0
    found = performance(truth, p, rounds=30)
    assert found.accuracy == 1 and found.films == 6 and found.accuracy_interval.low < 0.7


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: class_shares([0, 7]), "from 0 to 5"),
        (lambda: class_shares([0.5]), "whole class number"),
        (lambda: season_shares([0.5, 0.6], 0.1, 1), "sum to 1"),
        (lambda: season_shares([0.5, 0.5], 1.1, 1), "between 0 and 1"),
        (lambda: draw_season(CLASSES, class_shares(CLASSES), 0, n=999), "at most 130"),
        (lambda: check_probability(np.array([[0.5, np.nan]])), "NaN"),
        (lambda: check_probability(np.array([[2.0, -1.0]])), "softmax"),
        (lambda: check_probability(np.array([[0.5, 0.6]])), "sum to 1"),
        (lambda: performance([0, 1, 0], np.eye(2)), "3 films but"),
    ],
)
def test_mistakes_are_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()
