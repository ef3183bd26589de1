"""The paper's networks, 23 million parameters each, really take a step of training."""

import os

import numpy as np
import pytest
import torch

from course_lib.generative.growing import Phase, Schedule
from course_lib.generative.growth import Growth
from course_lib.generative.pggan_config import PgganConfig
from course_lib.learning.device import one_device
from course_lib.models.pggan import PgganSize

ASKED = "COURSE_LONG_TESTS"


def full_growth(pixels):
    """The published networks just before their first step at this size, two films per step."""
    size = PgganSize(1024)
    schedule = Schedule(tuple(Phase(r, 0, 2, 2) for r in size.resolutions))
    growth = Growth(PgganConfig(size, schedule, group=2, log_every=1), one_device())
    growth.steps = size.resolutions.index(pixels)
    return growth


class Noise:
    """Films of 1024 pixels that are made when they are asked for."""

    def __len__(self):
        return 4

    def __getitem__(self, which):
        random = np.random.default_rng(which.tolist())
        films = random.integers(0, 256, (len(which), 1, 1024, 1024), dtype=np.uint8)
        return torch.from_numpy(films)


def moves_everything_in_use(pixels):
    growth = full_growth(pixels)
    before = [p.detach().clone() for p in growth.generator.first.parameters()]
    row = growth.step(Noise())
    assert row["resolution"] == pixels
    assert np.isfinite([row["gap"], row["penalty"]]).all()
    for old, new in zip(before, growth.generator.first.parameters(), strict=True):
        assert not torch.equal(old, new)


def test_a_step_of_the_full_networks_at_8_pixels():
    moves_everything_in_use(8)


@pytest.mark.skipif(
    ASKED not in os.environ,
    reason=f"measured: 29 processor seconds and 5.3 GB for two films; set {ASKED}=1 to run it",
)
def test_a_step_of_the_full_networks_at_1024_pixels():
    moves_everything_in_use(1024)
