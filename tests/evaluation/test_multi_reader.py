"""Reader studies: the parts against DeLong, the tests against simulated studies of known truth."""

import numpy as np
import pytest

from course_lib.evaluation.delong import areas_and_covariance, delong
from course_lib.evaluation.multi_reader import reader_study
from course_lib.evaluation.multi_reader_power import pilot_of, power_of_study
from course_lib.evaluation.reader_simulation import ReaderModel, simulate_readings, true_area


def study(seed, aucs=(0.85, 0.85), readers=5, cases=40, model=None):
    random = np.random.default_rng(seed)
    return simulate_readings(aucs, readers, cases, cases, random, model)


def test_areas_and_covariances_are_delongs():
    truth, readings = study(1, readers=3)
    found = reader_study(truth, readings)
    for m in range(2):
        for r in range(3):
            assert found.areas[m, r] == pytest.approx(delong(truth, readings[m, r]).auc)
    _, full = areas_and_covariance(truth == 1, list(readings.reshape(6, -1)))
    c = found.covariances
    assert c.error == pytest.approx(np.diag(full).mean())
    assert c.cov1 == pytest.approx(np.mean([full[r, 3 + r] for r in range(3)]))
    same_method = [full[a, b] for a in range(6) for b in range(6) if a != b and a // 3 == b // 3]
    assert c.cov2 == pytest.approx(np.mean(same_method))
    assert c.cov3 == pytest.approx(
        np.mean([full[a, 3 + b] for a in range(3) for b in range(3) if a != b])
    )


def test_mean_squares_are_those_of_a_table():
    truth, readings = study(2, readers=4)
    found = reader_study(truth, readings)
    gain = found.areas[0] - found.areas[1]
    assert found.ms_interaction == pytest.approx(gain.var(ddof=1) / 2)
    assert found.ms_method == pytest.approx(4 * gain.mean() ** 2 / 2)
    assert found.difference(0, 1) == pytest.approx(gain.mean())


def test_fixed_cases_with_two_methods_are_a_paired_t_test():
    from scipy.stats import ttest_1samp

    truth, readings = study(3, aucs=(0.9, 0.8), readers=6)
    found = reader_study(truth, readings)
    expected = ttest_1samp(found.areas[0] - found.areas[1], 0)
    assert found.fixed_cases().statistic == pytest.approx(expected.statistic**2)
    assert found.fixed_cases().p_value == pytest.approx(expected.pvalue)


def test_the_interval_agrees_with_the_test():
    for seed in range(12):
        found = reader_study(*study(seed, aucs=(0.88, 0.8)))
        low, high = found.interval(0, 1)
        assert (found.random_readers().p_value < 0.05) == (not low <= 0 <= high)
        assert found.interval(1, 0) == pytest.approx((-high, -low))


def test_only_the_test_with_random_readers_keeps_its_promise():
    """Nothing to find: 5 false alarms in 100 with random readers; more if they are fixed."""
    random = np.random.default_rng(4)
    alarms = np.zeros(2)
    for _ in range(400):
        found = reader_study(*simulate_readings((0.85, 0.85), 5, 50, 50, random))
        alarms += [found.random_readers().p_value < 0.05, found.fixed_readers().p_value < 0.05]
    assert 0.025 < alarms[0] / 400 < 0.085
    assert alarms[1] / 400 > 0.09


def test_simulated_areas_have_the_true_mean():
    random = np.random.default_rng(5)
    model = ReaderModel(reader=0.3, reader_method=0.1)
    means = [
        reader_study(*simulate_readings((0.9, 0.8), 6, 40, 40, random, model)).areas.mean(axis=1)
        for _ in range(150)
    ]
    assert np.mean(means, axis=0) == pytest.approx(
        [true_area(0.9, model), true_area(0.8, model)], abs=0.012
    )


def test_more_readers_help_where_more_cases_no_longer_do():
    truth, readings = study(6, model=ReaderModel(reader_method=0.1))
    pilot = pilot_of(reader_study(truth, readings), truth.size)
    few, more_cases, more_readers = (
        power_of_study(pilot, 0.05, readers, cases)
        for readers, cases in ((4, 2000), (4, 200_000), (16, 2000))
    )
    assert more_cases < few + 0.1
    assert more_readers > few + 0.2
    assert power_of_study(pilot, 0.0, 6, 200) == pytest.approx(0.05, abs=1e-6)


def test_planned_power_is_what_simulated_studies_find():
    random, model = np.random.default_rng(7), ReaderModel(reader_method=0.005)
    effect = true_area(0.88, model) - true_area(0.8, model)
    found = [
        reader_study(*simulate_readings((0.88, 0.8), 6, 50, 50, random, model)) for _ in range(300)
    ]
    power = np.mean([one.random_readers().p_value < 0.05 for one in found])
    planned = np.mean([power_of_study(pilot_of(one, 100), effect, 6, 100) for one in found])
    assert planned == pytest.approx(power, abs=0.1)


def test_cases_that_only_one_method_read_are_independent():
    truth, readings = study(8)
    readings = readings.copy()
    readings[0, :, ::2], readings[1, :, 1::2] = np.nan, np.nan
    found = reader_study(truth, readings)
    assert found.covariances.cov1 == 0
    assert found.covariances.cov3 == 0
    assert found.covariances.cov2 > 0
    assert 0 < found.random_readers().p_value <= 1


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda t, r: (t[:-1], r), "one truth per case"),
        (lambda t, r: (t, r[:1]), "2 methods"),
        (lambda t, r: (t * 2, r), "only 0"),
        (lambda t, r: (np.r_[1, np.zeros(len(t) - 1, int)], r), "at least 2 cases"),
    ],
)
def test_misuse_is_named(change, word):
    with pytest.raises(ValueError, match=word):
        reader_study(*change(*study(9)))


def test_two_identical_methods_leave_nothing_to_test():
    truth, readings = study(10)
    same = reader_study(truth, np.stack([readings[0], readings[0]]))
    for test in (same.random_readers, same.fixed_readers, same.fixed_cases):
        with pytest.raises(ValueError, match="noise|variation|compare"):
            test()


def test_impossible_models_are_refused():
    with pytest.raises(ValueError, match="add up to 1"):
        ReaderModel(case=0.9)
