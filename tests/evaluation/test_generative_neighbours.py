"""Precision, recall, density, coverage, copying; Inception score; path length."""

import numpy as np
import pytest
import torch

from course_lib.evaluation.generative.estimate import Estimate, group_limits
from course_lib.evaluation.generative.inception import inception_features, inception_score
from course_lib.evaluation.generative.neighbours import (
    copying,
    density_coverage,
    inside_region,
    nearest,
    precision_recall,
)
from course_lib.evaluation.generative.path_length import perceptual_path_length, slerp
from course_lib.evaluation.intervals import Interval
from course_lib.models.inception_v3 import inception_v3


def normal(n, width, seed):
    return np.random.default_rng(seed).standard_normal((n, width))


def test_regions_counted_by_hand():
    real = np.array([[0.0], [1], [2], [10]])  # reach with k=1: 1, 1, 1, 8
    made = np.array([[-0.5], [3.5], [30], [31]])  # reach 4, 4, 1, 1
    found = precision_recall(real, made, k=1)
    assert found.precision.value == 0.5  # -0.5 near 0, 3.5 near 10
    assert found.recall.value == 0.75  # all but 10
    dense = density_coverage(real, made, k=1)
    assert dense.density.value == pytest.approx((1 + 1) / 4)
    assert dense.coverage.value == pytest.approx(2 / 4)  # 0 and 10 have a made film in reach


def test_collapse_costs_recall_and_noise_costs_precision():
    real = normal(400, 5, 0)
    collapsed = 0.1 * normal(400, 5, 1)
    scattered = 4 * normal(400, 5, 2)
    same = precision_recall(real, normal(400, 5, 3))
    assert same.precision.value > 0.7 and same.recall.value > 0.7
    narrow = precision_recall(real, collapsed)
    assert narrow.precision.value > 0.95 and narrow.recall.value < 0.1
    wide = precision_recall(real, scattered)
    assert wide.precision.value < 0.3 and wide.recall.value > 0.9


def test_one_outlier_buys_recall_but_not_coverage():
    """Naeem's example: a far-off generated film has a huge ball; coverage does not fall for it."""
    real, made = normal(200, 3, 0), np.full((200, 3), 8.0) + 0.01 * normal(200, 3, 1)
    made[:5] = [-8, -8, -8]
    made[:5] += 0.01 * normal(5, 3, 2)
    assert precision_recall(real, made, k=5).recall.value > 0.9
    assert density_coverage(real, made, k=5).coverage.value < 0.1


def test_density_of_equals_is_one_and_coverage_is_the_closed_form():
    """Coverage of n real by n other films of the same kind: 1 - P(none of n in the k-ball)."""
    n, k = 500, 5
    dense, cover = [], []
    for seed in range(4):
        found = density_coverage(normal(n, 2, 2 * seed), normal(n, 2, 2 * seed + 1), k)
        dense.append(found.density.value)
        cover.append(found.coverage.value)
    assert np.mean(dense) == pytest.approx(1, abs=0.08)
    expected = 1 - np.prod([(n - i) / (2 * n - 1 - i) for i in range(k)])
    assert np.mean(cover) == pytest.approx(expected, abs=0.02)


def test_region_and_nearest():
    cloud = np.array([[0.0, 0], [1, 0], [0, 1]])
    assert inside_region(cloud, [[0.4, 0.4], [5, 5]], k=1).tolist() == [True, False]
    number, distance = nearest([[0.9, 0.1], [0, 3]], cloud)
    assert number.tolist() == [1, 2] and distance[1] == pytest.approx(2)


def test_copies_are_found_and_new_films_are_not():
    training, unseen = normal(300, 6, 0), normal(300, 6, 1)
    assert copying(training, unseen, training[:100] + 1e-3).value > 0.99
    fresh = copying(training, unseen, normal(300, 6, 2))
    assert fresh.interval.low < 0.5 < fresh.interval.high
    assert copying(training, unseen, 5 * normal(300, 6, 3)).value < 0.2


def test_score_is_the_number_of_classes_at_best_and_one_at_worst():
    certain = np.eye(6)[np.arange(600) % 6]
    assert inception_score(certain).value == pytest.approx(6)
    assert inception_score(np.eye(6)[np.zeros(50, int)]).value == pytest.approx(1)
    assert inception_score(np.full((50, 6), 1 / 6)).value == pytest.approx(1)


