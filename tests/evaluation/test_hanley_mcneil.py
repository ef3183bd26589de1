"""What a reader of a paper can compute from an AUC and two counts."""

import numpy as np
import pytest

from course_lib.evaluation.delong import compare_aucs
from course_lib.evaluation.hanley_mcneil import (
    PublishedAuc,
    area_correlation,
    compare_hanley_mcneil,
    compare_published,
    error_from_interval,
    hanley_mcneil_error,
)


def test_the_ct_example_of_1982():
    """Ratings of 58 normal and 51 abnormal CTs: the paper prints .893 and .032."""
    assert hanley_mcneil_error(0.8931710615, 51, 58) == pytest.approx(0.0324866, abs=5e-8)


def test_it_is_the_exact_variance_where_the_formula_is_exact():
    """A coin (AUC 0.5): the Mann-Whitney variance. A single pair: a Bernoulli variance."""
    assert hanley_mcneil_error(0.5, 30, 50) ** 2 == pytest.approx(81 / (12 * 30 * 50))
    assert hanley_mcneil_error(0.8, 1, 1) ** 2 == pytest.approx(0.16)


def test_more_cases_less_error_and_a_perfect_area_claims_nothing():
    errors = [hanley_mcneil_error(0.85, n, n) for n in (10, 40, 160)]
    assert errors[0] / errors[2] == pytest.approx(4, rel=0.05)
    perfect = PublishedAuc(1.0, 20, 30)
    assert perfect.standard_error == 0
    assert np.isnan(perfect.interval()).all()
    low, high = PublishedAuc(0.98, 10, 10).interval()
    assert 0.9 < low < 0.98
    assert high == 1.0


def test_error_behind_a_printed_interval():
    assert error_from_interval(0.8 - 1.959964 * 0.03, 0.8 + 1.959964 * 0.03) == pytest.approx(0.03)
    with pytest.raises(ValueError, match="low to high"):
        error_from_interval(0.9, 0.8)


def test_two_printed_areas():
    one, two = PublishedAuc(0.90, 50, 100), PublishedAuc(0.80, 60, 90)
    test = compare_published(one, two)
    assert test.standard_error == pytest.approx(np.hypot(one.standard_error, two.standard_error))
    assert test.z == pytest.approx(0.1 / test.standard_error)
    paired = compare_published(one, two, correlation=0.5)
    assert paired.z > test.z, "on the same patients the same difference weighs more"
    assert compare_published(one, one, correlation=1.0).p_value == 1
    with pytest.raises(ValueError, match="between -1 and 1"):
        compare_published(one, two, correlation=2)


def test_correlation_of_areas_is_a_little_less_than_that_of_scores():
    assert area_correlation(0.0, 0.8) == pytest.approx(0, abs=1e-12)
    assert area_correlation(1.0, 0.8) == pytest.approx(1)
    for auc in (0.7, 0.8, 0.9):
        assert 0.35 < area_correlation(0.5, auc) < 0.5
    assert area_correlation(0.5, 0.9) < area_correlation(0.5, 0.7)
    assert area_correlation(0.5, 0.8, 50) == pytest.approx(
        area_correlation(0.5, 0.8, 500), abs=0.01
    )


def test_the_method_of_1983_agrees_with_delong_on_bell_curves():
    random = np.random.default_rng(1)
    truth = np.repeat([0, 1], 300)
    common = random.normal(size=600) + 1.2 * truth
    first, second = common + random.normal(size=600), np.exp(common + random.normal(size=600))
    old, new = compare_hanley_mcneil(truth, first, second), compare_aucs(truth, first, second)
    assert old.difference == pytest.approx(new.difference)
    assert old.standard_error == pytest.approx(new.standard_error, rel=0.12)


@pytest.mark.parametrize("arguments", [(1.2, 10, 10), (-0.1, 10, 10), (0.8, 0, 10)])
def test_impossible_figures_are_refused(arguments):
    with pytest.raises(ValueError, match="not possible"):
        hanley_mcneil_error(*arguments)
