"""The ROC curve and the AUC: two roads to the same area, and sklearn as the witness."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from sklearn.metrics import roc_curve as sklearn_roc_curve

from course_lib.evaluation.roc import auc, roc_curve


@pytest.mark.parametrize("levels", [3, 10, 10_000], ids=["many ties", "some ties", "few ties"])
def test_curve_and_ranks_give_the_area_of_sklearn(levels):
    random = np.random.default_rng(levels)
    truth = random.random(500) < 0.3
    score = random.integers(levels, size=500) / levels + 0.2 * truth
    expected = roc_auc_score(truth, score)
    assert auc(truth, score) == pytest.approx(expected, abs=1e-12)
    assert roc_curve(truth, score).area() == pytest.approx(expected, abs=1e-12)


def test_points_are_those_of_sklearn():
    random = np.random.default_rng(1)
    truth = random.random(200) < 0.5
    score = random.integers(20, size=200).astype(float)
    curve = roc_curve(truth, score)
    fpr, tpr, threshold = sklearn_roc_curve(truth, score, drop_intermediate=False)
    np.testing.assert_allclose(curve.false_positive_rate, fpr)
    np.testing.assert_allclose(curve.true_positive_rate, tpr)
    np.testing.assert_array_equal(curve.threshold, threshold)


@pytest.mark.parametrize("most", [0.05, 0.2, 0.33, 1.0])
def test_partial_area_is_that_of_sklearn(most):
    """sklearn rescales it (McClish 1989), so that a guess has 0.5 and a perfect curve 1."""
    random = np.random.default_rng(4)
    truth = random.random(300) < 0.4
    score = random.integers(30, size=300) / 30 + 0.3 * truth
    part = roc_curve(truth, score).partial_area(most)
    rescaled = (1 + (part - most**2 / 2) / (most - most**2 / 2)) / 2
    expected = roc_auc_score(truth, score, max_fpr=most)
    assert (part if most == 1 else rescaled) == pytest.approx(expected, abs=1e-12)
    with pytest.raises(ValueError, match="to stop at"):
        roc_curve(truth, score).partial_area(0)


def test_area_counts_pairs_with_half_for_a_tie():
    truth = [1, 1, 0, 0, 0]
    score = [0.9, 0.4, 0.4, 0.1, 0.7]
    pairs = [(p, n) for p in (0.9, 0.4) for n in (0.4, 0.1, 0.7)]
    by_hand = sum(1.0 if p > n else 0.5 if p == n else 0.0 for p, n in pairs) / len(pairs)
    assert auc(truth, score) == by_hand == 0.75


@pytest.mark.parametrize("transform", [np.exp, np.arctan, lambda s: 3 * s + 7])
def test_area_depends_on_order_only(transform):
    random = np.random.default_rng(2)
    truth, score = random.random(100) < 0.4, random.normal(size=100)
    assert auc(truth, transform(score)) == auc(truth, score)
    assert auc(truth, -score) == pytest.approx(1 - auc(truth, score))


def test_extremes():
    assert auc([0, 0, 1, 1], [1, 2, 3, 4]) == 1
    assert auc([0, 0, 1, 1], [4, 3, 2, 1]) == 0
    assert auc([0, 1, 0, 1], [5, 5, 5, 5]) == 0.5


@pytest.mark.parametrize("only", [0, 1])
def test_one_class_is_undefined_never_a_number(only):
    assert np.isnan(auc([only] * 3, [0.1, 0.2, 0.3]))
    with pytest.raises(ValueError, match="with and without the finding"):
        roc_curve([only] * 3, [0.1, 0.2, 0.3])
    assert np.isnan(auc([], []))


def test_unknown_labels_are_left_out():
    truth, score = [1, 0, np.nan, 1, 0], [0.9, 0.1, 0.5, 0.3, 0.4]
    known = [1, 1, 0, 1, 1]
    assert auc(truth, score, known) == auc([1, 0, 1, 0], [0.9, 0.1, 0.3, 0.4])


@pytest.mark.parametrize(
    ("truth", "score", "message"),
    [
        ([0, 1, 2], [0, 1, 2], "only 0"),
        ([0, 1], [0.2, np.nan], "NaN or infinite"),
        ([0, 1], [0.2, np.inf], "NaN or infinite"),
        ([0, 1], [0.2, 0.3, 0.4], "one score per case"),
        ([[0, 1]], [[0.2, 0.3]], "one column"),
        ([0, np.nan], [0.2, 0.3], "mask the unknown"),
    ],
)
def test_mistakes_are_named(truth, score, message):
    with pytest.raises(ValueError, match=message):
        auc(truth, score)


def test_a_mask_of_the_wrong_length_is_refused():
    with pytest.raises(ValueError, match="mask of known labels"):
        auc([0, 1], [0.1, 0.2], known=[1])