def test_score_of_two_classes_by_hand():
    table = np.array([[0.9, 0.1], [0.3, 0.7]])
    mean = table.mean(0)
    by_hand = np.exp(np.mean([(p * np.log(p / mean)).sum() for p in table]))
    assert inception_score(table).value == pytest.approx(by_hand)
    drawn = np.random.default_rng(0).dirichlet([1, 1, 1], 400)
    low, high = inception_score(drawn).interval
    assert low < inception_score(drawn).value < high


def test_score_refuses_what_is_no_distribution():
    with pytest.raises(ValueError, match="add up to 1"):
        inception_score([[0.9, 0.9], [0.1, 0.2]])
    with pytest.raises(ValueError, match="add up to 1"):
        inception_score([[1.5, -0.5], [0.5, 0.5]])
    with pytest.raises(ValueError, match="NaN"):
        inception_score([[np.nan, 0.5], [0.5, 0.5]])


def test_path_length_of_the_sphere_itself():
    """Films = latents: the speed is radius times angle. In 2-d the angle is uniform on 0..pi."""
    found = perceptual_path_length(lambda z: z, lambda x: x, 2, paths=4000, epsilon=1e-2)
    assert found.value == pytest.approx(2 * np.pi**2 / 3, rel=0.04)
    found = perceptual_path_length(lambda z: z, lambda x: x, 3, paths=4000)
    assert found.value == pytest.approx(3 * (np.pi**2 - 4) / 2, rel=0.04)
    low, high = found.interval
    assert low < found.value < high


def test_path_length_grows_with_the_square_and_sees_jumps():
    plain = perceptual_path_length(lambda z: z, lambda x: x, 8)
    double = perceptual_path_length(lambda z: 2 * z, lambda x: x, 8)
    assert double.value == pytest.approx(4 * plain.value, rel=1e-3)
    jumping = perceptual_path_length(lambda z: z + 3 * torch.sin(9 * z), lambda x: x, 8)
    assert jumping.value > 20 * plain.value


def test_slerp_stays_on_the_sphere_and_meets_both_ends():
    a, b = normal(5, 7, 0), normal(5, 7, 1)
    for share in (0.0, 0.3, 1.0):
        assert np.linalg.norm(slerp(a, b, share), axis=1) == pytest.approx(np.sqrt(7))
    ends = a / np.linalg.norm(a, axis=1, keepdims=True) * np.sqrt(7)
    assert np.allclose(slerp(a, b, 0.0), ends) and np.allclose(slerp(a, a, 0.4), ends)
    half = slerp(np.array([[1.0, 0]]), np.array([[0, 1.0]]), 0.5)
    assert np.allclose(half, [[1, 1]])
    with pytest.raises(ValueError, match="opposite"):
        slerp(a, -a, 0.5)


def test_path_length_refuses_nonsense():
    with pytest.raises(ValueError, match="epsilon"):
        perceptual_path_length(lambda z: z, lambda x: x, 4, epsilon=0)
    with pytest.raises(ValueError, match="NaN"):
        perceptual_path_length(lambda z: z * float("nan"), lambda x: x, 4)


def test_inception_features_of_given_weights():
    torch.manual_seed(0)
    features = inception_features(inception_v3("paper", 1000, 3).state_dict())
    seen = features(torch.rand(2, 1, 64, 64))
    assert seen.shape == (2, 2048) and np.isfinite(seen).all()


def test_inception_weights_that_are_not_there(monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))

    def no_network(*_, **__):
        raise OSError("no network")

    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", no_network)
    with pytest.raises(ConnectionError, match="inception_v3 are not on this computer"):
        inception_features()


def test_neighbours_refuse_too_few_films():
    with pytest.raises(ValueError, match="4 or more"):
        precision_recall(normal(3, 2, 0), normal(10, 2, 1))
    with pytest.raises(ValueError, match="k counts"):
        precision_recall(normal(9, 2, 0), normal(10, 2, 1), k=0)


def test_estimates_read_like_a_sentence():
    assert str(Estimate(2.0)) == "2"
    assert str(Estimate(2.0, Interval(1.5, 2.5))) == "2 (1.5 to 2.5)"
    assert str(Estimate(2.0, note="Too few.")).endswith(". Too few.")
    assert [part.stop - part.start for part in group_limits(10, 4)] == [2, 3, 3, 2]
