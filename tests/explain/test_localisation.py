"""Scores of a heat map against a mask, on pictures where the answer is plain."""

import numpy as np
import pytest

from course_lib.explain.localisation import (
    average_score,
    covered,
    energy_inside,
    overlap,
    points_inside,
)
from course_lib.explain.overlay import overlay


@pytest.fixture
def mask():
    mask = np.zeros((10, 10), dtype=bool)
    mask[2:6, 3:8] = True
    return mask


def test_the_perfect_map(mask):
    heat = mask.astype(float)
    assert points_inside(heat, mask)
    assert energy_inside(heat, mask) == 1
    assert overlap(heat, mask) == 1


def test_a_map_beside_the_finding(mask):
    heat = np.zeros((10, 10))
    heat[8, 8] = 1
    assert not points_inside(heat, mask)
    assert energy_inside(heat, mask) == overlap(heat, mask) == 0


def test_half_inside(mask):
    heat = np.zeros((10, 10))
    heat[2:6, 1:5] = 1
    assert energy_inside(heat, mask) == 0.5
    assert overlap(heat, mask) == 8 / (16 + 20 - 8)


def test_what_speaks_against_a_finding_is_no_heat(mask):
    heat = np.where(mask, 1.0, -5.0)
    assert energy_inside(heat, mask) == 1
    assert np.isnan(energy_inside(-np.ones((10, 10)), mask))
    assert overlap(-np.ones((10, 10)), mask) == 0


def test_luck_scores_the_covered_share(mask):
    random = np.random.default_rng(0)
    heats = list(random.random((2000, 10, 10)))
    masks = [mask] * 2000
    assert covered(mask) == 0.2
    assert average_score(points_inside, heats, masks) == pytest.approx(0.2, abs=0.03)
    assert average_score(energy_inside, heats, masks) == pytest.approx(0.2, abs=0.005)


def test_mistakes_are_named(mask):
    with pytest.raises(ValueError, match="enlarge the map"):
        points_inside(np.zeros((5, 5)), mask)
    with pytest.raises(ValueError, match="mask is empty"):
        energy_inside(np.ones((10, 10)), np.zeros((10, 10)))
    with pytest.raises(ValueError, match="no pair"):
        average_score(overlap, [], [])


def test_overlay_leaves_cold_places_alone(mask):
    film = np.linspace(0, 1, 100).reshape(10, 10)
    colour = overlay(film, np.where(mask, 2.0, -1.0))
    assert colour.shape == (10, 10, 3)
    assert (colour[~mask] == film[~mask][:, None]).all()
    assert (colour[mask].std(axis=1) > 0.01).all()
    assert colour.min() >= 0
    assert colour.max() <= 1
    assert (overlay(film, np.zeros((10, 10))) == film[..., None]).all()
    with pytest.raises(ValueError, match="same size"):
        overlay(film, np.zeros((5, 5)))
