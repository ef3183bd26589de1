"""The precision-recall curve against sklearn; and why straight lines between its points deceive."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score
from sklearn.metrics import precision_recall_curve as sklearn_curve

from course_lib.evaluation.precision_recall import average_precision, precision_recall_curve


@pytest.mark.parametrize("levels", [3, 10, 10_000], ids=["many ties", "some ties", "few ties"])
def test_as_in_sklearn(levels):
    random = np.random.default_rng(levels)
    truth = random.random(400) < 0.15
    score = random.integers(levels, size=400) / levels + 0.3 * truth
    expected = average_precision_score(truth, score)
    assert average_precision(truth, score) == pytest.approx(expected, abs=1e-12)
    curve = precision_recall_curve(truth, score)
    precision, recall, threshold = sklearn_curve(truth, score)
    np.testing.assert_allclose(curve.precision[::-1], precision[:-1])
    np.testing.assert_allclose(curve.recall[::-1], recall[:-1])
    np.testing.assert_array_equal(curve.threshold[::-1], threshold)


def test_straight_lines_flatter():
    """One threshold only: 10 ill of 1,000, 5 found among 10 calls. The line to recall 1 lies."""
    truth = np.repeat([1, 1, 0, 0], [5, 5, 5, 985])
    score = np.repeat([1.0, 0.0, 1.0, 0.0], [5, 5, 5, 985])
    curve = precision_recall_curve(truth, score)
    assert curve.average_precision() == pytest.approx(0.5 * 0.5 + 0.5 * 0.01)
    assert curve.trapezoid_area() == pytest.approx(0.5 * 0.5 + 0.5 * (0.5 + 0.01) / 2)
    # Truly, going on from there means calling the rest in random order.
    random = np.random.default_rng(0)
    shuffled = [
        average_precision(truth, score + noise * (score == 0))
        for noise in random.random((200, 1000)) / 2
    ]
    assert np.mean(shuffled) < 0.75 * curve.trapezoid_area()


def test_a_guess_has_the_prevalence():
    random = np.random.default_rng(0)
    truth = np.repeat([1, 0], [500, 9500])
    assert average_precision(truth, random.random(10_000)) == pytest.approx(0.05, abs=0.01)
    assert average_precision(truth, np.ones(10_000)) == 0.05
    assert precision_recall_curve(truth, random.random(10_000)).prevalence == 0.05


def test_it_changes_with_the_prevalence_where_the_roc_curve_does_not():
    random = np.random.default_rng(1)
    ill, healthy = random.normal(1.5, 1, 4000), random.normal(0, 1, 4000)
    half = average_precision(np.repeat([1, 0], 4000), np.concatenate([ill, healthy]))
    rare = average_precision(np.repeat([1, 0], [80, 4000]), np.concatenate([ill[:80], healthy]))
    assert half > 0.85 and rare < 0.4


def test_one_class_is_undefined():
    assert np.isnan(average_precision([1, 1], [0.1, 0.2]))
    with pytest.raises(ValueError, match="with and without"):
        precision_recall_curve([0, 0], [0.1, 0.2])
