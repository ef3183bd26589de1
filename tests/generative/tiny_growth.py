"""The smallest growing network and films that can be learned, shared by tests."""

import torch

from course_lib.generative.growing import Phase, Schedule
from course_lib.generative.pggan_config import PgganConfig
from course_lib.models.pggan import PgganSize

SIZE = PgganSize(16, base=32, most=8)
# 2 steps at 4 pixels, 4 at 8 and 4 at 16, of which two each fade in.
SCHEDULE = Schedule((Phase(4, 0, 16, 8), Phase(8, 16, 16, 8), Phase(16, 16, 16, 8)))


def tiny(**changes):
    """A PgganConfig of ten steps."""
    usual = {"size": SIZE, "schedule": SCHEDULE, "log_every": 1, "save_every": 3, "pictures": 5}
    return PgganConfig(**{**usual, **changes})


def half_bright(n=24, pixels=16):
    """Films uint8 (n, 1, pixels, pixels): left dark, right bright, each of another brightness."""
    light = torch.linspace(150, 250, n).view(n, 1, 1, 1)
    films = torch.zeros(n, 1, pixels, pixels)
    films[..., pixels // 2 :] = light
    return films.round().to(torch.uint8)


def same(one, two):
    """Are all weights of two networks equal, bit for bit?"""
    ours, theirs = one.state_dict(), two.state_dict()
    return all(torch.equal(value, theirs[name]) for name, value in ours.items())
