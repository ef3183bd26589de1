"""Two AUCs from different patients, one sample judged by all patients, and what may not be done."""

import numpy as np
import pytest
from scipy.stats import norm

from course_lib.evaluation.delong import areas_and_covariance, compare_unpaired, delong


def sample(random, n, shift):
    truth = np.repeat([0, 1], [n, n])
    return truth, random.normal(size=2 * n) + shift * truth


def test_variances_of_independent_samples_add():
    random = np.random.default_rng(1)
    first, second = (delong(*sample(random, 60, shift)) for shift in (1.5, 1.0))
    test = compare_unpaired(first, second)
    assert test.difference == pytest.approx(first.auc - second.auc)
    assert test.standard_error == pytest.approx(
        np.hypot(first.standard_error, second.standard_error)
    )
    assert test.z == pytest.approx(test.difference / test.standard_error)
    assert test.p_value > 2 * norm.sf(abs(test.z)), "Student's t has the wider tails"
    assert test.interval.low < test.difference < test.interval.high


def test_it_cries_wolf_as_often_as_it_says():
    """No difference in truth: p < 0.05 in about 5 of 100 studies."""
    random = np.random.default_rng(2)
    alarms = sum(
        compare_unpaired(delong(*sample(random, 40, 1)), delong(*sample(random, 40, 1))).p_value
        < 0.05
        for _ in range(600)
    )
    assert 0.03 < alarms / 600 < 0.075


def test_units_are_patients_not_films():
    truth, score = sample(np.random.default_rng(3), 20, 1)
    patients = np.arange(40) // 2
    assert delong(truth, score).units == 40
    assert delong(truth, score, patients=patients).units == 20
    known = np.arange(40) < 30
    assert delong(truth, score, known, patients).units == 15


def test_an_undefined_area_cannot_be_compared():
    fine = delong(*sample(np.random.default_rng(4), 20, 1))
    with pytest.raises(ValueError, match="undefined"):
        compare_unpaired(fine, delong([1, 1], [0.2, 0.3]))


def test_covariance_of_many_scores_is_that_of_each_pair():
    random = np.random.default_rng(5)
    truth, base = sample(random, 50, 1)
    scores = [base + 0.5 * random.normal(size=100) for _ in range(4)]
    areas, covariance = areas_and_covariance(truth == 1, scores)
    for a in range(4):
        assert covariance[a, a] ** 0.5 == pytest.approx(delong(truth, scores[a]).standard_error)
        _, pair = areas_and_covariance(truth == 1, [scores[0], scores[a]])
        assert covariance[0, a] == pytest.approx(pair[0, 1])
    assert (np.linalg.eigvalsh(covariance) > -1e-15).all()
    assert areas.shape == (4,)
