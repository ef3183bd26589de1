"""Corrections: exact where the theory is exact, and harmless where nothing changed."""

import copy

import numpy as np
import pytest
import torch

from course_lib.evaluation.calibrators import with_prior
from course_lib.learning.film_classifier import FilmClassifier, new_film_classifier
from course_lib.robustness.adaptation_augment import Appearance, ChangedFilms, sharpened
from course_lib.robustness.adaptation_labels import shares_by_confusion, shares_by_em
from course_lib.robustness.adaptation_norm import renormalised
from course_lib.robustness.adaptation_weights import (
    density_ratio,
    effective_films,
    weighted_mean,
)


def two_gaussians(n, share, seed):
    """Classes and exact posterior (for prevalence 0.2) of x ~ N(class, 1)."""
    random = np.random.default_rng(seed)
    ill = (random.random(n) < share).astype(int)
    x = random.normal(size=n) + 1.5 * ill
    odds = 0.2 / 0.8 * np.exp(1.5 * x - 1.125)
    p = odds / (1 + odds)
    return ill, np.column_stack([1 - p, p]), x


def test_the_corrected_posterior_is_the_true_one():
    _, p, x = two_gaussians(500, 0.6, 1)
    odds = 0.6 / 0.4 * np.exp(1.5 * x - 1.125)
    assert np.abs(with_prior(p, [0.8, 0.2], [0.4, 0.6])[:, 1] - odds / (1 + odds)).max() < 1e-14


def test_em_finds_the_new_share_and_the_start_does_not_matter():
    _, p, _ = two_gaussians(20_000, 0.6, 2)
    found = shares_by_em(p, [0.8, 0.2])
    assert found.shares[1] == pytest.approx(0.6, abs=0.02)
    assert found.weights == pytest.approx(found.shares / [0.8, 0.2])
    # A fixed point: the mean of the corrected probabilities is the share itself.
    again = with_prior(p, [0.8, 0.2], found.shares).mean(0)
    assert again == pytest.approx(found.shares, abs=1e-7)


def test_bbse_is_exact_on_exact_counts():
    # 70 % of the ill and 10 % of the well are called ill; 20 % ill before, 60 % now.
    old_classes = np.repeat([1, 1, 0, 0], [140, 60, 80, 720])
    old_calls = np.repeat([1, 0, 1, 0], [140, 60, 80, 720])
    new_calls = np.repeat([1, 0], [460, 540])  # 0.6 * 0.7 + 0.4 * 0.1
    found = shares_by_confusion(old_classes, old_calls, new_calls, 2)
    assert found.weights == pytest.approx([0.5, 3.0])
    assert found.shares == pytest.approx([0.4, 0.6])


def test_bbse_stays_between_0_and_1():
    classes = np.repeat([0, 0, 1, 1], [90, 10, 10, 90])
    calls = np.repeat([0, 1, 0, 1], [90, 10, 10, 90])
    assert shares_by_confusion(classes, calls, np.ones(50, int), 2).shares.tolist() == [0, 1]


def test_the_density_ratio_of_two_gaussians():
    random = np.random.default_rng(3)
    old, new = random.normal(size=(4000, 1)), random.normal(size=(4000, 1)) + 1
    weights = density_ratio(old, new, strength=1e-3)
    truth = np.exp(old[:, 0] - 0.5)
    assert np.corrcoef(weights, truth)[0, 1] > 0.99
    assert weighted_mean(old[:, 0], weights) == pytest.approx(1, abs=0.1)
    assert effective_films(truth) / 4000 == pytest.approx(np.exp(-1), abs=0.06)


def test_effective_films():
    assert effective_films(np.full(9, 3.0)) == pytest.approx(9)
    assert effective_films([0, 0, 5]) == pytest.approx(1)


@pytest.fixture(scope="module")
def classifier():
    model = new_film_classifier(3)
    model.train()
    with torch.no_grad():
        for _ in range(5):
            model(torch.rand(16, 1, 64, 64, generator=torch.Generator().manual_seed(0)))
    return FilmClassifier(model.eval())


