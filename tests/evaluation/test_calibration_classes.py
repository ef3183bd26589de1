"""Calibration of several classes: worked examples, identities that hold for any data, bad input."""

import numpy as np
import pytest

from course_lib.evaluation.calibration import brier, calibration_error
from course_lib.evaluation.calibration_classes import (
    classwise_errors,
    confidence_error,
    confidence_reliability,
    errors_by_choice,
    ks_error,
    overconfidence,
    right_and_confidence,
)
from course_lib.evaluation.calibration_inputs import softmax
from course_lib.evaluation.calibration_scores import (
    brier_classes,
    brier_classes_parts,
    log_loss,
)


@pytest.fixture
def some():
    """400 cases of 4 classes whose logits are twice what they should be."""
    random = np.random.default_rng(1)
    z = random.normal(size=(400, 4)) * 2
    p = softmax(z / 2)
    y = (random.random((400, 1)) > p.cumsum(1)).sum(1)
    return y, softmax(z)


def as_two_classes(confidence, right):
    """Answers with these confidences (above or below a half) as two-column probabilities."""
    p = np.stack([confidence, 1 - confidence], 1)
    return np.where(right, p.argmax(1), p.argmin(1)), p


def test_the_worked_example_has_an_error_of_0_107():
    """Ten cases in five bins; netcal gives the same number."""
    confidence = np.array([0.95, 0.92, 0.88, 0.85, 0.75, 0.72, 0.65, 0.55, 0.45, 0.35])
    right = np.array([1, 1, 1, 0, 1, 0, 1, 0, 1, 0])
    p = np.concatenate([confidence[:, None], np.repeat((1 - confidence[:, None]) / 3, 3, 1)], 1)
    y = np.where(right, 0, 1)
    assert confidence_error(y, p, bins=5) == pytest.approx(0.107, abs=1e-12)
    assert calibration_error(right, confidence, bins=5) == pytest.approx(0.107, abs=1e-12)


def test_ks_is_found_without_bins():
    """Three cases by hand: running sums of confidence minus right, the largest one over 3."""
    y, p = as_two_classes(np.array([0.6, 0.8, 0.9]), np.array([False, True, True]))
    assert ks_error(y, p) == pytest.approx(0.6 / 3)
    # Equal confidences belong together: their order must not matter.
    y, p = as_two_classes(np.array([0.6, 0.6]), np.array([False, True]))
    assert ks_error(y, p) == pytest.approx(0.2 / 2)


def test_ks_is_the_overconfidence_where_every_answer_is_wrong(some):
    _, p = some
    y = p.argmin(1)
    assert ks_error(y, p) == pytest.approx(overconfidence(y, p))
    assert confidence_error(y, p) == pytest.approx(overconfidence(y, p))


def test_errors_of_a_doubled_logit_are_seen_by_every_measure(some):
    y, p = some
    assert overconfidence(y, p) > 0.1
    assert min(errors_by_choice(y, p).values()) > 0.1
    assert ks_error(y, p) > 0.1
    assert classwise_errors(y, p).min() > 0.03


@pytest.mark.parametrize("by", ["width", "mass"])
@pytest.mark.parametrize("norm", ["l1", "l2", "max"])
def test_the_quick_way_equals_the_one_with_intervals(some, by, norm):
    y, p = some
    right, confidence = right_and_confidence(y, p)
    for bins in (1, 7, 30):
        slow = calibration_error(right, confidence, bins, by, norm)
        assert confidence_error(y, p, bins, by, norm) == pytest.approx(slow, abs=1e-12)
        slow = calibration_error(y == 1, p[:, 1], bins, by, norm)
        assert classwise_errors(y, p, bins, by, norm)[1] == pytest.approx(slow, abs=1e-12)


def test_no_choice_of_bins_is_below_the_overconfidence(some):
    """The gap of the whole is at most the sum of the bins' gaps (triangle inequality)."""
    y, p = some
    assert min(errors_by_choice(y, p).values()) >= abs(overconfidence(y, p)) - 1e-12
    assert ks_error(y, p) >= abs(overconfidence(y, p)) - 1e-12


def test_bins_that_lie_within_others_never_have_a_smaller_error(some):
    y, p = some
    errors = [confidence_error(y, p, bins) for bins in (1, 5, 10, 20, 40)]
    assert np.all(np.diff(errors) >= -1e-12)


def test_reliability_counts_every_case_once(some):
    y, p = some
    for by in ("width", "mass"):
        assert sum(point.cases for point in confidence_reliability(y, p, 12, by)) == len(y)


def test_renaming_the_classes_changes_nothing(some):
    y, p = some
    order = np.array([2, 0, 3, 1])
    place = np.argsort(order)
    for measure in (confidence_error, ks_error, brier_classes, log_loss):
        assert measure(place[y], p[:, order]) == pytest.approx(measure(y, p))
    assert classwise_errors(place[y], p[:, order]) == pytest.approx(classwise_errors(y, p)[order])


@pytest.mark.parametrize("bins", [1, 3, 10, 50])
@pytest.mark.parametrize("by", ["width", "mass"])
def test_the_five_parts_make_up_the_brier_score_exactly(some, bins, by):
    y, p = some
    parts = brier_classes_parts(y, p, bins, by)
    assert parts.brier == pytest.approx(brier_classes(y, p), abs=1e-12)
    assert parts.uncertainty == pytest.approx(1 - (np.bincount(y) ** 2).sum() / len(y) ** 2)


def test_murphys_three_parts_leave_something_out(some):
    y, p = some
    parts = brier_classes_parts(y, p, 5)
    three = parts.reliability - parts.resolution + parts.uncertainty
    assert abs(three - brier_classes(y, p)) > 1e-3


def test_with_two_classes_the_score_is_twice_the_usual_one():
    random = np.random.default_rng(2)
    q, y = random.random(50), random.integers(0, 2, 50)
    assert brier_classes(y, np.stack([1 - q, q], 1)) == pytest.approx(2 * brier(y, q))


def test_proper_scores_have_known_values():
    same = np.full((6, 3), 1 / 3)
    y = [0, 1, 2, 0, 1, 2]
    assert log_loss(y, same) == pytest.approx(np.log(3))
    assert brier_classes(y, same) == pytest.approx(2 / 3)
    assert confidence_error(y, same) == pytest.approx(0, abs=1e-12)  # useless, and calibrated
    assert log_loss([1], [[1.0, 0.0]]) == np.inf
    assert brier_classes([1], [[1.0, 0.0]]) == 2


def test_of_equal_probabilities_the_first_class_is_the_answer():
    right, confidence = right_and_confidence([0, 1], [[0.5, 0.5], [0.5, 0.5]])
    assert right.tolist() == [True, False]
    assert confidence.tolist() == [0.5, 0.5]


@pytest.mark.parametrize(
    ("classes", "probability", "says"),
    [
        ([0], [[0.7, 0.7]], "sum to 1"),
        ([0], [[1.5, -0.5]], "between 0 and 1"),
        ([0], [[np.nan, 1.0]], "NaN"),
        ([0, 1], [[0.5, 0.5]], "one per case"),
        ([2], [[0.5, 0.5]], "from 0 to 1"),
        ([-1], [[0.5, 0.5]], "from 0 to 1"),
        ([0.5], [[0.5, 0.5]], "whole numbers"),
        ([0], [0.5], "table"),
        ([], np.zeros((0, 2)), "at least one case"),
    ],
)
def test_bad_input_is_named(classes, probability, says):
    for measure in (confidence_error, classwise_errors, ks_error, brier_classes, log_loss):
        with pytest.raises(ValueError, match=says):
            measure(classes, probability)
