"""Slices at any dose: the same anatomy, other noise, lesions with the contrast asked for."""

import numpy as np
import pytest

from course_lib.data.low_dose import (
    PIXEL_MM,
    SIZE,
    AbdomenSlice,
    dose_patches,
    to_grey,
    to_hounsfield,
)
from course_lib.patient.pathology.liver import add_liver_lesions, liver_places


@pytest.fixture(scope="module")
def place():
    return AbdomenSlice(1, lesions=3, radius_mm=8)


def at(image, where):
    """The 5 x 5 pixels about a place in mm."""
    column, row = (int(round((SIZE - 1) / 2 + v / PIXEL_MM)) for v in where[:2])
    return image[row - 2 : row + 3, column - 2 : column + 3]


def test_a_tenth_of_the_dose_has_about_three_times_the_noise(place):
    clean, where = place.noiseless(), np.s_[60:80, 70:90]  # in front, where photons suffice
    low, full = (np.std((place.image(dose, 1) - clean)[where]) for dose in (0.1, 1.0))
    assert 2.5 < low / full < 5


def test_the_same_seed_gives_the_same_image(place):
    assert np.array_equal(place.image(0.2, 5), place.image(0.2, 5))
    assert not np.array_equal(place.image(0.2, 5), place.image(0.2, 6))


def test_lesions_are_as_dark_as_asked_for(place):
    without = AbdomenSlice(1, lesions=3, radius_mm=8, with_lesions=False)
    assert np.array_equal(place.places_mm, without.places_mm)
    difference = place.noiseless() - without.noiseless()
    assert len(place.places_mm) == 3
    for where in place.places_mm:
        assert at(difference, where).mean() == pytest.approx(-27, abs=5)


def test_patches_of_a_patient_do_not_depend_on_the_others():
    both, alone = dose_patches([2, 3], 0.2, 4, 32), dose_patches([3], 0.2, 4, 32)
    assert both.low.shape == (8, 32, 32)
    assert np.array_equal(both.low[4:], alone.low) and set(both.patient[4:]) == {3}


def test_grey_values_and_hounsfield_units_are_each_other_s_reverse():
    assert to_grey(np.array([-1000.0, -160, 40, 240, 3000])).tolist() == [-1, -1, 0, 1, 1]
    assert to_hounsfield(to_grey(np.array([-20.0, 100]))) == pytest.approx([-20, 100])


def test_what_cannot_be_is_said(place):
    with pytest.raises(ValueError, match="above 0"):
        place.image(0)
    with pytest.raises(ValueError, match="between 0 and 1"):
        add_liver_lesions(place.parts, [0, 0, 0], 5, 1.5)
    with pytest.raises(ValueError, match="smaller"):
        dose_patches([1], 0.2, 4, 250)


def test_a_crowded_liver_takes_only_as_many_lesions_as_fit(place):
    assert 0 < len(liver_places(place.parts, place.z_mm, 15, 1000, 0)) < 30
