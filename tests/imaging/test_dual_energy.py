"""Dual energy: what two spectra say about two materials is what the materials are."""

from dataclasses import replace

import numpy as np
import pytest

from course_lib.imaging.attenuation import linear_attenuation
from course_lib.imaging.ct.acquisition import CHEST_CT, Sinogram, slice_rays
from course_lib.imaging.ct.beam_hardening import hardened
from course_lib.imaging.ct.dual_energy import (
    WATER_BONE,
    WATER_IODINE,
    DualScan,
    decompose_images,
    decompose_rays,
    monoenergetic,
)
from course_lib.imaging.ct.fbp import fbp
from course_lib.imaging.ct.geometry import ParallelBeam
from course_lib.imaging.ct.hounsfield import faultless, hounsfield, tissue_hounsfield
from course_lib.imaging.ct.two_spectra import dual_source, kvp_switching, layered_detector, layers
from course_lib.patient.solids import Part, ellipsoids

BEAM = ParallelBeam(views=120, detectors=128, spacing_mm=3.0)
LOW = replace(CHEST_CT, kvp=80, mas=300, beam=BEAM)
HIGH = replace(CHEST_CT, kvp=140, tin_mm=0.6, mas=400, beam=BEAM)
SHARE = 0.02  # of undiluted contrast agent: 7 mg iodine per ml
PARTS = (
    Part("body", "water", "air", ellipsoids([0, 0, 0], [140, 110, 1e4])),
    Part("vessel", "contrast_iodine", "water", ellipsoids([60, 0, 0], [24, 24, 1e4]), SHARE),
)


@pytest.fixture(scope="module")
def rays():
    return slice_rays(PARTS, 0.0, LOW)


def calm(*protocols):
    return [faultless(protocol) for protocol in protocols]


def reconstructed(values):
    return fbp(values, BEAM.angles_deg, BEAM.spacing_mm, 128, 3.0, "hann")


def vessel(picture):
    return picture[61:67, 81:87].mean()


def water(picture):
    return picture[61:67, 41:47].mean()


def test_rays_are_taken_apart_exactly(rays):
    low, high = calm(LOW, HIGH)
    first, second = decompose_rays(dual_source(rays, rays, low, high))
    lengths = rays.lengths[0]
    # A thousandth: the scan sums its spectrum in coarser steps.
    np.testing.assert_allclose(first, lengths["water"], atol=0.4)
    np.testing.assert_allclose(second, lengths["contrast_iodine"], atol=0.01)


@pytest.mark.parametrize("basis", [WATER_IODINE, WATER_BONE])
def test_any_two_materials_of_the_basis_are_found(basis):
    low, high = (replace(protocol, beam=ParallelBeam(5, 128, 3.0)) for protocol in calm(LOW, HIGH))
    truth = {
        basis.first: np.array([0, 50, 150, 250, 30.0]),
        basis.second: np.array([0, 0.3, 0.6, 1.2, 2.4]),
    }
    readings = [Sinogram(hardened(p, truth), p.beam, 0.0, p) for p in (low, high)]
    first, second = decompose_rays(DualScan(*readings, "made up"), basis)
    np.testing.assert_allclose(
        first, np.repeat(truth[basis.first][:, None], 128, 1), rtol=2e-3, atol=0.15
    )
    np.testing.assert_allclose(
        second, np.repeat(truth[basis.second][:, None], 128, 1), rtol=2e-3, atol=0.15
    )


@pytest.mark.parametrize("technique", ["dual source", "rapid kVp switching", "layered detector"])
def test_each_technique_shows_the_true_iodine_and_the_true_hounsfield_units(rays, technique):
    if technique == "dual source":
        scan = dual_source(rays, rays, LOW, HIGH, seed=1)
    elif technique == "rapid kVp switching":
        scan = kvp_switching(rays, replace(LOW, mas=600), replace(HIGH, tin_mm=0, mas=200), seed=1)
    else:
        scan = layered_detector(rays, replace(CHEST_CT, mas=400, beam=BEAM), seed=1)
    assert scan.technique == technique
    first, second = (reconstructed(one) for one in decompose_rays(scan))
    assert vessel(second) == pytest.approx(SHARE, rel=0.05)
    for energy in (50.0, 70.0, 120.0):
        mono = hounsfield(
            monoenergetic(first, second, energy), float(linear_attenuation("water", energy))
        )
        wanted = SHARE * tissue_hounsfield("contrast_iodine", energy)
        assert vessel(mono) == pytest.approx(wanted, rel=0.06, abs=6)
        assert abs(water(mono)) < 8


def test_overlapping_spectra_pay_with_noise(rays):
    tin = dual_source(rays, rays, LOW, HIGH, seed=2)
    layer = layered_detector(rays, replace(CHEST_CT, mas=700, beam=BEAM), seed=2)
    noise = [reconstructed(decompose_rays(scan)[1])[61:67, 41:47].std() for scan in (tin, layer)]
    assert noise[1] > 1.2 * noise[0]


def test_cross_scatter_spoils_dual_source(rays):
    low, high = calm(LOW, HIGH)
    scan = dual_source(rays, rays, low, high, cross_scatter=0.005)
    assert abs(vessel(reconstructed(decompose_rays(scan)[1])) - SHARE) > 0.0005


def test_image_domain_is_nearly_right(rays):
    low, high = calm(LOW, HIGH)
    scan = dual_source(rays, rays, low, high)
    pictures = [reconstructed(one.values) for one in (scan.low, scan.high)]
    first, second = decompose_images(*pictures, (low, high))
    assert vessel(second) == pytest.approx(SHARE, rel=0.2)
    assert water(first) == pytest.approx(1, abs=0.05)


def test_the_lower_layer_sees_harder_photons():
    upper, lower = layers(CHEST_CT)
    energies = np.array([40.0, 120.0])
    up, down = (p.detector.absorbed_share(energies) for p in (upper, lower))
    assert up[0] > down[0] and down[1] > up[1]
    assert np.all(up + down < 1)


def test_two_seeds_from_one_give_independent_noise_and_repeat(rays):
    one, again = (dual_source(rays, rays, LOW, LOW, seed=3) for _ in range(2))
    assert np.array_equal(one.low.values, again.low.values)
    assert not np.array_equal(one.low.values, one.high.values)
