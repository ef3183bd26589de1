"""McNemar's test: the figures of other programs, and the level it claims."""

import numpy as np
import pytest
from scipy.stats import binom

from course_lib.evaluation.mcnemar import mcnemar, mcnemar_of_calls


def test_figures_that_r_gives():
    """Table [[101, 121], [59, 33]]: 121 against 59 discordant pairs."""
    test = mcnemar(121, 59)
    assert test.chi2_corrected == pytest.approx(20.67222, abs=5e-6)
    assert test.corrected == pytest.approx(5.450095e-6, rel=1e-6)
    assert test.chi2_plain == pytest.approx(21.35556, abs=5e-6)
    assert test.exact == pytest.approx(4.434449e-6, rel=1e-6)
    assert test.mid < test.exact < test.corrected


def test_statsmodels_agrees():
    tables = pytest.importorskip("statsmodels.stats.contingency_tables")
    for b, c in ((3, 11), (30, 18), (7, 7)):
        test, table = mcnemar(b, c), [[50, b], [c, 20]]
        assert test.exact == pytest.approx(tables.mcnemar(table, exact=True).pvalue)
        plain = tables.mcnemar(table, exact=False, correction=False)
        assert test.plain == pytest.approx(plain.pvalue)
        if b != c:  # at a tie there is nothing left to correct; we say 0, statsmodels 1 / n
            corrected = tables.mcnemar(table, exact=False, correction=True)
            assert test.chi2_corrected == pytest.approx(corrected.statistic)


def test_only_discordant_cases_count():
    truth = np.array([1, 1, 1, 1, 0, 0, 0, 0, 0])
    first = np.array([1, 1, 1, 0, 0, 0, 0, 1, 1])
    second = np.array([1, 0, 0, 0, 0, 1, 0, 1, 0])
    test = mcnemar_of_calls(truth, first, second)
    assert (test.only_first, test.only_second) == (3, 1)
    assert test == mcnemar(3, 1)
    swapped = mcnemar_of_calls(truth, second, first)
    assert (swapped.only_first, swapped.exact) == (1, test.exact)


def test_how_often_each_version_cries_wolf():
    """No difference, 20 to 60 discordant cases: the mid p comes closest to 5 %."""
    level = {"plain": [], "corrected": [], "exact": [], "mid": []}
    for cases in range(20, 61):
        tests = [mcnemar(b, cases - b) for b in range(cases + 1)]
        chance = binom.pmf(np.arange(cases + 1), cases, 0.5)
        for name, levels in level.items():
            levels.append(chance[[getattr(test, name) <= 0.05 for test in tests]].sum())
    assert max(level["exact"]) <= 0.05
    assert np.mean(level["corrected"]) <= np.mean(level["exact"]) < 0.04
    assert np.mean(level["exact"]) + 0.005 < np.mean(level["mid"]) < 0.05
    assert max(level["mid"]) < 0.07


def test_no_discordant_case_tells_nothing():
    nothing = mcnemar(0, 0)
    assert np.isnan([nothing.exact, nothing.mid, nothing.plain, nothing.chi2_corrected]).all()
    even = mcnemar(6, 6)
    assert (even.exact, even.mid, even.plain, even.corrected) == pytest.approx((1, 1, 1, 1))


def test_misuse_is_named():
    with pytest.raises(ValueError, match="negative"):
        mcnemar(-1, 3)
    with pytest.raises(ValueError, match="thresholds"):
        mcnemar_of_calls([0, 1], [0.2, 0.9], [0, 1])
    with pytest.raises(ValueError, match="same N cases"):
        mcnemar_of_calls([0, 1], [0, 1, 1], [0, 1])
