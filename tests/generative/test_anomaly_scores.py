"""Maps, scores, thresholds and tables of the anomaly detector, against hand-made cases."""

import numpy as np
import pytest
import torch

from course_lib.evaluation.mcnemar import mcnemar
from course_lib.generative.anomaly import (
    SUMMARIES,
    detection_table,
    difference_maps,
    mean_square,
    paired_detection,
    peak,
    peak_hits,
    threshold_on_normals,
    top_share,
    unusual,
    usual_differences,
)
from course_lib.generative.anomaly_linear import fit_linear
from course_lib.generative.latent_search import SearchPlan, search_twins


def test_the_map_is_positive_where_the_film_is_whiter():
    films, twins = torch.full((2, 1, 9, 9), 0.5), torch.full((2, 1, 9, 9), 0.5)
    films[0, 0, 4, 4], films[1, 0, 4, 4] = 1.0, 0.0
    maps = difference_maps(films, twins)
    assert maps.shape == (2, 9, 9)
    assert maps[0, 4, 4] > 0 > maps[1, 4, 4]
    assert maps[0].sum() == pytest.approx(0.5, rel=1e-3)  # smoothing spreads, it loses nothing
    np.testing.assert_allclose(difference_maps(films, twins, blur=0)[0, 4, 4], 0.5)


def test_one_film_is_not_smoothed_into_the_next():
    films = torch.zeros(3, 1, 8, 8)
    films[1] = 1
    maps = difference_maps(films, torch.zeros_like(films), blur=2)
    assert not maps[0].any() and not maps[2].any()


@pytest.mark.parametrize(
    ("one", "other", "blur", "message"),
    [
        (torch.zeros(2, 1, 8, 8), torch.zeros(3, 1, 8, 8), 1.0, "shape"),
        (torch.zeros(2, 8, 8), torch.zeros(2, 8, 8), 1.0, "shape"),
        (torch.zeros(2, 1, 8, 8), torch.zeros(2, 1, 8, 8), -1.0, "blur"),
    ],
)
def test_maps_of_films_that_do_not_fit_are_refused(one, other, blur, message):
    with pytest.raises(ValueError, match=message):
        difference_maps(one, other, blur)


def test_summaries_of_a_known_map():
    maps = np.zeros((1, 10, 10))
    maps[0, 2, 3], maps[0, 5, 5] = -3.0, 2.0
    assert mean_square(maps)[0] == pytest.approx(0.13)
    assert peak(maps)[0] == 3.0
    assert top_share(maps, 0.01)[0] == 3.0
    assert top_share(maps, 0.02)[0] == 2.5
    assert all(summary(maps).shape == (1,) for summary in SUMMARIES.values())


def test_usual_differences_are_divided_out():
    random = np.random.default_rng(0)
    noisy = np.ones((8, 8))
    noisy[:, 4:] = 10
    normals = 0.1 + 0.02 * noisy * random.normal(size=(400, 8, 8))
    usual = usual_differences(normals)
    np.testing.assert_allclose(usual.spread, 0.02 * noisy, rtol=0.2)
    odd = unusual(normals, usual)
    assert abs(odd.mean()) < 1e-9 and odd.std() == pytest.approx(1, abs=0.05)
    with pytest.raises(ValueError, match="too few"):
        usual_differences(normals[:5])
    with pytest.raises(ValueError, match="usual"):
        unusual(normals[:, :4], usual)
    with pytest.raises(ValueError, match="finite"):
        peak(np.full((2, 4, 4), np.nan))


@pytest.mark.parametrize("rate", [0.05, 0.1, 0.5])
def test_the_threshold_lets_no_more_normals_through_than_asked(rate):
    scores = np.random.default_rng(1).normal(size=137)
    line = threshold_on_normals(scores, rate)
    assert (scores > line).mean() <= rate
    lower = scores[scores < line].max()  # the next lower one would call too many
    assert (scores > lower).mean() > rate - 1 / 137 and (scores >= line).sum() > 137 * rate


