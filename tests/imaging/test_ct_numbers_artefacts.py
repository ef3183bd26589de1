"""Artefacts: each appears when provoked, and its cure takes most of it away."""

from dataclasses import replace

import numpy as np
import pytest

from course_lib.imaging.attenuation import linear_attenuation
from course_lib.imaging.ct.acquisition import CHEST_CT, expose, scan, slice_rays
from course_lib.imaging.ct.artefacts import (
    air_scan,
    axis_offset,
    every_nth,
    moving_rays,
    recalibrated,
    recentred,
    remove_rings,
)
from course_lib.imaging.ct.beam_hardening import correct_water
from course_lib.imaging.ct.fbp import fbp
from course_lib.imaging.ct.geometry import FanBeam, ParallelBeam
from course_lib.imaging.ct.hounsfield import faultless, hounsfield, true_hounsfield
from course_lib.imaging.ct.metal import METAL_HU, bridged, reduce_metal, without_streaks
from course_lib.patient.implants import implanted
from course_lib.patient.solids import Part, ellipsoids, tubes

BEAM = ParallelBeam(180, 144, 3.0)
PROTOCOL = faultless(replace(CHEST_CT, beam=BEAM))
WATER = Part("body", "water", "air", ellipsoids([0, 0, 0], [150, 110, 1e4]))
BONE = Part("bone", "bone_cortical", "water", ellipsoids([0, 60, 0], [16, 16, 1e4]))
FAT = Part("fat", "fat", "water", ellipsoids([-70, -20, 0], [25, 25, 1e4]))
PARTS = (WATER, BONE, FAT)
MU_70 = float(linear_attenuation("water", 70.0))
SIZE, PIXEL = 144, 3.0


def picture(sinogram):
    mu = fbp(sinogram.values, sinogram.angles_deg, sinogram.spacing_mm, SIZE, PIXEL, "hann")
    return hounsfield(mu, MU_70)


def rms(image, other, where):
    return float(np.sqrt(np.mean((image - other)[where] ** 2)))


@pytest.fixture(scope="module")
def good():
    return picture(correct_water(scan(PARTS, 0.0, PROTOCOL)))


FLESH = true_hounsfield((WATER,), 0.0, SIZE, PIXEL, 70.0) > -1


def test_a_patient_at_rest_has_the_same_rays_however_many_steps():
    still, stepped = slice_rays(PARTS, 0.0, PROTOCOL), moving_rays(lambda t: PARTS, 0.0, PROTOCOL)
    for tissue, lengths in still.lengths[0].items():
        np.testing.assert_allclose(stepped.lengths[0][tissue], lengths, atol=1e-9)


def test_views_see_the_patient_of_their_own_time():
    def growing(t):
        return PARTS[:1] if t < 0.5 else PARTS

    lengths = moving_rays(growing, 0.0, PROTOCOL, steps=2).lengths[0]
    assert not lengths["bone_cortical"][:90].any()
    assert lengths["bone_cortical"][90:].any(1).all()


def test_motion_blurs(good):
    def sliding(t):
        fat = replace(FAT, geometry=ellipsoids([-70, -20 + 24 * t, 0], [25, 25, 1e4]))
        return (WATER, BONE, fat)

    moved = picture(correct_water(expose(moving_rays(sliding, 0.0, PROTOCOL), PROTOCOL)))
    assert rms(moved, good, FLESH) > 7


def test_steps_must_divide_the_views():
    with pytest.raises(ValueError, match="divide"):
        moving_rays(lambda t: PARTS, 0.0, PROTOCOL, steps=7)


def test_every_nth_view_keeps_its_angle():
    sinogram = scan(PARTS, 0.0, PROTOCOL)
    few = every_nth(sinogram, 6)
    assert np.array_equal(few.angles_deg, sinogram.angles_deg[::6])
    assert few.protocol.beam == few.beam
    with pytest.raises(ValueError, match="thinned"):
        every_nth(sinogram, 7)


