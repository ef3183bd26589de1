"""Many readers: against known answers, brute force, and simulated panels whose truth is known."""

from itertools import permutations

import numpy as np
import pytest
from scipy.stats import norm

from course_lib.evaluation.agreement import cohen_kappa, fleiss_kappa
from course_lib.evaluation.roc import auc
from course_lib.evaluation.turing_panel import (
    Panel,
    compare_groups,
    mean_accuracy,
    panel_kappa,
    two_way_kappa,
)
from course_lib.evaluation.turing_simulation import (
    SimulatedReader,
    calls_of,
    expected_error,
    expected_kappa,
    ratings_of,
    simulate_impressions,
    softened,
)

TRUTH = np.arange(60) % 2 == 1


def simulated(separation=0.5, readers=5, shared=0.2, seed=0, truth=TRUTH, criterion=0.0):
    team = [SimulatedReader(separation, criterion)] * readers
    impressions = simulate_impressions(team, truth, np.random.default_rng(seed), shared, steady=0.0)
    return Panel(truth, calls_of(team, impressions)[0])


def test_rates_of_a_simulated_reader_are_areas_under_bell_curves():
    reader = SimulatedReader(separation=1.2, criterion=0.3)
    assert reader.sensitivity == pytest.approx(norm.cdf(0.3))
    assert reader.specificity == pytest.approx(norm.cdf(0.9))
    truth = np.arange(60_000) % 2 == 1
    impressions = simulate_impressions([reader], truth, np.random.default_rng(1))
    calls = calls_of([reader], impressions)[0, 0]
    assert calls[truth].mean() == pytest.approx(reader.sensitivity, abs=0.008)
    assert (~calls[~truth]).mean() == pytest.approx(reader.specificity, abs=0.008)
    assert auc(truth, impressions[0, 0]) == pytest.approx(reader.auc, abs=0.006)


def test_a_reader_with_given_rates_has_them():
    reader = SimulatedReader.with_rates(sensitivity=0.519, specificity=0.668)
    assert (reader.sensitivity, reader.specificity) == pytest.approx((0.519, 0.668))
    with pytest.raises(ValueError, match="softened"):
        SimulatedReader.with_rates(1.0, 0.9)
    assert softened(150, 150) == pytest.approx(150.5 / 151)
    with pytest.raises(ValueError, match="not possible"):
        softened(3, 2)


@pytest.mark.parametrize("shared", [0.0, 0.3, 0.8, 1.0])
@pytest.mark.parametrize(("separation", "criterion"), [(0.0, 0.0), (0.6, 0.4), (2.0, 0.0)])
def test_kappa_of_many_simulated_films_is_the_closed_form(shared, separation, criterion):
    truth = np.arange(40_000) % 2 == 1
    panel = simulated(separation, 2, shared, 4, truth, criterion)
    reader = SimulatedReader(separation, criterion)
    found = cohen_kappa(*panel.calls).value if shared < 1 else 1.0
    assert found == pytest.approx(expected_kappa(reader, shared), abs=0.02)


def test_the_same_reader_again_agrees_by_what_is_shared_and_steady():
    reader, truth = SimulatedReader(0.6), np.arange(40_000) % 2 == 1
    impressions = simulate_impressions([reader], truth, np.random.default_rng(2), 0.2, 0.5, 2)
    first, second = calls_of([reader], impressions)[:, 0]
    assert cohen_kappa(first, second).value == pytest.approx(expected_kappa(reader, 0.7), abs=0.015)


def test_without_anything_shared_kappa_is_the_square_of_what_exceeds_chance():
    for separation in (0.0, 0.5, 1.0, 3.0):
        reader = SimulatedReader(separation)
        square = (2 * reader.accuracy - 1) ** 2
        assert expected_kappa(reader, 0.0) == pytest.approx(square, abs=1e-9)


def test_readers_who_all_fall_for_the_same_cue_agree_without_telling_anything():
    blind = SimulatedReader(separation=0.0)
    assert blind.accuracy == 0.5 and expected_kappa(blind, 0.5) == pytest.approx(1 / 3, abs=1e-6)


def test_ratings_keep_the_answer_and_grow_with_the_distance():
    reader = [SimulatedReader(1.0, 0.2)]
    impressions = np.array([[[-9.0, 0.19, 0.21, 0.65, 9.0]]])
    ratings = ratings_of(reader, impressions, steps=5, width=0.4)[0, 0]
    assert ratings.tolist() == [-5, -1, 1, 2, 5]
    assert np.array_equal(ratings > 0, calls_of(reader, impressions)[0, 0])


def test_kappa_of_two_categories_is_fleiss_kappa():
    panel = simulated(seed=8)
    called = panel.calls.sum(axis=0)
    whole = fleiss_kappa(np.stack([called, 5 - called], axis=1))
    assert two_way_kappa(called, 5) == pytest.approx(whole.value)
    kappa, spread = panel_kappa(panel, rounds=400)
    assert kappa.value == pytest.approx(whole.value)
    assert spread.low < kappa.value < spread.high
    jackknife = kappa.interval.high - kappa.interval.low
    assert spread.high - spread.low == pytest.approx(jackknife, rel=0.3)
    assert np.isnan(two_way_kappa([5, 5, 5], 5))


