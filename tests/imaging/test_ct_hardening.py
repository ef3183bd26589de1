"""Hounsfield units and beam hardening: calibrated, provoked, corrected."""

from dataclasses import replace

import numpy as np
import pytest

from course_lib.imaging.attenuation import linear_attenuation
from course_lib.imaging.ct.acquisition import CHEST_CT, scan
from course_lib.imaging.ct.beam_hardening import bone_in, correct_bone, correct_water, hardened
from course_lib.imaging.ct.fbp import fbp
from course_lib.imaging.ct.geometry import FanBeam, ParallelBeam
from course_lib.imaging.ct.hounsfield import (
    WINDOWS,
    Window,
    faultless,
    from_hounsfield,
    hounsfield,
    tissue_hounsfield,
    true_hounsfield,
    water_value,
)
from course_lib.patient.solids import Part, ellipsoids

PROTOCOL = faultless(replace(CHEST_CT, beam=ParallelBeam(180, 144, 3.0), bowtie_mm=0))
WATER = Part("body", "water", "air", ellipsoids([0, 0, 0], [150, 120, 1e4]))
BONES = tuple(
    Part("bone", "bone_cortical", "water", ellipsoids([x, 0, 0], [18, 18, 1e4])) for x in (-60, 60)
)
MU_70 = float(linear_attenuation("water", 70.0))


def picture(sinogram, mu):
    made = fbp(sinogram.values, sinogram.angles_deg, sinogram.spacing_mm, 144, 3.0, "hann")
    return hounsfield(made, mu)


def middle(image):
    return image[66:78, 66:78].mean()


def edge(image):
    return image[66:78, 26:30].mean()


def test_water_and_air_are_where_the_scale_puts_them():
    assert hounsfield(MU_70, MU_70) == 0
    assert hounsfield(0, MU_70) == -1000
    assert tissue_hounsfield("water", 70.0) == pytest.approx(0, abs=1e-9)
    assert tissue_hounsfield("air", 70.0) == pytest.approx(-1000)
    assert from_hounsfield(hounsfield(0.03, 0.02, 1e-5), 0.02, 1e-5) == pytest.approx(0.03)
    with pytest.raises(ValueError, match="more than air"):
        hounsfield(0.02, 0.0)


def test_soft_tissue_is_not_at_100():
    assert 35 < tissue_hounsfield("muscle", 70.0) < 65
    assert -110 < tissue_hounsfield("fat", 70.0) < -60


def test_true_slice_has_the_hounsfield_units_of_its_tissues():
    image = true_hounsfield((WATER, *BONES), 0.0, 144, 3.0, 70.0)
    assert middle(image) == pytest.approx(0, abs=0.1)
    assert image[72, 92] == pytest.approx(tissue_hounsfield("bone_cortical", 70.0), rel=0.01)


def test_windows_show_black_grey_and_white():
    assert Window(40, 400).shown([-160, 40, 240, 3000]).tolist() == [0, 0.5, 1, 1]
    assert WINDOWS["lung"].shown(-1350) == 0


def test_thick_water_seems_thinner_than_it_is():
    readings = hardened(PROTOCOL, {"water": np.array([10.0, 100, 300])})[:, 72]
    apparent = readings / [10, 100, 300]
    assert apparent[0] > 1.03 * apparent[1] > 1.05 * apparent[2]
    assert water_value(PROTOCOL, 100) == pytest.approx(apparent[1], rel=1e-6)


def test_cupping_appears_and_is_corrected():
    sinogram = scan((WATER,), 0.0, PROTOCOL)
    raw = picture(sinogram, water_value(PROTOCOL))
    mended = picture(correct_water(sinogram), MU_70)
    assert edge(raw) - middle(raw) > 15
    assert abs(middle(mended)) < 1.5 and abs(edge(mended)) < 1.5


def test_the_dark_band_between_bones_is_corrected():
    sinogram = scan((WATER, *BONES), 0.0, PROTOCOL)
    first = picture(correct_water(sinogram), MU_70)
    mended = picture(correct_bone(sinogram, bone_in(first), 3.0), MU_70)
    assert middle(first) < -8
    assert abs(middle(mended)) < 0.4 * abs(middle(first))


def test_bone_correction_survives_where_nothing_arrives_behind_the_thickest_bone():
    sinogram = scan((WATER, *BONES), 0.0, replace(PROTOCOL, kvp=80))
    mended = correct_bone(sinogram, np.full((144, 144), 0.5), 3.0)  # far too much bone
    assert np.isfinite(mended.values).all()


def test_noise_and_negative_readings_stay_finite():
    noisy = scan((WATER,), 0.0, replace(PROTOCOL, noise=True, mas=0.5, detector=CHEST_CT.detector))
    noisy.values[0, 0] = -0.3
    assert np.isfinite(correct_water(noisy).values).all()


def test_a_fan_must_be_rebinned_before_bone_correction():
    fan = scan((WATER,), 0.0, replace(PROTOCOL, beam=FanBeam(20, 40, 6.0)))
    with pytest.raises(ValueError, match="Rebin"):
        correct_bone(fan, np.zeros((8, 8)), 3.0)
