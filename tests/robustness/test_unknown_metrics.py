"""Measures of separation: a worked example, both meanings of FPR95, and thresholds."""

import numpy as np
import pytest

from course_lib.robustness.unknown.metrics import (
    false_alarms_at,
    missed_at,
    separation,
    threshold,
)

rng = np.random.default_rng(4)
KNOWN, UNKNOWN = rng.normal(0, 1, 400), rng.normal(1.5, 2, 150)


def test_worked_example():
    """Labels 0 0 0 1 0 with scores .1 .3 .6 .9 1.3, from the ood-metrics package's page."""
    got = separation([0.1, 0.3, 0.6, 1.3], [0.9])
    assert got.auroc.auc == 0.75
    assert got.false_alarms == 0.25  # to catch 0.9, one of four known films is refused
    assert got.missed == 1.0  # to accept 95 % of four films, all must be accepted
    assert got.aupr_unknown == 0.5


def test_turning_everything_round_exchanges_the_directed_measures():
    plain, turned = separation(KNOWN, UNKNOWN), separation(-UNKNOWN, -KNOWN)
    assert plain.auroc.auc == pytest.approx(turned.auroc.auc)
    assert plain.aupr_unknown == pytest.approx(turned.aupr_known)
    assert plain.false_alarms == pytest.approx(turned.missed)
    assert plain.missed == pytest.approx(turned.false_alarms)
    assert abs(plain.false_alarms - plain.missed) > 0.05  # the two meanings are not one


def test_precision_changes_with_the_mixture_and_the_rates_do_not():
    once, often = separation(KNOWN, UNKNOWN), separation(np.tile(KNOWN, 10), UNKNOWN)
    assert often.aupr_unknown < once.aupr_unknown - 0.1
    assert often.auroc.auc == pytest.approx(once.auroc.auc)
    assert often.false_alarms == pytest.approx(once.false_alarms)
    assert often.missed == pytest.approx(once.missed)


def test_perfect_and_useless_scores():
    perfect = separation(np.arange(20), np.arange(30, 40))
    assert (perfect.auroc.auc, perfect.false_alarms, perfect.missed) == (1, 0, 0)
    useless = separation(np.zeros(20), np.zeros(10))
    assert (useless.auroc.auc, useless.false_alarms, useless.missed) == (0.5, 1, 1)


def test_threshold_refuses_no_more_than_allowed_and_is_the_lowest_such():
    for refuse in (0.0, 0.05, 0.5):
        chosen = threshold(KNOWN, refuse)
        assert chosen.refused == (chosen.value < KNOWN).mean() <= refuse
        lower = KNOWN[chosen.value > KNOWN].max()
        assert (lower < KNOWN).mean() > refuse
        assert chosen.interval.low <= chosen.refused <= chosen.interval.high
    assert threshold(np.ones(10), 0.3).refused == 0  # ties: rather none than all


def test_threshold_that_accepts_95_percent_misses_what_missed_at_says():
    value = threshold(KNOWN, 0.05).value
    assert missed_at(KNOWN, UNKNOWN) == (value >= UNKNOWN).mean()
    assert false_alarms_at(KNOWN, UNKNOWN, 1.0) == (UNKNOWN.min() <= KNOWN).mean()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: separation([], UNKNOWN), "known films"),
        (lambda: separation(KNOWN, [np.nan]), "unknown film is NaN"),
        (lambda: separation(KNOWN, UNKNOWN, 0), "share"),
        (lambda: threshold(KNOWN, 1.0), "refuse"),
        (lambda: threshold(KNOWN[None]), "one column"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
