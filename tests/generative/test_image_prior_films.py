"""A corner of a film has exact truth, noise as predicted, and its finding where the mask says."""

import numpy as np
import pytest

from course_lib.generative.image_prior_films import film_corner
from course_lib.patient.cohort import sample_patient
from course_lib.patient.findings import add_finding


@pytest.fixture(scope="module")
def corner():
    patient = add_finding(sample_patient(5601, 60, "M"), "nodule", 0.3, "right", 5)
    return film_corner(patient, (192, 114), 64)


def test_truth_lies_between_0_and_1_and_pixels_are_below_a_millimetre(corner):
    assert corner.clean.shape == (64, 64)
    assert 0.05 < corner.clean.min() < corner.clean.max() < 0.95
    assert corner.pixel_mm < 1


@pytest.mark.parametrize("dose", [1.0, 0.1, 0.01, 0.005])
def test_the_predicted_noise_is_the_noise(corner, dose):
    """Mean of (error / predicted)^2 is 1: within 4 standard errors of 4096 pixels, 6 exposures."""
    shares = []
    for seed in range(6):
        film = corner.exposed(dose, seed)
        shares.append(np.mean(((film - corner.clean) / corner.noise(film, dose)) ** 2))
    assert np.mean(shares) == pytest.approx(1.0, abs=0.05)


def test_a_quarter_of_the_dose_doubles_the_noise(corner):
    spread = [
        np.std([corner.exposed(dose, seed) - corner.clean for seed in range(4)])
        for dose in (0.4, 0.1)
    ]
    assert spread[1] / spread[0] == pytest.approx(2.0, rel=0.05)


def test_the_same_seed_is_the_same_exposure(corner):
    np.testing.assert_array_equal(corner.exposed(0.1, 4), corner.exposed(0.1, 4))
    assert not np.array_equal(corner.exposed(0.1, 4), corner.exposed(0.1, 5))


def test_the_nodule_is_brighter_than_its_surroundings(corner):
    mask = corner.mask("nodule")
    assert 100 < mask.sum() < 400
    around = np.roll(mask, 14, axis=1) & ~mask
    assert corner.clean[mask].mean() > corner.clean[around].mean()


def test_two_corners_can_share_their_grey_scale(corner):
    """Without the nodule the same patient has the same film, except where the nodule was."""
    healthy = film_corner(sample_patient(5601, 60, "M"), (192, 114), 64, scale=corner.limits)
    difference = corner.clean - healthy.clean
    assert difference[corner.mask("nodule")].mean() > 0.05
    assert np.abs(difference[:8]).max() < 0.02


def test_what_cannot_be_is_said(corner):
    with pytest.raises(ValueError, match="no mass"):
        corner.mask("mass")
    with pytest.raises(ValueError, match="positive share"):
        corner.exposed(0, 1)
    with pytest.raises(ValueError, match="does not lie on"):
        film_corner(corner.rays.patient, (20, 20), 64)
