"""Two AUCs from different patients, one sample judged by all patients, and what may not be done."""

import numpy as np
import pytest
from scipy.stats import norm

from course_lib.evaluation.area_variance import separation
from course_lib.evaluation.delong import (
    areas_and_covariance,
    compare_aucs,
    compare_unpaired,
    delong,
)


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


def test_no_spread_is_no_certainty():
    """Two films each way, one score perfect, the other always wrong: nothing can be claimed."""
    test = compare_aucs([0, 0, 1, 1], [1, 2, 3, 4], [4, 3, 2, 1])
    assert (test.difference, test.standard_error) == (1, 0)
    assert np.isnan([test.z, test.p_value]).all()


def test_films_of_patients_who_return():
    """AUC exactly 0.8; scores of a patient alike: counting films, far too many intervals miss."""
    random = np.random.default_rng(6)
    covered = np.zeros(2)
    for _ in range(300):
        ill = random.random(200) < 0.3
        who = np.repeat(np.arange(200), random.geometric(0.3, size=200))
        score = np.sqrt(0.6) * random.normal(size=200)[who] + np.sqrt(0.4) * random.normal(
            size=who.size
        )
        score += separation(0.8) * ill[who]
        naive, clustered = (delong(ill[who], score, patients=p).interval for p in (None, who))
        covered += [naive.low < 0.8 < naive.high, clustered.low < 0.8 < clustered.high]
    assert covered[0] / 300 < 0.8
    assert 0.9 < covered[1] / 300 < 0.98


def test_a_patient_wise_comparison_keeps_its_level():
    """Two equally good scores on films that come in series of five: 5 false alarms in 100."""
    random = np.random.default_rng(7)
    alarms = np.zeros(2)
    for _ in range(300):
        who = np.repeat(np.arange(60), 5)
        ill = np.repeat(np.arange(60) % 2, 5)
        first, second = (1.2 * ill + random.normal(size=60)[who] for _ in range(2))
        first, second = (s + 0.5 * random.normal(size=300) for s in (first, second))
        for k, patients in enumerate((None, who)):
            alarms[k] += compare_aucs(ill, first, second, patients=patients).p_value < 0.05
    assert alarms[0] / 300 > 0.2
    assert 0.02 < alarms[1] / 300 < 0.1