def test_batch_norm_takes_the_statistics_of_the_films(classifier):
    films = torch.rand(16, 1, 64, 64, generator=torch.Generator().manual_seed(1)) * 0.5
    before = copy.deepcopy(classifier.model.state_dict())
    adapted = renormalised(classifier, films)
    first = adapted.model.features.norm0
    maps = adapted.model.features.conv0(films)
    assert torch.allclose(first.running_mean, maps.mean((0, 2, 3)), atol=1e-5)
    assert torch.allclose(first.running_var, maps.var((0, 2, 3)), rtol=1e-4)
    assert all(torch.equal(before[k], v) for k, v in classifier.model.state_dict().items())
    assert torch.equal(adapted.model.classifier.weight, classifier.model.classifier.weight)
    assert not adapted.model.training


def test_old_statistics_can_be_worth_everything(classifier):
    films = torch.rand(16, 1, 64, 64, generator=torch.Generator().manual_seed(1)) * 0.5
    kept = renormalised(classifier, films, worth=1e9)
    assert np.allclose(kept.logits(films), classifier.logits(films), atol=1e-3)
    half, new = (renormalised(classifier, films, worth).model.features.norm0 for worth in (16, 0))
    old = classifier.model.features.norm0
    assert torch.allclose(half.running_mean, (old.running_mean + new.running_mean) / 2, atol=1e-6)


def test_an_appearance_of_nothing_changes_nothing():
    film = torch.rand(1, 16, 16, generator=torch.Generator().manual_seed(2))
    nothing = Appearance(0, 0, 0, 0, 0)
    assert torch.allclose(nothing(film, np.random.default_rng(0)), film, atol=1e-6)
    changed = Appearance()(film, np.random.default_rng(5))
    assert torch.equal(changed, Appearance()(film, np.random.default_rng(5)))
    assert not torch.allclose(changed, film) and changed.min() >= 0 and changed.max() <= 1


def test_sharpening_leaves_flat_areas_and_undoes_nothing_at_0():
    flat = torch.full((1, 9, 9), 0.4)
    assert torch.allclose(sharpened(flat, 3.0), flat)
    step = torch.zeros(1, 9, 9)
    step[..., 5:] = 1
    assert torch.equal(sharpened(step, 0.0), step)
    assert sharpened(step, 1.0).max() > 1 > sharpened(step, -1.0)[0, 4, 5]


def test_changed_films_differ_between_epochs_only():
    films = torch.randint(0, 256, (4, 1, 64, 64), dtype=torch.uint8)
    data = ChangedFilms(films, np.arange(4), Appearance(), shift=2, seed=1)
    first = data[1]["image"]
    assert torch.equal(first, data[1]["image"]) and data[1]["target"] == 1
    data.set_epoch(1)
    assert not torch.equal(first, data[1]["image"])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: shares_by_em([[0.7, 0.7]], [0.5, 0.5]), "sum to 1"),
        (lambda: shares_by_confusion([0, 1], [0], [0], 2), "2 classes but 1 calls"),
        (lambda: shares_by_confusion([0, 0], [0, 1], [0], 2), "is of class 1"),
        (lambda: shares_by_confusion([0, 1], [0, 0], [0], 2), "tell all classes apart"),
        (lambda: effective_films([-1, 2]), "0 or more"),
        (lambda: weighted_mean([1, 2], [1, 2, 3]), "one finite value"),
        (lambda: density_ratio(np.ones((9, 2)), np.ones((9, 2)), strength=0), "above 0"),
        (lambda: Appearance(contrast=1.5), "below 1"),
    ],
)
def test_mistakes_are_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_batch_norm_refuses_what_it_cannot_use(classifier):
    with pytest.raises(ValueError, match="8 films"):
        renormalised(classifier, torch.rand(4, 1, 64, 64))
    with pytest.raises(ValueError, match="0..1"):
        renormalised(classifier, torch.rand(16, 1, 64, 64) * 255)