def test_the_interval_of_the_mean_covers_the_truth_over_readers_and_films():
    """400 panels of readers who differ: 95 % intervals hold the true mean about that often."""
    random, hits, errors = np.random.default_rng(12), 0, []
    truth, spread, middle = np.arange(80) % 2 == 1, 0.4, 0.6
    expected = norm.cdf(middle / 2 / np.sqrt(1 + (spread / 2) ** 2))
    for _ in range(400):
        team = [SimulatedReader(d) for d in random.normal(middle, spread, 7)]
        impressions = simulate_impressions(team, truth, random, shared=0.3)
        found = mean_accuracy(Panel(truth, calls_of(team, impressions)[0]))
        hits += found.interval.low <= expected <= found.interval.high
        errors.append(found.value - expected)
    assert abs(np.mean(errors)) < 0.01
    assert 0.92 <= hits / 400 <= 0.985


def test_the_expected_error_is_the_spread_of_simulated_panels():
    reader, values = SimulatedReader(0.6, 0.2), []
    for seed in range(600):
        values.append(simulated(0.6, 6, 0.4, seed, criterion=0.2).right.mean())
    assert np.std(values) == pytest.approx(expected_error(reader, 6, 60, 0.4), rel=0.08)


def test_more_readers_cannot_replace_films():
    reader = SimulatedReader(0.5)
    few, many = (expected_error(reader, j, 100, shared=0.3) for j in (10, 1000))
    assert many > 0.75 * few
    assert expected_error(reader, 10, 400, 0.3) == pytest.approx(few / 2)


def test_perfect_readers_have_no_interval():
    found = mean_accuracy(Panel(TRUTH, np.stack([TRUTH, TRUTH])))
    assert found.value == 1 and np.isnan(found.interval.low)


def test_groups_are_compared_by_every_way_to_sort_the_readers():
    panel = simulated(readers=6, seed=5)
    panel.groups = ["young"] * 2 + ["old"] * 4
    accuracy, found = panel.right.mean(axis=1), compare_groups(panel)

    def apart(order):
        a, b = accuracy[list(order[:2])], accuracy[list(order[2:])]
        return 2 * (a.mean() - accuracy.mean()) ** 2 + 4 * (b.mean() - accuracy.mean()) ** 2

    every = [apart(order) for order in permutations(range(6))]
    expected = np.mean(np.array(every) >= apart(range(6)) - 1e-12)
    assert found.exact and found.p_value == pytest.approx(expected)
    assert found.means["young"] == pytest.approx(accuracy[:2].mean())


def test_large_panels_are_compared_by_random_groupings():
    panel = simulated(readers=20, seed=6)
    panel.groups = ["a", "b"] * 10
    found = compare_groups(panel, seed=1)
    assert not found.exact and 0 < found.p_value <= 1
    assert found == compare_groups(panel, seed=1)


def test_a_group_that_sees_it_all_is_found():
    truth = np.arange(100) % 2 == 1
    team = [SimulatedReader(3.0)] * 4 + [SimulatedReader(0.0)] * 4
    impressions = simulate_impressions(team, truth, np.random.default_rng(3))
    panel = Panel(truth, calls_of(team, impressions)[0], groups=["I"] * 4 + ["II"] * 4)
    assert compare_groups(panel).p_value == pytest.approx(2 / 70)  # the most that 4 + 4 can show


def test_the_table_has_a_row_for_every_reader():
    panel = Panel(TRUTH, simulated().calls, groups=["I"] * 3 + ["II"] * 2)
    table = panel.table()
    assert list(table["reader"]) == ["R01", "R02", "R03", "R04", "R05"]
    assert list(table["group"]) == ["I"] * 3 + ["II"] * 2
    assert table["accuracy"].to_numpy() == pytest.approx(panel.right.mean(axis=1))
    assert panel.share_right() == pytest.approx(panel.right.mean(axis=0))


@pytest.mark.parametrize(
    ("calls", "options", "says"),
    [
        (np.zeros((2, 59)), {}, "readers, films"),
        (np.zeros(60), {}, "readers, films"),
        (np.zeros((1, 60)), {}, "2 readers or more"),
        (np.full((2, 60), np.nan), {}, "no gaps"),
        (np.zeros((2, 60)), {"names": ["a"]}, "name each one"),
        (np.zeros((2, 60)), {"groups": ["a", "b", "c"]}, "name each one"),
    ],
)
def test_panels_with_gaps_or_wrong_shapes_are_refused(calls, options, says):
    with pytest.raises(ValueError, match=says):
        Panel(TRUTH, calls, **options)


def test_groups_and_parts_that_make_no_sense_are_refused():
    with pytest.raises(ValueError, match="two groups"):
        compare_groups(simulated())
    with pytest.raises(ValueError, match="parts of a variance"):
        simulate_impressions([SimulatedReader(1.0)], TRUTH, np.random.default_rng(0), 0.7, 0.4)
    with pytest.raises(ValueError, match="at least 1 reader"):
        expected_error(SimulatedReader(1.0), 0, 60, 0.2)
