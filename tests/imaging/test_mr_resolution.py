"""Thick slices: what each profile keeps, and where its pixels lie."""

import numpy as np
import pytest

from course_lib.imaging.mr.resolution import PROFILES, enlarge, thick_slices

ROW = np.arange(48)
SMOOTH = np.repeat(np.exp(-0.5 * ((ROW - 20.3) / 6) ** 2)[:, None], 8, axis=1).astype(np.float32)


def centre_of_mass(image, step):
    row = (np.arange(len(image)) + 0.5) * step - 0.5
    return (row @ image[:, 0]) / image[:, 0].sum()


@pytest.mark.parametrize("profile", PROFILES)
def test_thick_slices_keep_mean_and_place(profile):
    thick = thick_slices(SMOOTH, 4, profile)
    assert thick.shape == (12, 8)
    assert thick.mean() == pytest.approx(SMOOTH.mean(), rel=0.02)
    assert centre_of_mass(thick, 4) == pytest.approx(centre_of_mass(SMOOTH, 1), abs=0.15)


def test_a_box_is_the_mean_of_its_rows():
    image = np.arange(24.0).reshape(2, 6, 2)
    assert np.allclose(thick_slices(image, 3), [[[2, 3], [8, 9]], [[14, 15], [20, 21]]])


def test_interpolation_brings_back_what_is_smooth_and_not_what_is_fine():
    back = enlarge(thick_slices(SMOOTH, 3), 3)
    assert np.abs(back - SMOOTH).max() < 0.05
    stripes = np.tile(np.array([[1.0], [0.0]]), (24, 8))
    assert np.ptp(enlarge(thick_slices(stripes, 4), 4)) < 1e-5


def test_wrong_profiles_and_sizes_are_refused():
    with pytest.raises(ValueError, match="profile"):
        thick_slices(SMOOTH, 4, "triangle")
    with pytest.raises(ValueError, match="slices of 5"):
        thick_slices(SMOOTH, 5)
