"""Axes in the latent space: a planted axis is found, the selection rule, weights, dual basis."""

import numpy as np
import pytest

from course_lib.generative import directions
from course_lib.generative.directions import (
    class_weights,
    find_axes,
    find_logit_axes,
    likely_cosine,
    single_finding,
    unit,
    weighted_r2,
    weighted_regression,
)
from course_lib.generative.directions_basis import (
    dual_basis,
    effect_matrix,
    gram_schmidt,
    random_axes,
)

NAMES = ("mass", "effusion", "normal")


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def planted(n=8000, latent=16, seed=3):
    """Latents, likelihoods and the two axes that made them; "normal" is the absence of both."""
    rng = np.random.default_rng(seed)
    axes = unit(rng.normal(size=(2, latent)))
    z = rng.normal(size=(n, latent))
    logits = 12 * (z @ axes.T - 1.2)
    ill = sigmoid(logits)
    return z, np.column_stack([ill, (1 - ill).prod(axis=1)]), axes


def test_rule_keeps_films_that_show_one_thing():
    likelihood = [
        [0.95, 0.05, 0.0],  # a mass
        [0.9, 0.1, 0.1],  # exactly at the limits: kept
        [0.95, 0.2, 0.0],  # a second thing
        [0.6, 0.0, 0.0],  # not sure
        [0.0, 0.05, 0.97],  # normal
        [0.95, 0.92, 0.0],  # two
    ]
    assert single_finding(likelihood).tolist() == [0, 0, -1, -1, 2, -1]


def test_rule_refuses_what_is_no_likelihood():
    with pytest.raises(ValueError, match="sigmoid"):
        single_finding([[3.0, -2.0]])
    with pytest.raises(ValueError, match="NaN"):
        single_finding([[0.5, np.nan]])
    with pytest.raises(ValueError, match="low < high"):
        single_finding([[0.5, 0.5]], high=0.1, low=0.9)
    with pytest.raises(ValueError, match="films, classes"):
        single_finding([0.5, 0.5])


def test_weights_make_all_classes_count_alike():
    kept = np.array([0] * 90 + [1] * 9 + [2] + [-1] * 50)
    weight = class_weights(kept, 4)
    totals = [weight[kept == k].sum() for k in (0, 1, 2)]
    assert np.allclose(totals, 100 / 3)
    assert weight[kept == -1].sum() == 0
    assert np.isclose(weight[kept >= 0].mean(), 1)


def test_weights_need_a_kept_film():
    with pytest.raises(ValueError, match="No film was kept"):
        class_weights([-1, -1], 2)


def test_regression_is_exact_without_noise_and_follows_the_weights():
    rng = np.random.default_rng(0)
    z, slope = rng.normal(size=(40, 5)), rng.normal(size=(2, 5))
    y = z @ slope.T + [1.0, -2.0]
    found = weighted_regression(z, y, np.ones(40))
    assert np.allclose(found.slope, slope) and np.allclose(found.intercept, [1, -2])
    spoilt = y.copy()
    spoilt[:10] += 50  # films that count nothing
    weight = np.r_[np.zeros(10), rng.uniform(0.5, 2, 30)]
    assert np.allclose(weighted_regression(z, spoilt, weight).slope, slope)
    # a weight of 2 is the same as the film twice
    doubled = weighted_regression(np.r_[z, z[:1]], np.r_[spoilt, spoilt[:1]], np.ones(41))
    twice = weighted_regression(z, spoilt, np.r_[2.0, np.ones(39)])
    assert np.allclose(doubled.slope, twice.slope)


def test_regression_refuses_too_few_films():
    with pytest.raises(ValueError, match="too few for 5 slopes"):
        weighted_regression(np.zeros((5, 5)), np.zeros((5, 1)), np.ones(5))
    with pytest.raises(ValueError, match="NaN"):
        weighted_regression(np.full((9, 2), np.nan), np.zeros((9, 1)), np.ones(9))


def test_r2_by_hand():
    y = np.array([[0.0], [1.0], [2.0], [9.0]])
    weight = np.array([1.0, 1.0, 1.0, 0.0])
    assert np.isclose(weighted_r2(y, y, weight), 1)
    assert np.isclose(weighted_r2(y, np.ones((4, 1)), weight), 0)  # the weighted mean
    assert np.isclose(weighted_r2(y, np.array([[0], [1], [1], [0]]), weight), 1 - 1 / 2)
    assert np.isnan(weighted_r2(np.ones((4, 1)), y, weight)).all()


def test_planted_axes_are_found():
    z, likelihood, truth = planted()
    axes = find_axes(z, likelihood, NAMES, repeats=50)
    cosine = (axes.direction[:2] * truth).sum(axis=1)
    assert (cosine > 0.95).all()
    assert axes.found.all() and axes.reason == ("", "", "")
    assert (axes.agreement[:, 1] > 0.8).all()
    assert (axes.r2[:2] > 0.5).all() and (axes.r2 < 1).all()
    assert axes.kept.tolist() == np.bincount(single_finding(likelihood) + 1)[1:].tolist()


def test_a_likelihood_without_an_axis_gets_none():
    rng = np.random.default_rng(5)
    z = rng.normal(size=(4000, 64))
    shown = np.where(rng.random(4000) < 0.03, 0.97, 0.01)  # has nothing to do with z
    axes = find_axes(z, np.column_stack([shown, 1 - shown]), ("mass", "normal"))
    assert not axes.found.any()
    assert "different axes" in axes.reason[0]
    assert abs(axes.agreement[0, 0]) < 0.3  # noise gives 0, which a bootstrap would not
    assert axes.r2[0] < 0.1
    assert np.isnan(axes.direction[0]).all()
    with pytest.raises(ValueError, match="no axis for mass: two halves"):
        axes.of("mass")


