"""Walking: arcs keep the length, films follow the axis, the shortest step is found."""

import numpy as np
import pytest
import torch
from torch import nn

from course_lib.generative.directions import unit
from course_lib.generative.directions_walk import (
    between,
    films_from,
    likelihood_from,
    reach,
    walk,
)

LATENT, PIXELS = 6, 8


class Painter(nn.Module):
    """A generator that is simple enough to know: latent k is the grey value of row k."""

    latent_size = LATENT

    def forward(self, z):
        rows = torch.zeros(len(z), PIXELS)
        rows[:, :LATENT] = z / 10
        return rows[:, None, :, None].expand(-1, 1, PIXELS, PIXELS)


class Reader(nn.Module):
    """Two outputs: how bright are rows 0 and 1, as logits."""

    def __init__(self):
        super().__init__()
        self.features = nn.Conv2d(1, 2, kernel_size=(PIXELS, 1), bias=False)
        self.classifier = nn.Linear(2, 2, bias=False)
        with torch.no_grad():
            self.features.weight.zero_()
            self.features.weight[0, 0, 0] = self.features.weight[1, 0, 1] = 1.0
            self.classifier.weight.copy_(40 * torch.eye(2))

    def forward(self, films):
        return self.classifier(torch.relu(self.features(films - 0.6)).mean((2, 3))) - 4


def logit(z_k):
    """What Reader says about a film whose latent k is z_k: exact."""
    return 40 * np.maximum((z_k / 10 + 1) / 2 - 0.6, 0) - 4


@pytest.fixture
def tools():
    return Painter(), Reader()


def test_arc_keeps_the_length_and_the_chord_does_not():
    rng = np.random.default_rng(0)
    start, end = 8 * unit(rng.normal(size=(2, 64)))
    arc, chord = between(start, end, 9), between(start, end, 9, "straight")
    assert np.allclose(np.linalg.norm(arc, axis=1), 8)
    assert np.allclose(arc[[0, -1]], [start, end]) and np.allclose(chord[[0, -1]], [start, end])
    assert np.linalg.norm(chord[4]) < 6.5  # half way: 8 / sqrt(2) for right angles
    angles = np.arccos((unit(arc)[1:] * unit(arc)[:-1]).sum(axis=1))
    assert np.allclose(angles, angles[0])  # equal angles
    # both ways lead through the same directions, at another pace
    plane = np.linalg.qr(np.stack([start, end]).T)[0]
    assert np.allclose(chord @ plane @ plane.T, chord) and np.allclose(arc @ plane @ plane.T, arc)


def test_arc_between_latents_of_different_length():
    path = between([2.0, 0.0], [0.0, 4.0], 3)
    assert np.allclose(path[1], 3 * np.sqrt([0.5, 0.5]))
    assert np.allclose(between([1.0, 0.0], [2.0, 0.0], 3)[:, 0], [1, 1.5, 2])


def test_impossible_ways_are_refused():
    with pytest.raises(ValueError, match="opposite"):
        between([1.0, 0.0], [-1.0, 0.0], 5)
    with pytest.raises(ValueError, match="straight"):
        between([1.0, 0.0], [0.0, 1.0], 5, "round")
    with pytest.raises(ValueError, match="one length"):
        between([1.0, 0.0], [1.0, 0.0, 0.0], 5)


def test_films_and_likelihoods_do_not_depend_on_the_batch(tools):
    z = np.random.default_rng(1).normal(size=(7, LATENT)) * 3
    films = films_from(tools[0], z)
    assert films.shape == (7, 1, PIXELS, PIXELS)
    assert np.allclose(films[:, 0, :LATENT, 0], np.clip((z / 10 + 1) / 2, 0, 1), atol=1e-6)
    whole, parts = (likelihood_from(*tools, z, batch=b) for b in (250, 2))
    assert np.allclose(whole, parts)
    assert np.allclose(whole, 1 / (1 + np.exp(-logit(z[:, :2]))), atol=1e-5)


@pytest.mark.parametrize(
    ("latents", "message"),
    [
        (np.ones((3, LATENT + 1)), "shape"),
        (np.ones(LATENT), "shape"),
        (np.full((2, LATENT), np.nan), "NaN"),
        (np.zeros((2, LATENT)), "no direction"),
        (np.ones((0, LATENT)), "shape"),
    ],
)
def test_wrong_latents_are_refused(tools, latents, message):
    with pytest.raises(ValueError, match=message):
        films_from(tools[0], latents)


def test_walk_shows_film_likelihood_and_heat_together(tools):
    start, axis = np.full(LATENT, 0.5), np.eye(LATENT)[0] * 7  # its length does not matter
    way = walk(*tools, start, axis, [0, 2, 4], output=0)
    assert way.films.shape == way.heat.shape == (3, PIXELS, PIXELS)
    assert np.allclose(way.films[:, 0, 0], (np.array([0.5, 2.5, 4.5]) / 10 + 1) / 2)
    assert np.allclose(way.likelihood[:, 0], 1 / (1 + np.exp(-logit(np.array([0.5, 2.5, 4.5])))))
    assert np.ptp(way.likelihood[:, 1]) < 1e-6  # the other output does not move
    assert way.heat[2].mean() > way.heat[0].mean()
    with pytest.raises(ValueError, match="two latents"):
        walk(*tools, start, axis[:-1], [0], output=0)


def test_reach_finds_the_shortest_step(tools):
    starts = np.zeros((3, LATENT))
    starts[:, 0], starts[:, 1] = [0.0, 3.0, 9.0], 1.0
    found = reach(*tools, starts, np.eye(LATENT)[0], output=0, wanted=0.8, longest=12, pace=1.0)
    # Reader says 0.8 where its logit is log 4, that is at a latent of
    exact = 10 * (2 * ((np.log(4) + 4) / 40 + 0.6) - 1)
    assert np.allclose(found.step, np.maximum(exact - starts[:, 0], 0), atol=1 / 16)
    assert (found.after[:, 0] >= 0.8).all() and found.arrived.all()
    assert found.step[2] == 0  # was there already
    assert np.allclose(found.latents[:, 1:], starts[:, 1:])


def test_reach_says_who_does_not_arrive(tools):
    starts = np.ones((2, LATENT))
    found = reach(*tools, starts, np.eye(LATENT)[3], output=0)  # an axis that does nothing
    assert not found.arrived.any() and np.isnan(found.step).all()
    assert np.allclose(found.before, found.after)
    with pytest.raises(ValueError, match="likelihood between 0 and 1"):
        reach(*tools, starts, np.eye(LATENT)[0], output=0, wanted=80)
