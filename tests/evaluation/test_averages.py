"""Many classes and many findings: against sklearn, and what is left out of an average."""

import numpy as np
import pytest
from sklearn import metrics

from course_lib.evaluation.averages import (
    average,
    confusion_by_label,
    confusion_matrix,
    multiclass_accuracy,
    multiclass_mcc,
    one_against_rest,
)


@pytest.fixture
def readings():
    random = np.random.default_rng(0)
    truth = random.choice(4, size=300, p=[0.5, 0.3, 0.15, 0.05])
    called = np.where(random.random(300) < 0.6, truth, random.integers(4, size=300))
    return truth, called


def test_matrix_is_that_of_sklearn(readings):
    truth, called = readings
    expected = metrics.confusion_matrix(truth, called)
    np.testing.assert_array_equal(confusion_matrix(truth, called), expected)
    assert multiclass_accuracy(expected) == metrics.accuracy_score(truth, called)
    assert multiclass_mcc(expected) == pytest.approx(metrics.matthews_corrcoef(truth, called))


@pytest.mark.parametrize("how", ["micro", "macro", "weighted"])
@pytest.mark.parametrize(
    ("rate", "peer"),
    [
        ("recall", metrics.recall_score),
        ("precision", metrics.precision_score),
        ("F1", metrics.f1_score),
    ],
)
def test_averages_are_those_of_sklearn(readings, how, rate, peer):
    counts = one_against_rest(confusion_matrix(*readings))
    assert average(counts, rate, how).value == pytest.approx(peer(*readings, average=how))


def test_many_labels_as_in_sklearn():
    random = np.random.default_rng(1)
    truth = random.random((200, 5)) < [0.5, 0.3, 0.2, 0.1, 0.05]
    score = random.random((200, 5)) + 0.5 * truth
    counts = confusion_by_label(truth, score, [0.5, 0.6, 0.7, 0.8, 0.9])
    called = score >= [0.5, 0.6, 0.7, 0.8, 0.9]
    for how in ("micro", "macro", "weighted"):
        expected = metrics.f1_score(truth, called, average=how)
        assert average(counts, "F1", how).value == pytest.approx(expected)
    unknown = np.ones((200, 5))
    unknown[50:, 2] = 0
    assert sum(vars(confusion_by_label(truth, score, 0.5, unknown)[2]).values()) == 50


def test_a_class_that_never_occurs_is_left_out_and_said():
    """sklearn takes its recall for 0, and the mean falls from 1 to 2/3 without any mistake."""
    matrix = confusion_matrix(["a", "b"], ["a", "b"], classes=["a", "b", "c"])
    found = average(one_against_rest(matrix), "recall", "macro")
    assert found == (1.0, 2, 1)
    assert metrics.recall_score(
        ["a", "b"], ["a", "b"], labels=["a", "b", "c"], average="macro", zero_division=0
    ) == pytest.approx(2 / 3)
    assert np.isnan(average([], "recall", "macro").value)


def test_mistakes_are_named():
    with pytest.raises(ValueError, match="not named: c"):
        confusion_matrix(["a", "c"], ["a", "b"], classes=["a", "b"])
    with pytest.raises(ValueError, match="one true and one called"):
        confusion_matrix([0, 1], [0])
    with pytest.raises(ValueError, match="square"):
        one_against_rest([[1, 2, 3]])
    with pytest.raises(ValueError, match="'micro', 'macro'"):
        average([], "recall", "mean")
    assert np.isnan(multiclass_mcc([[3, 2], [0, 0]]))
