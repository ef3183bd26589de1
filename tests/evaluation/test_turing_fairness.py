"""Cues give away what they should, and nothing else."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from course_lib.evaluation.turing_fairness import (
    CUES,
    border,
    check_films,
    different_greys,
    fair_display,
    grey_histogram,
    leak,
    leaks,
    sharpness,
)

NAMES = list(CUES)


def films(seed, n=60, blur=1.0, size=32):
    """Smooth pictures round a common bright middle, grey values in 8 bits, 0..1."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size] / size - 0.5
    noise = gaussian_filter(random.normal(size=(n, size, size)), (0, blur, blur))
    noise /= noise.std()
    picture = 0.5 + 0.3 * np.exp(-(x**2 + y**2) * 12) + 0.06 * noise
    return np.rint(np.clip(picture, 0, 1) * 255) / 255


def test_two_draws_of_the_same_films_give_nothing_away():
    table = leaks(films(1, 150), films(2, 150))
    assert list(table["cue"]) == NAMES
    assert table["AUC"].between(0.36, 0.64).all(), table


@pytest.mark.parametrize(
    ("cue", "change"),
    [
        (
            "number of different greys",
            lambda f: f * 0.9 + np.random.default_rng(0).random(f.shape) / 99,
        ),
        ("grey-level histogram", lambda f: f**1.4),
        ("border", lambda f: np.where(np.arange(32) < 2, 0.0, f)),
        ("sharpness", lambda f: gaussian_filter(f, (0, 0.8, 0.8))),
    ],
)
def test_each_cue_finds_what_it_is_made_for(cue, change):
    assert leak(films(1), change(films(2)), CUES[cue]).auc > 0.95


def test_a_window_or_more_greys_are_levelled_by_the_fair_display():
    real, other = films(1, 100), films(2, 100)
    random = np.random.default_rng(0)
    synthetic = 0.2 + 0.6 * other + 1e-3 * random.random(other.shape)
    for cue in ("number of different greys", "grey-level histogram"):
        assert leak(real, synthetic, CUES[cue]).auc > 0.95
        levelled = leak(fair_display(real), fair_display(synthetic), CUES[cue])
        assert 0.35 < levelled.auc < 0.65, (cue, levelled)


def test_the_fair_display_cannot_hide_blur():
    real, synthetic = films(1), gaussian_filter(films(2), (0, 0.8, 0.8))
    assert leak(fair_display(real), fair_display(synthetic), sharpness).auc > 0.95


def test_the_fair_display_fills_the_range_and_keeps_the_order_of_greys():
    film = films(3, 1)
    shown = fair_display(film)
    assert shown.dtype == np.uint8 and shown.min() == 0 and shown.max() == 255
    order = np.argsort(film.ravel(), kind="stable")
    assert (np.diff(shown.ravel()[order].astype(int)) >= 0).all()
    assert np.array_equal(fair_display(film), fair_display(film[:, None]))
    assert np.array_equal(fair_display(np.full((1, 8, 8), 0.3)), np.zeros((1, 8, 8), np.uint8))


def test_cues_by_hand():
    film = np.zeros((1, 4, 4))
    film[0, 0] = 1.0
    assert different_greys(film).tolist() == [[2 / 16]]
    assert grey_histogram(film, bins=4).tolist() == [[0.75, 0, 0, 0.25]]
    assert border(film, width=1)[0, :4].tolist() == [1, 0, 0, 0]
    y, x = np.mgrid[:64, :64]
    fine, coarse = np.cos(np.pi * x) + 0 * y, np.cos(2 * np.pi * x / 32)
    powers = sharpness(np.stack([fine, coarse]).astype(float))
    assert powers.argmax(axis=1).tolist() == [7, 0]


def test_labels_that_mean_nothing_are_not_learned():
    """Cross-validation: with more numbers than films, an honest AUC stays near one half."""
    random = np.random.default_rng(5)
    noise = random.random((40, 32, 32))
    found = leak(noise[:20], noise[20:], lambda f: f.reshape(len(f), -1)[:, :100])
    assert 0.2 < found.auc < 0.8


def test_the_same_seed_gives_the_same_answer():
    assert leak(films(1), films(2), border, seed=3) == leak(films(1), films(2), border, seed=3)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda f: f[:, :16], "resize one set"),
        (lambda f: 1 - f, "inverted grey scale"),
        (lambda f: f * 2 - 1, "bring them to 0..1"),
        (lambda f: np.where(f > 0.6, np.nan, f), "NaN"),
        (lambda f: f[0], r"\(N, 1, H, W\)"),
        (lambda f: f[:0], r"\(N, 1, H, W\)"),
    ],
)
def test_films_that_cannot_be_compared_are_refused(spoil, says):
    with pytest.raises(ValueError, match=says):
        check_films(films(1), spoil(films(2)))


def test_a_batch_of_one_is_too_small_to_judge_a_cue():
    with pytest.raises(ValueError, match="at least 10 films"):
        leak(films(1), films(2)[:1], border)
