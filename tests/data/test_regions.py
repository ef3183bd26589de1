"""Named films and patches: anatomy where it belongs, patches named by their middle pixel."""

import numpy as np
import pytest

from course_lib.data.regions import MASS, REGIONS, cut_patches, named_films


@pytest.fixture(scope="module")
def films():
    return named_films(range(300, 306), size=96, masses=1.0)


def test_zones_lie_one_below_the_other_and_the_heart_to_the_left(films):
    for film in films:
        rows = [np.argwhere(film.names == zone)[:, 0].mean() for zone in range(3)]
        assert rows[0] < rows[1] < rows[2]
        heart = np.argwhere(film.names == REGIONS.index("heart"))
        lungs = np.argwhere(film.names < 3)
        assert heart[:, 1].mean() > lungs[:, 1].mean()  # the patient's left is the film's right


def test_masses_are_where_the_mask_says_and_only_on_wish(films):
    assert all(np.array_equal(film.names == MASS, film.mass) for film in films)
    assert any(film.mass.any() for film in films)
    assert not any(film.mass.any() for film in named_films(range(2), 48, masses=0.0))


def test_a_patch_is_named_after_its_middle_and_balanced(films):
    patches = cut_patches(films, 24, 2, np.random.default_rng(0))
    assert patches.pictures.shape[1:] == (1, 24, 24)
    counts = np.bincount(patches.names, minlength=len(REGIONS))
    assert (counts <= 2 * len(films)).all() and (counts[:5] == 2 * len(films)).all()
    for picture, name, number in zip(*patches, strict=True):
        film = films[number]
        windows = np.lib.stride_tricks.sliding_window_view(film.picture, (24, 24))
        row, column = np.argwhere((windows == picture[0]).all((2, 3)))[0]
        assert film.names[row + 12, column + 12] == name