@pytest.mark.parametrize("shift", [-3.3, 0.0, 0.5, 4.0])
def test_the_axis_is_found_from_opposite_views(shift, good):
    beam = ParallelBeam(180, 144, 3.0, arc_deg=360, shift=shift)
    turn = scan(PARTS, 0.0, replace(PROTOCOL, beam=beam))
    found = axis_offset(turn)
    assert found == pytest.approx(shift, abs=0.03)
    mended = picture(correct_water(recentred(turn, found)))
    assert rms(mended, good, FLESH) < 45
    if abs(shift) > 3:
        assert rms(picture(correct_water(turn)), good, FLESH) > 2 * rms(mended, good, FLESH)


def test_half_a_turn_has_no_opposite_views():
    with pytest.raises(ValueError, match="full turn"):
        axis_offset(scan(PARTS, 0.0, PROTOCOL))


def test_rings_of_bad_elements_are_corrected_and_a_good_sinogram_stays(good):
    intact = scan(PARTS, 0.0, PROTOCOL)
    broken = replace(intact, values=intact.values.copy())
    broken.values[:, [50, 63, 90]] += 0.05
    errors = [
        rms(picture(correct_water(s)), good, FLESH)
        for s in (broken, remove_rings(broken), remove_rings(intact))
    ]
    assert errors[0] > 6
    assert errors[1] < 0.2 * errors[0]
    assert errors[2] < 0.1 * errors[0]


def test_when_all_gains_drifted_only_a_new_air_scan_helps(good):
    drifted = replace(PROTOCOL, detector=replace(PROTOCOL.detector, gain_drift=0.02))
    broken = scan(PARTS, 0.0, drifted, seed=4)
    errors = [
        rms(picture(correct_water(s)), good, FLESH)
        for s in (broken, remove_rings(broken), recalibrated(broken, air_scan(drifted, 4)))
    ]
    assert errors[0] > 10
    assert errors[1] > 0.6 * errors[0]
    assert errors[2] < 0.01 * errors[0]


def test_metal_is_reduced_far_from_it_and_put_back_where_it_is():
    rods = tubes([[-40, 20, -1e3], [40, 20, -1e3]], [[-40, 20, 1e3], [40, 20, 1e3]], [7.0, 7.0])
    parts = implanted(PARTS, "steel", rods)
    protocol = replace(CHEST_CT, beam=BEAM, mas=300)
    reduced = reduce_metal(correct_water(scan(parts, 0.0, protocol, 3)), SIZE, PIXEL, MU_70)
    truth = true_hounsfield(parts, 0.0, SIZE, PIXEL, 70.0)
    assert reduced.metal[78, 58] and reduced.metal[78, 85]
    assert reduced.normalised[78, 58] > METAL_HU
    between = (slice(76, 81), slice(66, 78))  # the dark band between the rods
    errors = [
        np.abs(image - truth)[between].mean()
        for image in (reduced.raw, reduced.linear, reduced.normalised)
    ]
    assert errors[0] > 70
    assert errors[1] < 0.5 * errors[0] and errors[2] < 0.4 * errors[0]
    away = np.hypot(*np.indices(truth.shape) - np.array([[[50]], [[72]]])) < 10
    assert rms(reduced.normalised, truth, away) < 0.2 * rms(reduced.raw, truth, away)


def test_no_metal_is_said_plainly():
    with pytest.raises(ValueError, match="no metal"):
        reduce_metal(scan(PARTS[:1], 0.0, PROTOCOL), SIZE, PIXEL, MU_70)
    with pytest.raises(ValueError, match="Rebin"):
        fan = replace(PROTOCOL, beam=FanBeam(20, 40, 6.0))
        reduce_metal(scan(PARTS, 0.0, fan), SIZE, PIXEL, MU_70)


def test_bridges_are_straight_and_change_nothing_else():
    values = np.array([[0.0, 1, 9, 9, 4, 5], [3.0, 3, 3, 3, 3, 3]])
    trace = np.array([[0, 0, 1, 1, 0, 0], [1, 1, 1, 1, 1, 1]], bool)
    assert bridged(values, trace).tolist() == [[0, 1, 2, 3, 4, 5], [3] * 6]


def test_the_model_without_streaks_is_flat_within_a_tissue_and_keeps_bone(good):
    streaks = good + 20 * np.sin(np.arange(SIZE))
    model = without_streaks(streaks)
    assert len(np.unique(model[FLESH & (model < 200)])) <= 3
    assert model[92, 72] > 800