def test_equal_scores_do_not_break_the_promise():
    assert (np.ones(20) > threshold_on_normals(np.ones(20), 0.1)).sum() == 0


def test_impossible_thresholds_are_refused():
    for scores, rate in (
        ([], 0.1),
        ([1, np.nan], 0.5),
        ([1, 2, 3], 0.1),
        ([1] * 50, 0),
        ([1] * 50, 1),
    ):
        with pytest.raises(ValueError):
            threshold_on_normals(scores, rate)


def test_the_table_counts_each_finding():
    scores = {"mass": [3.0, 2.0, 0.1], "hernia": [0.0, 0.1]}
    table = detection_table(scores, [0.0, 0.2, 1.5, 0.3], 1.0, known=["mass"]).set_index(
        "diagnosis"
    )
    assert table.detected.to_dict() == {"mass": 2, "hernia": 0, "normal": 1}
    assert table.in_training.to_dict() == {"mass": "yes", "hernia": "no", "normal": ""}
    assert table.loc["mass", "auc"] == pytest.approx(9 / 12)
    assert table.loc["mass", "low"] < 2 / 3 < table.loc["mass", "high"]
    assert np.isnan(table.loc["normal", "auc"])


def test_pairs_of_calls():
    first = np.array([1, 1, 1, 1, 0, 0], bool)
    second = np.array([1, 0, 0, 0, 1, 0], bool)
    result = paired_detection(first, second)
    assert (result.subjects, result.first, result.second) == (6, 4, 2)
    assert result.test == mcnemar(3, 1)
    assert result.gain == pytest.approx(1 / 3)
    assert result.low < result.gain < result.high


def test_the_peak_may_lie_beside_a_thin_lesion():
    mask = np.zeros((64, 64), bool)
    mask[30, 20:40] = True
    near, far = np.zeros((64, 64)), np.zeros((64, 64))
    near[31, 25], far[50, 50] = -2, 2  # darker counts as well
    assert peak_hits(near, mask) and not peak_hits(far, mask)
    assert not peak_hits(near, mask, share=0)


@pytest.fixture(scope="module")
def flat_world():
    """Films that vary in three ways only, plus a little noise."""
    random = np.random.default_rng(3)
    ways = random.normal(size=(3, 64))
    rows = 127 + 12 * random.normal(size=(200, 3)) @ ways + random.normal(0, 1, (200, 64))
    return torch.from_numpy(rows.clip(0, 255).round().astype(np.uint8)).view(200, 1, 8, 8)


def test_the_linear_generator_knows_the_ways_films_vary(flat_world):
    generator = fit_linear(flat_world, 3)
    films = flat_world.float() / 255
    assert (generator.twins(films) - films).square().mean() ** 0.5 < 0.02
    z = generator.nearest(films)
    torch.testing.assert_close(z.var(0), torch.ones(3), atol=1e-2, rtol=1e-2)
    assert generator(z).shape == (200, 1, 8, 8)


def test_the_search_arrives_where_least_squares_is_at_once(flat_world):
    generator = fit_linear(flat_world, 3)
    films = flat_world[:5].float() / 255
    found = search_twins(generator, films, SearchPlan(steps=400, rate=0.03, loss="mse"))
    torch.testing.assert_close(found.z, generator.nearest(films), atol=0.01, rtol=0.01)


def test_a_new_way_to_vary_stands_out(flat_world):
    generator = fit_linear(flat_world, 3)
    films = flat_world[:40].float() / 255
    ill = films.clone()
    ill[:, :, 2:4, 2:4] += 0.3
    ill.clamp_(0, 1)
    healthy = mean_square(difference_maps(films, generator.twins(films), 0))
    assert mean_square(difference_maps(ill, generator.twins(ill), 0)).min() > healthy.max()


def test_a_linear_generator_needs_enough_films(flat_world):
    with pytest.raises(ValueError, match="need more"):
        fit_linear(flat_world[:3], 3)
    with pytest.raises(ValueError, match="uint8"):
        fit_linear(flat_world.float(), 3)
