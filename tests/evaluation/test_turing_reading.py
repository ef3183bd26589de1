"""One reader's Turing test: the plan is blind, the rates are right, chance is an exact coin."""

import numpy as np
import pytest
from scipy.stats import binomtest, chi2_contingency

from course_lib.evaluation.intervals import wilson
from course_lib.evaluation.turing import against_chance, plan_reading, score_reading

FILMS = np.arange(12, dtype=np.uint8).reshape(12, 1, 1)


def test_every_film_is_shown_once_and_repeats_come_at_the_end():
    plan = plan_reading(real=15, synthetic=25, seed=3, repeats=10)
    first, again = plan.order[:40], plan.order[40:]
    assert sorted(first) == list(range(40)) and len(set(again)) == len(again) == 10
    assert set(again) <= set(first[:20]), "half of the films lie between two showings"
    assert np.array_equal(again, plan.repeated)
    assert plan.synthetic.sum() == 25


def test_a_film_number_says_nothing_and_leads_to_the_right_film():
    plan = plan_reading(real=6, synthetic=6, seed=1)
    arranged = plan.arrange(FILMS[:6], FILMS[6:])
    assert np.array_equal(arranged[:, 0, 0] >= 6, plan.synthetic)
    places = np.concatenate([np.flatnonzero(plan_reading(9, 9, s).synthetic) for s in range(300)])
    shares = np.bincount(places, minlength=18) / 300
    assert abs(shares - 0.5).max() < 0.13, "synthetic at every number equally often"


def test_the_same_seed_gives_the_same_plan_and_readers_get_their_own_order():
    plan, again = plan_reading(8, 8, 5, 4), plan_reading(8, 8, 5, 4)
    assert np.array_equal(plan.order, again.order) and plan.name == again.name
    other = plan.other_order(9)
    assert not np.array_equal(other.order, plan.order) and len(other.order) == 20
    assert other.name == plan.name and np.array_equal(other.synthetic, plan.synthetic)
    assert plan_reading(8, 8, 6, 4).name != plan.name


@pytest.mark.parametrize(
    ("arguments", "says"),
    [((0, 5, 1), "both kinds"), ((5, 0, 1), "both kinds"), ((5, 5, 1, 6), "can come back")],
)
def test_impossible_plans_are_refused(arguments, says):
    with pytest.raises(ValueError, match=says):
        plan_reading(*arguments)


def test_films_that_betray_themselves_by_shape_or_number_are_refused():
    plan = plan_reading(6, 6, seed=1)
    with pytest.raises(ValueError, match="plan is for 6 real"):
        plan.arrange(FILMS[:5], FILMS[5:])
    with pytest.raises(ValueError, match="would see the difference"):
        plan.arrange(FILMS[:6], FILMS[6:].astype(float))
    with pytest.raises(ValueError, match="would see the difference"):
        plan.arrange(FILMS[:6], np.zeros((6, 2, 2), np.uint8))


def test_rates_by_hand_and_with_the_names_of_the_other_convention():
    truth = [1, 1, 1, 1, 0, 0, 0, 0, 0, 0]
    score = score_reading(truth, [1, 1, 1, 0, 1, 0, 0, 0, 0, 1])
    assert (score.counts.tp, score.counts.fn, score.counts.fp, score.counts.tn) == (3, 1, 2, 4)
    assert (score.accuracy.value, score.sensitivity.value) == (0.7, 0.75)
    assert score.specificity.value == pytest.approx(4 / 6)
    assert score.sensitivity.interval == wilson(3, 4)
    swapped = score.named_for_real()
    assert swapped["sensitivity"] is score.specificity
    assert swapped["specificity"] is score.sensitivity
    assert score.p_chance == pytest.approx(binomtest(7, 10).pvalue)


def test_one_kind_only_leaves_the_other_rate_undefined():
    score = score_reading([1, 1, 1], [1, 0, 1])
    assert score.sensitivity.value == pytest.approx(2 / 3)
    assert np.isnan(score.specificity.value) and np.isnan(score.specificity.interval.low)


@pytest.mark.parametrize(
    ("truth", "answers", "says"),
    [
        ([0, 1], [0, 1, 1], "one answer for each"),
        ([], [], "one answer for each"),
        ([0, 1], [0, np.nan], "answers may hold only 1"),
        ([0, 2], [0, 1], "truth may hold only 1"),
        ([0, 1], ["real", "fake"], "answers may hold only 1"),
    ],
)
def test_bad_answers_are_refused_in_one_sentence(truth, answers, says):
    with pytest.raises(ValueError, match=says):
        score_reading(truth, answers)


def test_both_p_values_by_adding_up_coin_tosses():
    from math import comb

    def chance(k, n, p):
        return comb(n, k) * p**k * (1 - p) ** (n - k)

    test = against_chance(27, 50, margin=0.1)
    tail = sum(chance(k, 50, 0.5) for k in range(27, 51))
    assert test.p_difference == pytest.approx(2 * tail)
    few = sum(chance(k, 50, 0.6) for k in range(28))
    many = sum(chance(k, 50, 0.4) for k in range(27, 51))
    assert test.p_equivalence == pytest.approx(max(few, many))


@pytest.mark.parametrize(
    ("right", "of", "verdict"),
    [
        (27, 50, "undecided"),
        (65, 100, "told apart"),
        (30, 100, "told apart"),
        (500, 1000, "equal to a coin within the margin"),
        (2200, 4000, "better or worse than a coin, but by less than the margin"),
    ],
)
def test_verdicts(right, of, verdict):
    assert against_chance(right, of, margin=0.1).verdict == verdict


def test_equivalence_errs_as_seldom_as_it_promises():
    """Readers who are truly 60 % right are called equal to a coin in at most 5 % of studies."""
    rights = np.random.default_rng(0).binomial(300, 0.6, 2000)
    equal = {k: against_chance(k, 300, margin=0.1).p_equivalence < 0.05 for k in set(rights)}
    assert 0.02 < np.mean([equal[k] for k in rights]) < 0.065


def test_the_published_p_value_tosses_a_coin_1500_times():
    """Park 2021 prints p = .29 for 779 of 1500 against guessing: as if 750 had been observed."""
    as_two_samples = chi2_contingency([[779, 721], [750, 750]], correction=False)[1]
    assert round(as_two_samples, 2) == 0.29
    assert round(against_chance(779, 1500).p_difference, 2) == 0.14


@pytest.mark.parametrize(
    ("arguments", "says"),
    [((5, 4), "not possible"), ((0, 0), "not possible"), ((4, 9, 0.5), "margin is a distance")],
)
def test_impossible_shares_and_margins_are_refused(arguments, says):
    with pytest.raises(ValueError, match=says):
        against_chance(*arguments)