def test_all_films_teach_more_than_the_few_that_are_kept():
    z, likelihood, truth = planted(1500, 32)
    clipped = np.clip(likelihood, 1e-7, 1 - 1e-7)
    logits = np.log(clipped / (1 - clipped))
    rule = find_axes(z, likelihood, NAMES, repeats=10, least=20)
    every = find_logit_axes(z, logits, NAMES, repeats=10)
    assert every.kept.tolist() == [1500] * 3 and every.found.all()
    assert (every.agreement[:2, 1] > rule.agreement[:2, 2]).all()
    assert ((every.direction[:2] * truth).sum(axis=1) > 0.99).all()
    with pytest.raises(ValueError, match="do not fit"):
        find_logit_axes(z, logits[:, :2], NAMES)


def test_a_rare_class_gets_no_axis_but_a_reason():
    z, likelihood, truth = planted()
    rare = np.flatnonzero(single_finding(likelihood) == 0)
    likelihood[rare[20:], 0] = 0.5  # twenty are left
    axes = find_axes(z, likelihood, NAMES, repeats=20)
    assert axes.kept[0] == 20 and "alone: 20" in axes.reason[0]
    assert axes.direction[1] @ truth[1] > 0.95
    with pytest.raises(ValueError, match="Only 1 class"):
        find_axes(z, likelihood, NAMES, least=10**4 // 4)


def test_halves_tell_how_near_the_truth_is():
    assert likely_cosine([0.0, 1.0, -0.2]).tolist() == [0, 1, 0]
    z, likelihood, truth = planted(2500, 40)
    axes = find_axes(z, likelihood, NAMES, repeats=50, least=20)
    cosine = (axes.direction[:2] * truth).sum(axis=1)
    assert np.allclose(likely_cosine(axes.agreement[:2, 0]), cosine, atol=0.08)


def test_same_seed_same_bits_and_misfits_refused():
    z, likelihood, _ = planted(3000)
    one, two = (find_axes(z, likelihood, NAMES, repeats=5, least=20) for _ in range(2))
    assert (one.direction == two.direction).all() and (one.agreement == two.agreement).all()
    with pytest.raises(ValueError, match="do not fit"):
        find_axes(z[:-1], likelihood, NAMES)
    with pytest.raises(ValueError, match="no class 'nodule'"):
        one.of("nodule")


def test_dual_basis_moves_one_model_and_no_other():
    rng = np.random.default_rng(1)
    raw = rng.normal(size=(4, 12)) + rng.normal(size=12)  # share a part: entangled
    dual = dual_basis(raw)
    effect = unit(raw) @ dual.T
    assert np.allclose(effect - np.diag(np.diag(effect)), 0, atol=1e-12)
    assert (np.diag(effect) > 0).all() and np.allclose(np.linalg.norm(dual, axis=1), 1)
    order = [2, 0, 3, 1]
    assert np.allclose(dual_basis(raw[order]), dual[order])  # the order does not matter
    # by its definition: what is left of an axis when the others are projected out
    others = np.linalg.qr(raw[1:].T)[0]
    assert np.allclose(dual[0], unit(raw[0] - others @ (others.T @ raw[0])))


def test_gram_schmidt_depends_on_the_order():
    rng = np.random.default_rng(2)
    raw = rng.normal(size=(3, 6)) + rng.normal(size=6)
    first = gram_schmidt(raw)
    assert np.allclose(first @ first.T, np.eye(3))
    assert np.allclose(first[0], unit(raw[0]))  # who comes first keeps all
    assert np.allclose(first[-1], dual_basis(raw)[-1])  # who comes last is the dual
    turned = gram_schmidt(raw[::-1])[::-1]
    assert not np.allclose(first, turned, atol=0.05)


@pytest.mark.parametrize("way", [gram_schmidt, dual_basis])
def test_axes_made_of_each_other_are_refused(way):
    with pytest.raises(ValueError, match="made of the others"):
        way([[1.0, 0.0], [2.0, 0.0]])
    with pytest.raises(ValueError, match="not found"):
        way([[1.0, np.nan], [2.0, 0.0]])


def test_effect_of_moving_in_a_linear_world():
    rng = np.random.default_rng(4)
    model, starts = rng.normal(size=(3, 7)), rng.normal(size=(50, 7))
    axes = dual_basis(model)
    effect = effect_matrix(lambda z: z @ model.T, starts, axes, 2.0)
    assert np.allclose(effect.mean, 2 * axes @ model.T)
    assert np.allclose(effect.error, 0, atol=1e-12)
    assert np.allclose(effect.own, np.diag(effect.mean)) and np.allclose(effect.other, 0)
    with pytest.raises(ValueError, match="two starts"):
        effect_matrix(lambda z: z, starts[:1], axes, 1.0)


def test_random_axes_are_the_control():
    axes = random_axes(200, 64, seed=0)
    assert np.allclose(np.linalg.norm(axes, axis=1), 1)
    cosines = axes @ axes[0]
    assert abs(cosines[1:].std() - 1 / 8) < 0.02  # chance gives 1 / sqrt(64)
    assert (random_axes(2, 64, 0) == axes[:2]).all()
    assert directions.LEAST_FILMS >= 30
