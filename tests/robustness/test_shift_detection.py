"""Alarms: equal to public programs, silent 19 times of 20 when nothing changed, and not deaf."""

import numpy as np
import pytest
from scipy.stats import chi2_contingency, ks_2samp

from course_lib.robustness.shift_detection import (
    calls_alarm,
    domain_alarm,
    ks_alarm,
    ks_gaps,
    mmd_alarm,
)
from course_lib.robustness.shift_power import how_often

RANDOM = np.random.default_rng(11)
OLD = RANDOM.normal(size=(300, 5))
SAME = RANDOM.normal(size=(300, 5))
MOVED = RANDOM.normal(size=(300, 5)) + np.array([0.8, 0, 0, 0, 0])
ALARMS = {
    "ks": lambda a, b, s: ks_alarm(a, b).p_value,
    "mmd": lambda a, b, s: mmd_alarm(a, b, 59, s).p_value,
    "domain": lambda a, b, s: domain_alarm(a, b, rounds=59, seed=s).p_value,
}


def test_kolmogorov_smirnov_is_scipys_with_ties():
    a, b = OLD[:70].round(1), MOVED[:50].round(1)
    theirs = [ks_2samp(a[:, j], b[:, j], method="asymp") for j in range(5)]
    assert ks_gaps(a, b) == pytest.approx([t.statistic for t in theirs])
    assert ks_alarm(a, b).p_value == pytest.approx(min(1, 5 * min(t.pvalue for t in theirs)))


def test_mmd_is_its_definition():
    a, b = OLD[:9], MOVED[:7]
    both = np.concatenate([a, b])
    squared = ((both[:, None] - both) ** 2).sum(2)
    k = np.exp(-squared / (2 * np.median(squared[np.triu_indices(16, 1)])))
    among = [
        sum(k[i, j] for i in part for j in part if i != j) for part in (range(9), range(9, 16))
    ]
    mixed = k[:9, 9:].mean()
    assert mmd_alarm(a, b).statistic == pytest.approx(among[0] / 72 + among[1] / 42 - 2 * mixed)


def test_counts_are_a_chi_square():
    old, new = np.repeat([0, 1, 3], [30, 20, 5]), np.repeat([0, 1, 3], [10, 30, 9])
    table = np.array([[30, 20, 5], [10, 30, 9]])
    theirs = chi2_contingency(table, correction=False)
    alarm = calls_alarm(old, new, 4)
    assert alarm.statistic == pytest.approx(theirs.statistic)
    assert abs(alarm.p_value - theirs.pvalue) < 0.01
    assert calls_alarm([1, 1], [1], 3).p_value == 1.0


@pytest.mark.parametrize("name", ALARMS)
def test_false_alarms_keep_their_level_and_changes_are_found(name):
    silent = how_often(ALARMS[name], np.concatenate([OLD, SAME]), None, [40], rounds=100)[0]
    assert silent.interval.low <= 0.05 and silent.share <= 0.12
    loud = how_often(ALARMS[name], OLD, MOVED, [100], rounds=20)[0]
    assert loud.share > 0.7


def test_the_domain_classifier_knows_how_clear_a_change_is():
    far = domain_alarm(OLD, OLD + 10)
    assert far.auc == 1.0 and far.p_value == pytest.approx(1 / 201)
    near = domain_alarm(OLD, SAME)
    assert near.interval.low < 0.55 and near.p_value > 0.05
    # The best linear rule for a shift of 0.8 in one of 5 features has AUC Phi(0.8 / sqrt 2).
    assert domain_alarm(OLD, MOVED).auc == pytest.approx(0.714, abs=0.05)


def test_same_seed_same_p_value():
    assert mmd_alarm(OLD, SAME, seed=4) == mmd_alarm(OLD, SAME, seed=4)
    assert domain_alarm(OLD, SAME, seed=4) == domain_alarm(OLD, SAME, seed=4)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: ks_alarm(OLD, SAME[:, :3]), "same network"),
        (lambda: mmd_alarm(OLD, np.full((9, 5), np.nan)), "NaN"),
        (lambda: mmd_alarm(OLD, SAME, rounds=5), "19 or more"),
        (lambda: domain_alarm(OLD[:3], SAME), "too few"),
        (lambda: calls_alarm([0, 1], [5], 3), "from 0 to 2"),
        (lambda: how_often(ALARMS["ks"], OLD, None, [200]), "need collections of 400"),
    ],
)
def test_mistakes_are_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()
