"""Intervals of rates: against statsmodels, and by how often they hold the truth."""

from math import inf, isnan

import numpy as np
import pytest

from course_lib.evaluation.operating import Confusion
from course_lib.evaluation.rate_intervals import rate_interval, rates_table
from course_lib.evaluation.rates import RATES, value

COUNTS = Confusion(tp=20, fn=10, fp=180, tn=1820)


def test_odds_ratio_as_in_statsmodels():
    tables = pytest.importorskip("statsmodels.stats.contingency_tables")
    peer = tables.Table2x2(np.array([[20, 10], [180, 1820]]))
    assert rate_interval(COUNTS, "DOR") == pytest.approx(peer.oddsratio_confint(0.05))
    # LR+ is a ratio of two proportions, there called a risk ratio.
    assert rate_interval(COUNTS, "LR+") == pytest.approx(peer.riskratio_confint(0.05), rel=1e-9)


def test_lr_negative_is_lr_positive_of_the_mirror_image():
    mirrored = Confusion(tp=10, fn=20, fp=1820, tn=180)
    assert rate_interval(COUNTS, "LR-") == pytest.approx(rate_interval(mirrored, "LR+"))


def test_table_has_a_value_inside_an_interval_for_every_rate():
    table = rates_table(COUNTS)
    assert list(table.index) == [row.symbol for row in RATES]
    assert (table["low"] < table["value"]).all() and (table["value"] < table["high"]).all()
    for row in RATES:
        assert row.lowest <= table.loc[row.symbol, "low"]
        assert table.loc[row.symbol, "high"] <= row.highest


def test_exact_intervals_are_wider():
    wilson = np.ptp(rate_interval(COUNTS, "TPR"))
    assert np.ptp(rate_interval(COUNTS, "TPR", method="clopper-pearson")) > wilson


def test_an_empty_cell_still_gives_a_lower_limit():
    perfect = Confusion(tp=20, fp=0, fn=0, tn=30)
    low, high = rate_interval(perfect, "LR+")
    assert 2 < low < 10 and high == inf
    assert rate_interval(perfect, "LR-").low == 0 and 0 < rate_interval(perfect, "LR-").high < 0.5
    assert rate_interval(perfect, "DOR").high == inf
    low, high = rate_interval(perfect, "PT")
    assert low == 0 and 0 < high < 0.5


def test_what_is_undefined_has_no_interval_and_no_error_is_no_certainty():
    nobody_ill = Confusion(tp=0, fp=2, fn=0, tn=5)
    for row in RATES:
        if isnan(value(nobody_ill, row.symbol)):
            assert all(isnan(limit) for limit in rate_interval(nobody_ill, row.symbol)), row.symbol
    perfect = Confusion(tp=20, fp=0, fn=0, tn=30)
    assert all(isnan(limit) for limit in rate_interval(perfect, "MCC"))
    assert 0.8 < rate_interval(perfect, "TPR").low < 0.9


@pytest.mark.parametrize("rate", ["LR+", "DOR", "BM", "MK", "F1", "BA", "PT", "MCC", "KAPPA", "FM"])
def test_intervals_hold_the_truth_in_about_95_of_100_studies(rate):
    """Studies of 200 cases drawn from known chances; the chances themselves are the truth."""
    chances = np.array([0.24, 0.14, 0.06, 0.56])  # tp, fp, fn, tn
    truth = value(Confusion(2400, 1400, 600, 5600), rate)
    studies = np.random.default_rng(2).multinomial(200, chances, size=250)
    held = 0
    for cells in studies:
        low, high = rate_interval(Confusion(*map(int, cells)), rate, rounds=300)
        held += low <= truth <= high
    assert 0.90 <= held / len(studies) <= 0.99


def test_same_seed_same_interval():
    assert rate_interval(COUNTS, "MCC", seed=1) == rate_interval(COUNTS, "MCC", seed=1)
    assert rate_interval(COUNTS, "MCC", seed=1) != rate_interval(COUNTS, "MCC", seed=2)
