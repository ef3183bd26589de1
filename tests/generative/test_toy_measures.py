"""Points made by hand, so that what the measures of mode collapse must say is known."""

import math

import numpy as np
import pytest

from course_lib.generative.densities import DENSITIES, Mixture, grid, ring, spiral
from course_lib.generative.toy_measures import count_modes, precision, recall


def rng(seed=0):
    return np.random.default_rng(seed)


def test_ring_and_grid_have_their_modes_where_they_should_be():
    eight, many = ring().centres, grid().centres
    assert eight.shape == (8, 2) and many.shape == (25, 2)
    assert np.hypot(*eight.T).tolist() == pytest.approx([2.0] * 8)
    assert eight[0].tolist() == pytest.approx([2, 0])
    assert many.min() == -2 and many.max() == 2 and len(np.unique(many, axis=0)) == 25


@pytest.mark.parametrize("name", DENSITIES)
def test_the_same_seed_gives_the_same_points(name):
    density = DENSITIES[name]()
    first = density.sample(50, rng(4))
    assert first.dtype == np.float32 and first.shape == (50, 2)
    np.testing.assert_array_equal(first, density.sample(50, rng(4)))
    assert not np.array_equal(first, density.sample(50, rng(5)))


def test_labels_name_the_mode_that_a_point_comes_from():
    points, modes = ring(spread=0.01).labelled(200, rng())
    assert np.linalg.norm(points - ring().centres[modes], axis=1).max() < 0.1
    assert set(modes) == set(range(8))


def test_a_spiral_without_noise_lies_on_its_curve():
    points = spiral(turns=1.0, radius=2.0, spread=1e-9).sample(100, rng())
    radius, angle = np.hypot(*points.T), np.arctan2(points[:, 1], points[:, 0]) % (2 * np.pi)
    np.testing.assert_allclose(radius, 2 * angle / (2 * np.pi), atol=1e-5)


def test_true_points_hit_every_mode_evenly_and_lie_near():
    report = count_modes(ring().sample(20000, rng()), ring())
    assert report.hit == 8
    assert report.near == pytest.approx(1 - math.exp(-4.5), abs=0.004)
    assert report.imbalance < 0.002


@pytest.mark.parametrize("modes", [1, 2, 4, 8])
def test_collapsed_points_hit_so_many_modes_and_the_imbalance_is_exact(modes):
    points = np.repeat(ring().centres[:modes], 10, axis=0)
    report = count_modes(points, ring(), least=10)
    assert report.hit == modes
    assert report.near == 1
    assert report.imbalance == pytest.approx(math.log(8 / modes))


def test_points_far_from_all_modes_hit_none():
    report = count_modes(np.zeros((5, 2)), ring())
    assert (report.hit, report.near) == (0, 0)
    assert math.isnan(report.imbalance)


def test_a_mode_counts_only_with_enough_points():
    points = np.vstack([np.repeat(ring().centres[:1], 9, axis=0), ring().centres[1:2]])
    assert count_modes(points, ring()).hit == 2
    assert count_modes(points, ring(), least=2).hit == 1


def test_collapse_lowers_recall_and_not_precision():
    real = ring().sample(800, rng(1))
    one = Mixture(ring().centres[:1], 0.1).sample(800, rng(2))
    assert recall(real, one) == pytest.approx(1 / 8, abs=0.04)
    assert precision(real, one) > 0.9
    assert recall(real, ring().sample(800, rng(3))) > 0.9


def test_blur_lowers_precision_and_not_recall():
    real = ring(spread=0.02).sample(800, rng(1))
    wide = rng(2).uniform(-2.5, 2.5, (800, 2))
    assert precision(real, wide) < 0.3 < 0.9 < recall(real, wide)


def test_recall_and_precision_by_hand():
    real, made = [[0.0], [1.0], [10.0]], [[0.0], [1.0], [2.0]]
    assert recall(real, made, k=1) == pytest.approx(2 / 3)  # balls of radius 1 round 0, 1, 2
    assert precision(real, made, k=1) == 1  # the ball round 1 reaches to 2


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: recall([[0.0, 0.0]], [[0.0, 0.0]]), "at least 4 points"),
        (lambda: count_modes([0.0, 1.0], ring()), "points as"),
        (lambda: count_modes([[0.0, float("nan")]], ring()), "not finite"),
        (lambda: ring(spread=0.0), "above zero"),
        (lambda: Mixture(np.zeros(3), 1.0), "one row per mode"),
        (lambda: ring().sample(0, rng()), "at least one point"),
        (lambda: ring().density(np.zeros((3, 5))), "must be"),
    ],
)
def test_bad_points_get_one_clear_sentence(call, says):
    with pytest.raises(ValueError, match=says):
        call()
