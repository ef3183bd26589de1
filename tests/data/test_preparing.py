"""Windowing, padding, resizing and random changes keep what they promise."""

import numpy as np
import pytest
import skimage.exposure

from course_lib.data.augment import Augmentation, Change
from course_lib.data.preprocess import (
    clahe,
    min_max,
    pad_to_square,
    percentile_window,
    resize,
    resize_mask,
    to_uint8,
)

RNG = np.random.default_rng(0)


def test_percentile_window_ignores_a_burnt_in_letter():
    film = RNG.uniform(100, 200, (100, 100))
    film[:2, :10] = 65535
    assert min_max(film).mean() < 0.01
    assert 0.4 < percentile_window(film).mean() < 0.6
    assert percentile_window(film).dtype == np.float32


def test_windows_at_their_edges():
    assert np.array_equal(min_max(np.array([[3, 5, 7]])), [[0, 0.5, 1]])
    assert np.array_equal(min_max(np.full((2, 2), 9.0)), np.zeros((2, 2)))
    with pytest.raises(ValueError, match="low < high"):
        percentile_window(np.zeros((2, 2)), 60, 40)
    with pytest.raises(ValueError, match="finite"):
        min_max(np.array([[np.nan, 1]]))


@pytest.mark.parametrize("shape", [(4, 7), (7, 4), (5, 5), (5, 8)])
def test_padding_is_centred_and_keeps_the_film(shape):
    film = RNG.random(shape, dtype=np.float32)
    square = pad_to_square(film, value=-1)
    side = max(shape)
    assert square.shape == (side, side)
    assert np.array_equal(square[square != -1], film.ravel())
    rows, columns = np.nonzero(square != -1)
    assert abs(rows.min() - (side - 1 - rows.max())) <= 1
    assert abs(columns.min() - (side - 1 - columns.max())) <= 1


def test_shrinking_averages_areas():
    film = RNG.random((64, 64), dtype=np.float32)
    expected = film.reshape(16, 4, 16, 4).mean((1, 3))
    np.testing.assert_allclose(resize(film, 16), expected, atol=1e-6)
    stripes = np.tile([0.0, 1.0], (64, 32)).astype(np.float32)
    np.testing.assert_allclose(resize(stripes, 16), 0.5, atol=1e-6)


def test_resize_shapes_and_masks():
    film = RNG.random((20, 30), dtype=np.float32)
    assert resize(film, (40, 50)).shape == (40, 50)
    assert resize(film, (20, 30)) is film
    mask = np.zeros((64, 64), bool)
    mask[16:48, 16:48] = True
    small = resize_mask(mask, 16)
    assert small.dtype == bool and small.sum() == 64


def test_clahe_raises_local_contrast_like_another_program():
    ramp = np.linspace(0.45, 0.55, 128, dtype=np.float32)
    film = np.clip(ramp[None] + 0.01 * RNG.standard_normal((128, 128)), 0, 1).astype(np.float32)
    ours = clahe(film, clip_limit=4)
    theirs = skimage.exposure.equalize_adapthist(film, kernel_size=16, clip_limit=0.02)
    assert ours.dtype == np.float32 and ours.min() >= 0 and ours.max() <= 1
    assert ours.std() > 2 * film.std()
    assert np.corrcoef(ours.ravel(), theirs.ravel())[0, 1] > 0.8


def test_to_uint8_rounds_and_clips():
    assert to_uint8(np.array([[-1, 0.5, 0.999, 2]])).tolist() == [[0, 128, 255, 255]]


def test_augmentation_is_reproducible_and_within_bounds():
    film = RNG.random((32, 32), dtype=np.float32)
    augment = Augmentation()
    first, again, other = (augment(film, np.random.default_rng(s)) for s in (1, 1, 2))
    assert np.array_equal(first, again) and not np.array_equal(first, other)
    assert first.dtype == np.float32 and first.min() >= 0 and first.max() <= 1


def test_no_change_changes_nothing():
    still = Augmentation(rotate=0, shift=0, zoom=0, brightness=0, gamma=0)
    film = RNG.random((33, 48), dtype=np.float32)
    np.testing.assert_allclose(still(film, np.random.default_rng(0)), film, atol=1e-6)


def test_flip_mirrors_exactly_and_half_of_the_time():
    mirror = Augmentation(rotate=0, shift=0, zoom=0, flip=True, brightness=0, gamma=0)
    film = RNG.random((8, 9), dtype=np.float32)
    rng = np.random.default_rng(0)
    flipped = [np.allclose(mirror(film, rng), film[:, ::-1], atol=1e-5) for _ in range(200)]
    assert 70 < sum(flipped) < 130


def test_shift_and_rotation_have_the_stated_size():
    film = np.zeros((101, 101), np.float32)
    film[50, 50] = 1
    shifted = Change(np.array([[1, 0, 0.1], [0, 1, -0.2]]), 0, 1).on_image(film)
    row, column = np.unravel_index(shifted.argmax(), film.shape)
    assert (row, column) == (30, 60)
    film[50, 50], film[50, 90] = 0, 1
    quarter = Change(np.array([[0, -1, 0], [1, 0, 0]]), 0, 1).on_image(film)
    assert np.unravel_index(quarter.argmax(), film.shape) == (90, 50)


def test_masks_move_with_the_film():
    film = np.zeros((64, 64), np.float32)
    film[20:40, 10:30] = 1
    change = Augmentation(brightness=0, gamma=0).draw(np.random.default_rng(3))
    moved, mask = change.on_image(film) > 0.5, change.on_mask(film > 0.5)
    assert mask.dtype == bool
    assert (moved ^ mask).sum() < 0.1 * mask.sum()
