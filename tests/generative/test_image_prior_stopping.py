"""Stop rules on series made by hand, where the right step is known."""

import numpy as np
import pytest

from course_lib.generative.image_prior_stopping import Calmest, NoiseLevel, moving_variance


def first_stop(rule, pictures, misfits=None):
    """(step that was kept, step at which it stopped or None), counted from 0."""
    rule.start()
    kept = None
    for step, picture in enumerate(pictures):
        verdict = rule.see(picture, 2.0 if misfits is None else misfits[step])
        kept = step if verdict.keep else kept
        if verdict.stop:
            return kept, step
    return kept, None


def test_noise_level_stops_at_the_first_picture_that_is_close_enough():
    misfits = [4.0, 2.0, 1.2, 0.99, 1.5, 0.5]
    pictures = np.zeros((6, 2, 2))
    assert first_stop(NoiseLevel(), pictures, misfits) == (3, 3)
    assert first_stop(NoiseLevel(1.5), pictures, misfits) == (2, 2)
    assert first_stop(NoiseLevel(0.1), pictures, misfits) == (5, None)


def test_moving_variance_in_closed_form():
    steps = np.arange(5.0)[:, None, None] * np.ones((1, 3, 3))  # 0 1 2 3 4: variance 2
    assert moving_variance(steps) == pytest.approx(2.0)
    assert moving_variance(np.ones((4, 2, 2))) == 0


def test_calmest_finds_the_rest_between_drawing_and_noise():
    """Steps shrink until step 40 and grow afterwards: the calmest five end at step 42."""
    change = np.abs(np.arange(80) - 40.0) + 0.1
    pictures = np.cumsum(change)[:, None, None] * np.ones((1, 4, 4))
    kept, stopped = first_stop(Calmest(window=5, patience=10), pictures)
    assert kept == 42
    assert stopped == 52


def test_calmest_used_twice_begins_afresh():
    rule = Calmest(window=3, patience=4)
    pictures = np.random.default_rng(0).random((20, 4, 4))
    assert first_stop(rule, pictures) == first_stop(rule, pictures)
    assert len(rule.variances) < 20


@pytest.mark.parametrize(
    "call, says",
    [
        (lambda: NoiseLevel(0), "positive"),
        (lambda: NoiseLevel(float("nan")), "positive"),
        (lambda: Calmest(window=1), "2 steps"),
        (lambda: Calmest(patience=0), "patience"),
        (lambda: moving_variance(np.zeros((1, 4, 4))), "two or more"),
    ],
)
def test_impossible_rules(call, says):
    with pytest.raises(ValueError, match=says):
        call()
