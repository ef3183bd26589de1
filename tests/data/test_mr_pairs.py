"""Data for learned reconstruction: scanned as a scanner scans, and judged without pixels."""

import numpy as np
import pytest
import torch

from course_lib.data.mr_pairs import (
    cohort_images,
    coronal_images,
    even_coil,
    exact_images,
    rician,
    scans,
)
from course_lib.imaging.mr.coils import head_coil
from course_lib.imaging.mr.fourier import to_kspace
from course_lib.imaging.mr.noise import nrmse
from course_lib.imaging.mr.sequences import weights


@pytest.fixture(scope="module")
def images():
    return cohort_images((1, 2), ("T2", "T1"), slices=2, size=48)


def test_the_same_seeds_give_the_same_images(images):
    again = cohort_images((1, 2), ("T2", "T1"), slices=2, size=48)
    assert images.shape == (4, 48, 48) and np.array_equal(images, again)
    assert np.array_equal(images[2:], cohort_images((2,), ("T1",), slices=2, size=48))


def test_images_agree_with_exact_k_space():
    """One slice (z = 20 mm) from pixels and from solids, with the same coil."""
    exact = exact_images((4,))[0]
    from_pixels = cohort_images((4,), slices=1)[0]  # slices=1 lies at z = 20 mm
    assert nrmse(np.abs(from_pixels), np.abs(exact)) < 0.1


def test_a_scan_holds_samples_of_its_target_and_zeros(images):
    case = scans(images, factor=3, noise=0.0, seed=0)
    full = to_kspace(case.target)
    assert torch.allclose(case.measured, full * case.mask, atol=1e-5)
    assert case.target.abs().amax((1, 2)).numpy() == pytest.approx(1.0)
    assert (case.mask[:, :, 0].sum(1) == 16).all()
    assert not torch.equal(case.mask[0], case.mask[1])


def test_noise_has_the_size_that_was_asked_for(images):
    clean, noisy = (scans(images, 2, noise, seed=3) for noise in (0.0, 0.02))
    difference = (noisy.measured - clean.measured)[clean.mask > 0]
    assert difference.real.std() == pytest.approx(0.02, rel=0.05)


def test_several_coils_hear_the_same_head(images):
    maps = head_coil(4).maps((48, 48))
    case = scans(images, factor=4, noise=0.0, seed=0, maps=maps)
    assert case.measured.shape == (4, 4, 48, 48)
    full = to_kspace(case.target[:, None] * torch.from_numpy(maps))
    assert torch.allclose(case.measured, full * case.mask[:, None], atol=1e-5)
    assert len(case[:2]) == 2


def test_an_even_coil_hears_everything_but_turns_the_phase():
    maps = even_coil(5).maps((32, 32))[0]
    assert np.abs(maps).min() > 0.1 and np.ptp(np.angle(maps)) > 0.05


def test_rician_noise_lifts_the_dark_and_hardly_the_bright():
    dark, bright = np.zeros((64, 64)), np.ones((64, 64))
    assert rician(dark, 0.1, seed=0).mean() == pytest.approx(0.1 * np.sqrt(np.pi / 2), rel=0.03)
    assert rician(bright, 0.1, seed=0).mean() == pytest.approx(1.005, abs=0.01)


def test_coronal_heads_stand_upright():
    images = coronal_images((1,), slices=1)
    assert images.shape == (1, 96, 96) and images.max() == 1
    rows = np.flatnonzero(images[0].max(1) > 0.1)
    assert rows[0] > 2 and images[0, :6].max() < 0.1  # air above the crown
    assert weights("T1", ["fat"])["fat"] > 0
