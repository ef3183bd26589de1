"""Lengths, angles and regions in millimetres, on pixels that need not be square."""

import math

import numpy as np
import pytest

from course_lib.dicom.measure import angle, at_object, inside, length, region, unit_of_length
from course_lib.dicom.spacing import Spacing

TALL = Spacing(2.0, 0.5, "patient")  # a pixel is 2 mm high and 0.5 mm wide


def test_a_length_turns_every_step_into_millimetres_first():
    assert length((0, 0), (6, 2), TALL) == pytest.approx(5.0)  # 3 mm across, 4 mm down
    assert length((6, 2), (0, 0), TALL) == pytest.approx(5.0)
    assert length((1, 1), (4, 5), None) == pytest.approx(5.0)  # pixels where nothing is known


def test_an_angle_is_that_in_the_patient_not_that_on_the_grid():
    assert angle((8, 0), (0, 0), (0, 3), TALL) == pytest.approx(90)
    assert angle((4, 0), (0, 0), (4, 1), TALL) == pytest.approx(45)
    assert angle((4, 0), (0, 0), (4, 1), None) == pytest.approx(math.degrees(math.atan2(1, 4)))
    assert angle((1, 0), (0, 0), (-5, 0), TALL) == pytest.approx(180)
    with pytest.raises(ValueError, match="two arms"):
        angle((2, 2), (2, 2), (3, 3), TALL)


@pytest.mark.parametrize("shape", ["rectangle", "ellipse"])
def test_a_region_knows_its_pixels_and_its_area(shape):
    image = np.random.default_rng(1).normal(100, 15, (90, 120))
    found = region(image, shape, (100, 80), (10, 20), TALL)  # corners in any order
    share = 1 if shape == "rectangle" else math.pi / 4
    assert found.area == pytest.approx(90 * 0.5 * 60 * 2 * share)
    assert found.pixels == pytest.approx(90 * 60 * share, rel=0.03)
    chosen = image[inside(shape, (10, 20), (100, 80), image.shape)]
    assert (found.mean, found.sd) == pytest.approx((chosen.mean(), chosen.std()))
    assert (found.minimum, found.maximum) == (chosen.min(), chosen.max())


def test_a_region_takes_the_pixels_whose_centres_it_holds():
    assert inside("rectangle", (1, 1), (2, 3), (5, 5)).sum() == 6
    assert inside("rectangle", (1.1, 0), (1.9, 4), (5, 5)).sum() == 0
    ring = inside("ellipse", (0, 0), (4, 4), (5, 5))
    assert ring.sum() == 13 and not ring[0, 0] and ring[0, 2]
    outside = region(np.ones((5, 5)), "rectangle", (10, 10), (12, 12), None)
    assert outside.pixels == 0 and math.isnan(outside.mean) and outside.area == 4


def test_only_a_length_on_the_detector_is_corrected_for_magnification():
    detector = Spacing(0.2, 0.2, "detector")
    assert at_object(detector, 1.25) == Spacing(0.16, 0.16, "patient")
    for scale, factor in ((TALL, 1.2), (detector, 0.9), (detector, math.nan)):
        with pytest.raises(ValueError, match="magnified|as large"):
            at_object(scale, factor)


def test_the_unit_says_where_a_length_holds():
    assert unit_of_length(TALL) == "mm"
    assert unit_of_length(Spacing(1, 1, "detector")) == "mm on the detector"
    assert unit_of_length(None) == "pixels"


def test_impossible_regions_are_refused():
    with pytest.raises(ValueError, match="rectangle, ellipse"):
        region(np.ones((3, 3)), "star", (0, 0), (1, 1), None)
    with pytest.raises(ValueError, match="one picture"):
        region(np.ones((3, 3, 3)), "ellipse", (0, 0), (1, 1), None)
