"""Combining predictions: a weighted sum of logits, better than each alone if fitted honestly."""

import numpy as np
import pytest

from course_lib.evaluation.roc import auc
from course_lib.learning.combination import Combination, fit_combination


def independent_scores(cases=4000, shifts=(1.0, 2.0, 0.0), seed=0):
    rng = np.random.default_rng(seed)
    truth = rng.random(cases) < 0.5
    return rng.normal(size=(cases, 3)) + truth[:, None] * np.array(shifts), truth


def test_weights_are_those_of_bell_curves():
    """For unit normal scores shifted by d the log odds are d * score: the weights must be d."""
    scores, truth = independent_scores(40000)
    combined = fit_combination(scores, truth, strength=100)
    np.testing.assert_allclose(combined.weights, [1, 2, 0], atol=0.08)
    assert abs(combined.bias + (1 + 4) / 2) < 0.1  # - sum d^2 / 2 at equal frequency


def test_together_they_know_more():
    scores, truth = independent_scores()
    fresh, answer = independent_scores(seed=1)
    combined = fit_combination(scores, truth).probability(fresh)
    assert auc(answer, combined) > max(auc(answer, fresh[:, k]) for k in range(3)) + 0.01
    assert combined.min() > 0 and combined.max() < 1


def test_fitted_on_training_predictions_a_memoriser_wins():
    scores, truth = independent_scores(400)
    learned = scores.copy()
    learned[:, 2] = 6 * truth - 3  # knows the training cases by heart, and nothing else
    fresh, answer = independent_scores(seed=2)
    fooled = fit_combination(learned, truth, 100).logit(fresh * [1, 1, 3])
    honest = fit_combination(scores, truth, 100).logit(fresh)
    assert auc(answer, honest) > auc(answer, fooled) + 0.15


def test_units_of_the_scores_do_not_matter():
    scores, truth = independent_scores(500)
    one, other = fit_combination(scores, truth), fit_combination(scores * [1, 10, 0.1] + 5, truth)
    np.testing.assert_allclose(
        one.logit(scores), other.logit(scores * [1, 10, 0.1] + 5), rtol=1e-3, atol=1e-3
    )


def test_a_network_that_never_commits_itself_has_a_small_say_on_the_logit_scale():
    scores, truth = independent_scores(200)
    timid = scores * [1, 1, 1e-3]
    change = {
        how: np.std(fit_combination(timid, truth, standardise=how).weights[2] * timid[:, 2])
        for how in (True, False)
    }
    assert change[False] < 0.01 * max(change[True], 0.01) + 1e-4


def test_errors_say_what_is_wrong():
    scores, truth = independent_scores(20)
    with pytest.raises(ValueError, match="with and without"):
        fit_combination(scores, np.ones(20))
    with pytest.raises(ValueError, match="NaN"):
        fit_combination(np.full((20, 3), np.nan), truth)
    with pytest.raises(ValueError, match="3 scores per case"):
        Combination(np.ones(3), 0.0).logit(scores[:, :2])
