"""What a growing network is shown: whole averages of pixels, faded like the generated films."""

import numpy as np
import pytest
import torch

from course_lib.data.gan_films import film_stack, gan_cohort, to_grey, to_unit
from course_lib.generative.pggan_films import LazyFilms, film_batch
from course_lib.models.pggan import grow, shrink


def some_films(n=6, pixels=16):
    random = np.random.default_rng(0)
    return torch.from_numpy(random.integers(0, 256, (n, 1, pixels, pixels), dtype=np.uint8))


def test_smaller_films_are_means_of_their_pixels():
    films = some_films()
    batch = film_batch(films, [4, 1], 4)
    by_hand = to_unit(films[[4, 1]]).view(2, 1, 4, 4, 4, 4).mean((3, 5))
    torch.testing.assert_close(batch, by_hand)
    assert batch.dtype == torch.float32
    torch.testing.assert_close(film_batch(films, [0], 16), to_unit(films[:1]))


def test_real_films_are_faded_in_too():
    films = some_films()
    whole = film_batch(films, [0, 1], 8)
    coarse = grow(shrink(whole))
    torch.testing.assert_close(film_batch(films, [0, 1], 8, 0.0), coarse)
    torch.testing.assert_close(film_batch(films, [0, 1], 8, 0.25), 0.75 * coarse + 0.25 * whole)
    torch.testing.assert_close(film_batch(films, [0, 1], 4, 0.5), film_batch(films, [0, 1], 4))


def test_black_is_minus_one_and_white_is_one():
    ends = torch.tensor([0, 255], dtype=torch.uint8).view(2, 1, 1, 1).expand(2, 1, 4, 4)
    batch = film_batch(ends, [0, 1], 4)
    assert (batch[0] == -1).all()
    assert (batch[1] == 1).all()
    assert to_grey(batch * 1.3).min() == 0
    assert to_grey(batch * 1.3).max() == 1


@pytest.mark.parametrize("size", [16, 32])
def test_films_read_when_asked_for_are_those_in_memory(size):
    source = gan_cohort("normal", 3, size=size)
    lazy, stack = LazyFilms(source, size, readers=2), film_stack(source, size)
    assert len(lazy) == 3
    which = torch.tensor([2, 0])
    assert torch.equal(lazy[which], stack[which])
