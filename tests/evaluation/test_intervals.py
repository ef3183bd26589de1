"""Wilson's interval against Newcombe's published table; the bootstrap against theory."""

import numpy as np
import pytest

from course_lib.evaluation.delong import delong
from course_lib.evaluation.intervals import bootstrap, wilson
from course_lib.evaluation.roc import auc


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_gives_newcombes_table(successes, trials, low, high):
    """Newcombe, Statistics in Medicine 1998;17:857, Table I, method 3."""
    assert wilson(successes, trials) == pytest.approx((low, high), abs=5e-5)


def test_wilson_is_symmetric_and_stays_inside():
    low, high = wilson(3, 10)
    assert wilson(7, 10) == pytest.approx((1 - high, 1 - low))
    assert wilson(20, 20).high == 1
    assert wilson(5, 10, level=0.99).low < wilson(5, 10).low


@pytest.mark.parametrize(("successes", "trials"), [(1, 0), (-1, 5), (6, 5)])
def test_wilson_refuses_what_is_no_proportion(successes, trials):
    with pytest.raises(ValueError, match="not a proportion"):
        wilson(successes, trials)


def test_bootstrap_of_a_mean_is_two_standard_errors_wide():
    values = np.random.default_rng(0).normal(10, 3, size=400)
    low, high = bootstrap(np.mean, values, rounds=2000, seed=1)
    error = values.std() / 20
    assert low == pytest.approx(values.mean() - 1.96 * error, abs=0.15 * error)
    assert high == pytest.approx(values.mean() + 1.96 * error, abs=0.15 * error)


def test_bootstrap_agrees_with_delong():
    random = np.random.default_rng(3)
    truth = np.repeat([0, 1], [200, 100])
    score = random.normal(size=300) + truth
    assert bootstrap(auc, truth, score, seed=1) == pytest.approx(
        tuple(delong(truth, score).interval), abs=0.012
    )


def test_patients_are_the_unit():
    """Nine copies of every case narrow a naive interval three times; by patient they do not."""
    values = np.random.default_rng(5).normal(size=100)
    copies = np.repeat(np.arange(100), 9)
    once = np.ptp(bootstrap(np.mean, values))
    naive = np.ptp(bootstrap(np.mean, values[copies]))
    by_patient = np.ptp(bootstrap(np.mean, values[copies], patients=copies))
    assert naive == pytest.approx(once / 3, rel=0.15)
    assert by_patient == pytest.approx(once, rel=1e-9)


def test_same_seed_same_interval():
    values = np.random.default_rng(5).normal(size=50)
    assert bootstrap(np.mean, values, seed=4) == bootstrap(np.mean, values, seed=4)
    assert bootstrap(np.mean, values, seed=4) != bootstrap(np.mean, values, seed=5)


def test_too_few_cases_is_said():
    with pytest.raises(ValueError, match="undefined in"):
        bootstrap(lambda x: float("nan"), np.arange(5.0))
    with pytest.raises(ValueError, match="equal length"):
        bootstrap(np.mean, [])
