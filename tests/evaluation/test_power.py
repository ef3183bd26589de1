"""Planning: power and sample sizes against simulation, published tables and common sense."""

import numpy as np
import pytest
from scipy.stats import binom

from course_lib.evaluation.area_variance import separation
from course_lib.evaluation.delong import compare_aucs
from course_lib.evaluation.power import (
    cases_for,
    cases_for_proportion,
    cases_for_width,
    power_of_auc,
    power_of_difference,
    power_of_non_inferiority,
    power_of_proportion,
    to_screen,
)


def test_power_of_one_area_as_in_proc():
    """R's pROC (Obuchowski's approximation): 0.9897 for AUC 0.73, 41 and 72 cases."""
    assert power_of_auc(0.73, 41, 72) == pytest.approx(0.9897, abs=0.004)
    assert tuple(cases_for(lambda p, n: power_of_auc(0.7313686, p, n), 0.95, 1.7)) == (29, 50)


# Obuchowski, Clin Chem 2004;50:1118, Table 4: cases with the finding for power 0.9, one-sided
# 5 %, and (last) as many without. Her variance is an approximation, ours exact: a few per cent.
@pytest.mark.parametrize(("auc", "cases"), [(0.6, 135), (0.7, 33), (0.8, 14)])
def test_sample_sizes_of_obuchowski_2004(auc, cases):
    found = cases_for(lambda p, n: power_of_auc(auc, p, n, alpha=0.1), 0.9)
    assert found.positives == pytest.approx(cases, rel=0.06, abs=1)


def test_power_of_a_paired_difference_is_what_simulated_studies_find():
    n, r, random = 70, 0.5, np.random.default_rng(1)
    truth = np.repeat([1, 0], n)
    found = 0
    for _ in range(400):
        common = np.sqrt(r) * random.normal(size=2 * n)
        one, two = (
            common + np.sqrt(1 - r) * random.normal(size=2 * n) + separation(auc) * truth
            for auc in (0.88, 0.78)
        )
        found += compare_aucs(truth, one, two).p_value < 0.05
    assert found / 400 == pytest.approx(power_of_difference(0.88, 0.78, n, n, r), abs=0.06)


def test_pairing_saves_cases():
    paired = cases_for(lambda p, n: power_of_difference(0.85, 0.80, p, n, correlation=0.5))
    unpaired = cases_for(lambda p, n: power_of_difference(0.85, 0.80, p, n))
    assert paired.positives < 0.6 * unpaired.positives
    zero = power_of_difference(0.85, 0.80, 50, 50, correlation=0.0)
    assert zero == pytest.approx(power_of_difference(0.85, 0.80, 50, 50))


def test_a_sample_is_the_smallest_that_suffices():
    def power(p, n):
        return power_of_difference(0.9, 0.8, p, n, 0.4)

    sample = cases_for(power, 0.8, negatives_per_positive=3)
    assert sample.negatives == 3 * sample.positives
    assert power(*sample) >= 0.8 > power(sample.positives - 1, 3 * (sample.positives - 1))


def test_non_inferiority():
    """Equally good, margin 0.05: as hard to show as a difference of 0.05 with a one-sided test."""
    wide, narrow = (
        cases_for(lambda p, n, m=m: power_of_non_inferiority(0.9, 0.9, m, p, n, 0.6))
        for m in (0.05, 0.025)
    )
    assert narrow.positives / wide.positives == pytest.approx(4, rel=0.1)
    assert power_of_non_inferiority(0.85, 0.90, 0.05, 300, 300, 0.6) == pytest.approx(0.025)
    with pytest.raises(ValueError, match="margin"):
        power_of_non_inferiority(0.9, 0.9, 0, 50, 50)


def test_power_of_a_sensitivity_is_binomial():
    """20 cases, minimum 0.7: 18 right could be luck (3.5 %), 19 hardly (0.8 %)."""
    assert power_of_proportion(0.95, 0.7, 20) == pytest.approx(binom.sf(18, 20, 0.95))
    cases = cases_for_proportion(0.95, 0.85)
    assert power_of_proportion(0.95, 0.85, cases) >= 0.8
    later = [power_of_proportion(0.95, 0.85, n) for n in range(cases, 3 * cases)]
    assert min(later) >= 0.8, "from here on more cases never hurt"
    assert power_of_proportion(0.95, 0.85, cases - 1) < 0.8
    with pytest.raises(ValueError, match="above the minimum"):
        power_of_proportion(0.8, 0.9, 50)


def test_cases_for_an_interval_of_a_given_width():
    cases = cases_for_width(0.9, 0.05)
    assert 130 < cases < 150
    assert cases_for_width(0.9, 0.025) == pytest.approx(4 * cases, rel=0.05)


def test_prevalence_decides_how_many_to_screen():
    assert to_screen(100, 0.05) == 2000
    with pytest.raises(ValueError, match="Prevalence"):
        to_screen(100, 0)


def test_no_difference_cannot_be_shown():
    with pytest.raises(ValueError, match="too small"):
        cases_for(lambda p, n: power_of_difference(0.8, 0.8, p, n, 0.5))
