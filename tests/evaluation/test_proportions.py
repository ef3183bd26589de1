"""Intervals of proportions and their differences: published tables, statsmodels, coverage."""

import numpy as np
import pytest
from scipy.stats import binom

from course_lib.evaluation.intervals import (
    bootstrap,
    clopper_pearson,
    newcombe,
    newcombe_paired,
    wald,
    wilson,
)


@pytest.mark.parametrize(("hits", "n"), [(0, 20), (1, 29), (15, 148), (81, 263), (20, 20)])
def test_as_in_statsmodels(hits, n):
    peer = pytest.importorskip("statsmodels.stats.proportion")
    for ours, name in ((wilson, "wilson"), (clopper_pearson, "beta")):
        for level in (0.9, 0.95):
            expected = peer.proportion_confint(hits, n, alpha=1 - level, method=name)
            assert ours(hits, n, level) == pytest.approx(expected, abs=1e-12)
    low, high = peer.proportion_confint(hits, n, method="normal")
    assert np.clip(wald(hits, n), 0, 1) == pytest.approx([low, high], abs=1e-12)


def test_none_of_twenty_missed():
    assert clopper_pearson(0, 20).high == pytest.approx(0.1684, abs=5e-5)
    assert wilson(0, 20).high == pytest.approx(0.1611, abs=5e-5)
    assert np.ptp(wald(0, 20)) == 0


def coverage(interval, n, p):
    """Chance that the interval holds p: the sum over all outcomes of n trials, exactly."""
    hits = np.arange(n + 1)
    held = [low <= p <= high for low, high in (interval(int(k), n) for k in hits)]
    return float(binom.pmf(hits, n, p) @ np.array(held))


@pytest.mark.parametrize("p", [0.02, 0.05, 0.3, 0.5, 0.9, 0.97])
def test_clopper_pearson_never_promises_too_much(p):
    for n in (10, 40):
        assert coverage(clopper_pearson, n, p) >= 0.95
        assert coverage(wilson, n, p) > 0.87


def test_the_textbook_interval_does():
    assert coverage(wald, 20, 0.05) < 0.66
    assert coverage(wilson, 20, 0.05) > 0.9


def test_newcombes_difference():
    """56/70 - 48/80, Statistics in Medicine 1998;17:873, table II, method 10; and statsmodels."""
    assert newcombe(56, 70, 48, 80) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    peer = pytest.importorskip("statsmodels.stats.proportion")
    for four in ((9, 10, 3, 10), (0, 20, 1, 30), (56, 70, 48, 80)):
        expected = peer.confint_proportions_2indep(*four, method="newcomb", compare="diff")
        assert newcombe(*four) == pytest.approx(expected, abs=1e-12)


def test_paired_difference_uses_the_pairing():
    """Two readers who mostly agree differ with far more certainty than the margins tell."""
    low, high = newcombe_paired(both=36, only_first=12, only_second=2, neither=50)
    assert low < 0.10 < high
    assert high - low < 0.75 * np.ptp(newcombe(48, 100, 38, 100))
    mirrored = newcombe_paired(both=36, only_first=2, only_second=12, neither=50)
    assert mirrored == pytest.approx((-high, -low))
    # Without correlation it is the interval for different cases.
    assert newcombe_paired(25, 25, 25, 25) == pytest.approx(newcombe(50, 100, 50, 100))
    with pytest.raises(ValueError, match="four counts"):
        newcombe_paired(0, 0, 0, 0)


def test_paired_difference_holds_the_truth():
    chances = np.array([0.5, 0.2, 0.08, 0.22])
    studies = np.random.default_rng(0).multinomial(80, chances, size=1500)
    held = [low <= 0.12 <= high for low, high in (newcombe_paired(*map(int, s)) for s in studies)]
    assert 0.935 <= np.mean(held) <= 0.975


def test_bootstrap_claims_no_certainty_from_cases_without_variation():
    assert np.isnan(bootstrap(np.mean, np.ones(20))).all()
    with pytest.raises(ValueError, match="one patient for each"):
        bootstrap(np.mean, np.arange(4.0), patients=[1, 1, 2])


def test_two_thousand_resamples_with_a_bar_give_what_they_give_without():
    values = np.random.default_rng(0).normal(size=300)
    shown = bootstrap(np.median, values, rounds=2000, progress=True)
    assert shown == bootstrap(np.median, values, rounds=2000)


@pytest.mark.parametrize("level", [0, 1, 95])
def test_levels_are_shares(level):
    with pytest.raises(ValueError, match="between 0 and 1"):
        wilson(3, 10, level)
