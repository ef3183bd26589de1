"""A restoration repeats, helps where the truth is known, and stops before it spoils a picture."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from course_lib.generative.image_prior import psnr_of, restore
from course_lib.generative.image_prior_operators import Shrunk, Visible, lanczos_matrix
from course_lib.generative.image_prior_stopping import NoiseLevel
from course_lib.models.image_prior import Hourglass, coordinates

Y, X = np.mgrid[:32, :32] / 31
SMOOTH = (0.5 + 0.25 * np.sin(3 * X + 1) * np.cos(2 * Y)).astype(np.float32)
QUICK = {"learning_rate": 0.02, "jitter": 0.0, "average": 0.9}


def small():
    torch.manual_seed(0)
    return Hourglass(8, 1, widths=(12, 12), skips=(0, 0))


def test_the_same_seed_gives_the_same_bits():
    runs = [restore(SMOOTH, steps=5, seed=seed) for seed in (3, 3, 4)]
    np.testing.assert_array_equal(runs[0].picture, runs[1].picture)
    np.testing.assert_array_equal(runs[0].misfit, runs[1].misfit)
    assert not np.array_equal(runs[0].picture, runs[2].picture)


def test_a_hole_in_a_smooth_picture_is_filled_better_than_by_the_mean():
    known = np.ones((32, 32), bool)
    known[10:16, 14:22] = False
    result = restore(np.where(known, SMOOTH, np.nan), Visible(known), small(), steps=150, **QUICK)
    error = np.sqrt(np.mean((result.picture - SMOOTH)[~known] ** 2))
    by_mean = np.sqrt(np.mean((SMOOTH[known].mean() - SMOOTH[~known]) ** 2))
    assert error < by_mean / 2


def test_noise_is_removed_and_the_noise_level_stops_the_run():
    noisy = SMOOTH + np.random.default_rng(1).normal(0, 0.1, SMOOTH.shape)
    result = restore(
        noisy, None, small(), steps=200, noise=0.1, stop=NoiseLevel(), truth=SMOOTH, **QUICK
    )
    assert result.reason == NoiseLevel.reason
    assert result.steps < 200 and result.kept == result.steps
    assert psnr_of(result.picture, SMOOTH) > psnr_of(noisy, SMOOTH) + 4
    assert result.psnr[-1] == pytest.approx(psnr_of(result.picture, SMOOTH))


def test_super_resolution_explains_the_small_film():
    shrunk = Shrunk(2)
    film = shrunk.shrink(SMOOTH)
    result = restore(film, shrunk, small(), steps=150, **QUICK)
    assert result.picture.shape == (32, 32)
    assert np.abs(shrunk.shrink(result.picture) - film).mean() < 0.02
    grown = lanczos_matrix(16, 32) @ film @ lanczos_matrix(16, 32).T
    assert psnr_of(grown, SMOOTH) > 30  # a smooth picture is easy for Lanczos: a fair peer


def test_better_known_pixels_count_more():
    """Two halves contradict the smooth picture equally; the one declared noisy is not followed."""
    film = SMOOTH.copy()
    film[::2, :16] += 0.2
    film[::2, 16:] += 0.2
    noise = np.where(np.arange(32) < 16, 0.02, 2.0) * np.ones((32, 1))
    result = restore(film, None, small(), steps=120, noise=noise, **QUICK)
    left, right = (
        np.abs(result.picture - film)[:, part].mean() for part in (slice(16), slice(16, 32))
    )
    assert left < right


def test_a_loss_that_is_no_number_ends_with_the_last_good_picture():
    class Breaking:
        """An operator that fails at its fifth use."""

        used_so_far = 0

        def side(self, measured):
            return measured.shape

        def used(self, measured):
            return measured

        def __call__(self, picture):
            self.used_so_far += 1
            return picture * (float("nan") if self.used_so_far >= 5 else 1.0)

    result = restore(SMOOTH, Breaking(), small(), steps=20)
    assert result.steps == result.kept == 4
    assert np.isfinite(result.picture).all()
    assert "step 5" in result.reason


def test_snapshots_watching_and_another_input():
    seen = []
    torch.manual_seed(0)
    network = Hourglass(2, 1, widths=(8,), skips=(2,))
    result = restore(
        SMOOTH, None, network, steps=6, start=coordinates((32, 32)), snapshot_every=3,
        watch=lambda step, picture: seen.append((step, picture.shape)),
    )  # fmt: skip
    assert list(result.snapshots) == [1, 3, 6]
    np.testing.assert_array_equal(result.snapshots[6], result.picture)
    assert seen == [(step, (32, 32)) for step in range(1, 7)]


def test_average_of_the_first_outputs_is_their_plain_mean():
    outputs = []
    result = restore(
        SMOOTH, None, small(), steps=4, average=0.99, watch=lambda s, p: outputs.append(p)
    )
    raw = [
        outputs[0],
        *(k * b - (k - 1) * a for k, (a, b) in enumerate(pairwise(outputs), 2)),
    ]
    np.testing.assert_allclose(result.picture, np.mean(raw, axis=0), atol=1e-5)


def test_psnr_in_closed_form():
    assert psnr_of([[0.5]], [[0.4]]) == pytest.approx(20.0)
    assert psnr_of(SMOOTH, SMOOTH) == float("inf")


BAD = {
    "holds NaN": {"measured": np.where(X > 0.5, np.nan, SMOOTH)},
    "scale the film": {"measured": SMOOTH * 4095},
    "single value": {"measured": np.full((32, 32), 0.5)},
    "One grey film": {"measured": np.stack([SMOOTH, SMOOTH])},
    "one for each pixel": {"measured": SMOOTH, "noise": np.ones((16, 16))},
    "must be positive": {"measured": SMOOTH, "noise": np.where(X > 0.5, 0, 0.1)},
    "The truth has the shape": {"measured": SMOOTH, "truth": SMOOTH[:16]},
    "at least one step": {"measured": SMOOTH, "steps": 0},
    "learning_rate": {"measured": SMOOTH, "learning_rate": 0.0},
    "average": {"measured": SMOOTH, "average": 1.0},
    "must agree": {"measured": SMOOTH, "operator": Visible(X[:16] > 0.5)},
    "more than 4 pixels": {"measured": SMOOTH[:4, :4]},
    r"\(1, 32, H, W\)": {"measured": SMOOTH, "start": torch.zeros(1, 3, 32, 32)},
}


@pytest.mark.parametrize("says", BAD)
def test_what_cannot_be_restored_is_said_in_one_sentence(says):
    with pytest.raises(ValueError, match=says) as complaint:
        restore(**{"steps": 2, **BAD[says]})
    assert len(str(complaint.value)) < 200
