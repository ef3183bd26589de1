"""Four classifiers on real and generated films: the workshop's numbers, equal sets, fair drops."""

import numpy as np
import pytest
import torch

from course_lib.evaluation.published import published
from course_lib.generative.normal_or_abnormal import LabelledFilms
from course_lib.generative.synthetic_training import (
    CLASSIFIERS,
    Calls,
    balanced,
    compare,
    pixels,
    relative_drop,
    shallow,
    table,
    train_and_call,
)
from course_lib.learning.plan import Plan


def bright_films(n: int, seed: int, strength: float = 0.3) -> LabelledFilms:
    """Noise with dark lungs; positive films are brighter at the bottom."""
    random = np.random.default_rng(seed)
    films = torch.from_numpy(random.normal(0.5, 0.1, (n, 1, 64, 64)).astype(np.float32))
    films[:, :, 14:42, 12:26] -= 0.3
    films[:, :, 14:42, 38:52] -= 0.3
    positive = np.arange(n) % 2 == 0
    films[torch.from_numpy(positive), :, 48:] += strength
    return LabelledFilms(films.clamp(0, 1), positive)


def test_the_workshops_twelve_drops_follow_from_its_accuracies():
    rows = published("workshop_synthetic")
    assert len(rows) == 12 and rows.groupby("task").size().tolist() == [4, 4, 4]
    for row in rows.itertuples():
        assert (
            abs(relative_drop(row.accuracy_real, row.accuracy_synthetic) - row.relative_drop)
            < 0.0051
        )


def test_two_to_three_per_cent_holds_for_vgg_only():
    rows = published("workshop_synthetic")
    vgg = rows[rows.model == "VGG16"].relative_drop
    others = rows[rows.model != "VGG16"].relative_drop
    assert vgg.between(2, 3.5).all() and (others > 5).all()


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_every_classifier_learns_what_is_easy(name):
    calls = train_and_call(
        name,
        bright_films(160, 1),
        bright_films(40, 2).films,
        plan=Plan(epochs=16, batch_size=16, learning_rate=2e-3),
    )
    assert calls.dtype == bool and (calls == (np.arange(40) % 2 == 0)).mean() > 0.9


def test_films_without_the_difference_cost_accuracy():
    real, blind, test = bright_films(80, 1), bright_films(80, 2, 0.0), bright_films(60, 3)
    calls = compare(real, blind, test, names=("SVM", "k-NN"))
    rows = table(calls)
    assert (rows["relative_drop"] > 20).all() and (rows["p_mcnemar"] < 0.01).all()
    assert (rows["drop_low"] < rows["relative_drop"]).all()
    assert (rows["relative_drop"] < rows["drop_high"]).all()


def test_training_sets_of_different_size_are_not_compared():
    with pytest.raises(ValueError, match="80 and 60 films"):
        compare(bright_films(80, 1), bright_films(60, 2), bright_films(10, 3), names=("k-NN",))


def test_the_drop_is_relative_and_its_interval_is_paired():
    assert relative_drop(0.96, 0.93) == pytest.approx(3.125)
    assert relative_drop(0.8, 0.84) == pytest.approx(-5)
    truth = np.arange(400) % 2 == 0
    wrong = np.arange(400) < 40
    both = Calls(truth, truth ^ wrong, truth ^ wrong)
    low, high = both.drop_interval()
    assert np.isnan(low) and np.isnan(high), "the same calls: no spread, no claim"
    more = Calls(truth, truth ^ wrong, truth ^ (np.arange(400) < 60))
    low, high = more.drop_interval()
    assert 2 < low < 100 * 20 / 360 < high < 10
    for real, synthetic in ((0, 0.5), (1.2, 0.5), (0.9, -0.1)):
        with pytest.raises(ValueError, match="0..1"):
            relative_drop(real, synthetic)


def test_balanced_takes_equally_many_and_says_when_there_are_too_few():
    positive = np.zeros(100, dtype=bool)
    positive[:14] = True
    chosen = balanced(positive, seed=1)
    assert len(chosen) == 28 and positive[chosen].sum() == 14 and (np.diff(chosen) > 0).all()
    assert np.array_equal(chosen, balanced(positive, seed=1))
    with pytest.raises(ValueError, match="only 14"):
        balanced(positive, 15)


def test_pixels_are_averaged_two_by_two():
    film = torch.arange(16.0).reshape(1, 1, 4, 4) / 16
    assert np.allclose(pixels(film)[0] * 16, [2.5, 4.5, 10.5, 12.5])
    with pytest.raises(ValueError, match="shape"):
        pixels(film[0])


def test_an_unknown_classifier_is_named():
    with pytest.raises(ValueError, match="choose from small VGG"):
        shallow("perceptron")
