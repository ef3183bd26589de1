"""The unknown films: what they are, that they repeat, and what exactly was done to them."""

import numpy as np
import pytest
import torch

from course_lib.robustness.unknown import damage
from course_lib.robustness.unknown.elsewhere import child_films, skull_films
from course_lib.robustness.unknown.sets import FAMILIES, UNKNOWN, known_films, unknown_films


@pytest.fixture(scope="module")
def options(tmp_path_factory):
    return {"folder": tmp_path_factory.mktemp("cache"), "workers": 1}


@pytest.mark.parametrize("name", UNKNOWN)
def test_every_set_gives_films_of_eight_bits(name, options):
    films = unknown_films(name, 2, **options)
    assert films.shape == (2, 1, 64, 64) and films.dtype == torch.float32
    assert films.min() >= 0 and films.max() <= 1
    assert torch.allclose((films * 255).round() / 255, films)
    assert UNKNOWN[name].family in FAMILIES
    assert name == "one grey" or films.std() > 0.05
    assert not torch.equal(films[0], films[1])


def test_film_does_not_depend_on_how_many_there_are(options):
    for name in ("noise", "head CT", "child", "rows skewed"):
        assert torch.equal(unknown_films(name, 1, **options), unknown_films(name, 2, **options)[:1])


def test_known_films_show_at_most_one_finding_and_parts_share_nobody(options):
    films, classes = known_films("test", 12, **options)
    others, _ = known_films("threshold", 12, **options)
    assert len(films) == len(classes) <= 12 and set(classes) <= set(range(6))
    assert not any(torch.equal(a, b) for a in films for b in others)


def test_damage_does_what_it_says():
    film = np.linspace(0, 1, 64 * 64, dtype=np.float32).reshape(64, 64)
    rng = np.random.default_rng(0)
    assert (damage.mirrored(film, rng) == np.fliplr(film)).all()
    assert np.allclose(damage.inverted(film, rng) + film, 1)
    cut = damage.rows_missing(film, rng)
    rows = (cut == 0).all(1).sum()
    assert 0.3 * 64 - 1 <= rows <= 0.7 * 64 + 1 and (cut[: 64 - rows] == film[: 64 - rows]).all()
    skewed = damage.rows_skewed(film, rng)
    assert (np.sort(skewed, 1) == np.sort(film, 1)).all() and (skewed[0] == film[0]).all()
    shift = next(s for s in range(-3, 4) if (np.roll(film[1], s) == skewed[1]).all())
    assert shift != 0 and (np.roll(film[10], 10 * shift) == skewed[10]).all()
    assert damage.on_its_side(film, rng).shape == (64, 64)


def test_byte_order_exchanges_two_bytes():
    film = np.array([[0, 1 / 4095, 256 / 4095]], np.float32)
    got = damage.byte_order(film, np.random.default_rng(0))
    assert np.allclose(got * 256, [[0, 256, 1]])  # 0x0001 is read as 0x0100, 0x0100 as 0x0001


def test_a_child_is_smaller_than_an_adult_but_fills_its_film():
    child = child_films(63_400, 2)
    assert child[:, :, 20:44, 26:38].mean() > child[:, :, :6].mean()  # a spine below a free neck


def test_skulls_come_from_both_sides():
    films = skull_films(63_500, 4)[:, 0].numpy()
    likeness = [np.corrcoef(f.ravel(), f[:, ::-1].ravel())[0, 1] for f in films]
    assert min(likeness) < 0.93 < max(likeness)


def test_unknown_names_are_refused(options):
    with pytest.raises(ValueError, match="no set 'leg'"):
        unknown_films("leg")
    with pytest.raises(ValueError, match="no part 'train'"):
        known_films("train")
    with pytest.raises(ValueError, match="at least one film"):
        unknown_films("noise", 0)
