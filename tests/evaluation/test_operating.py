"""Counts at a threshold and the choice of a threshold, against sklearn and brute force."""

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, f1_score

from course_lib.evaluation.operating import (
    Confusion,
    confusion,
    cost_threshold,
    f1_threshold,
    sensitivity_threshold,
    specificity_threshold,
    youden_threshold,
)


@pytest.fixture
def cases():
    random = np.random.default_rng(0)
    truth = random.random(300) < 0.2
    return truth, np.round(random.normal(size=300) + 1.2 * truth, 1)


def test_counts_are_those_of_sklearn(cases):
    truth, score = cases
    counts = confusion(truth, score, 0.5)
    tn, fp, fn, tp = confusion_matrix(truth, score >= 0.5).ravel()
    assert (counts.tp, counts.fp, counts.fn, counts.tn) == (tp, fp, fn, tn)
    assert counts.f1 == pytest.approx(f1_score(truth, score >= 0.5))


def test_worked_example():
    """The textbook classifier with 63 of 100 found and 28 of 100 false alarms."""
    counts = Confusion(tp=63, fp=28, fn=37, tn=72)
    assert (counts.sensitivity, counts.specificity) == (0.63, 0.72)
    assert counts.ppv == pytest.approx(63 / 91)
    assert counts.npv == pytest.approx(72 / 109)
    assert counts.accuracy == pytest.approx(0.675)
    assert counts.f1 == pytest.approx(2 * 63 / 191)


def test_a_share_of_nothing_is_undefined():
    empty = Confusion(tp=0, fp=0, fn=0, tn=5)
    assert np.isnan([empty.sensitivity, empty.ppv, empty.f1]).all()
    assert empty.specificity == empty.npv == 1


@pytest.mark.parametrize(
    ("choose", "merit"),
    [
        (youden_threshold, lambda c: c.sensitivity + c.specificity),
        (f1_threshold, lambda c: c.f1),
    ],
)
def test_no_threshold_is_better_than_the_chosen_one(cases, choose, merit):
    truth, score = cases
    chosen = merit(confusion(truth, score, choose(truth, score)))
    assert chosen == max(merit(confusion(truth, score, t)) for t in np.unique(score))


@pytest.mark.parametrize("target", [0.5, 0.9, 1.0])
def test_sensitivity_target_is_reached_by_the_highest_threshold(cases, target):
    truth, score = cases
    threshold = sensitivity_threshold(truth, score, target)
    assert confusion(truth, score, threshold).sensitivity >= target
    higher = np.unique(score)[np.unique(score) > threshold]
    assert all(confusion(truth, score, t).sensitivity < target for t in higher)


@pytest.mark.parametrize("target", [0.5, 0.9, 1.0])
def test_specificity_target_is_reached_by_the_lowest_threshold(cases, target):
    truth, score = cases
    threshold = specificity_threshold(truth, score, target)
    assert confusion(truth, score, threshold).specificity >= target
    lower = np.unique(score)[np.unique(score) < threshold]
    assert all(confusion(truth, score, t).specificity < target for t in lower)


@pytest.mark.parametrize(("cost", "prevalence"), [(1, 0.2), (50, 0.02), (5, 0.5)])
def test_no_threshold_costs_less_than_the_chosen_one(cases, cost, prevalence):
    truth, score = cases

    def price(threshold):
        c = confusion(truth, score, threshold)
        return cost * prevalence * (1 - c.sensitivity) + (1 - prevalence) * (1 - c.specificity)

    chosen = cost_threshold(truth, score, cost, prevalence)
    assert price(chosen) == min(price(t) for t in [*np.unique(score), np.inf])


def test_the_dearer_a_miss_the_lower_the_threshold(cases):
    thresholds = [cost_threshold(*cases, cost, 0.1) for cost in (0.1, 5, 50, 5000)]
    assert thresholds == sorted(thresholds, reverse=True) and thresholds[0] > thresholds[-1]


def test_impossible_targets_are_refused(cases):
    with pytest.raises(ValueError, match="specificity target"):
        specificity_threshold(*cases, 0)
    with pytest.raises(ValueError, match="more than 0 alarms"):
        cost_threshold(*cases, 0, 0.1)
    with pytest.raises(ValueError, match="between 0 and 1"):
        sensitivity_threshold(*cases, 1.2)
    with pytest.raises(ValueError, match="with and without"):
        f1_threshold([1, 1], [0.2, 0.4])
