"""Scanning a slice: line integrals, beam hardening, noise against dose, detector effects."""

from dataclasses import replace

import numpy as np
import pytest

from course_lib.imaging.attenuation import linear_attenuation
from course_lib.imaging.ct.acquisition import (
    Protocol,
    bowtie_thickness,
    expose,
    isocentre_kerma,
    line_integrals,
    scan,
    slice_rays,
)
from course_lib.imaging.ct.detector import (
    CERAMIC,
    CERAMIC_DETECTOR,
    IDEAL_DETECTOR,
    CtDetector,
    blur_along_row,
)
from course_lib.imaging.ct.geometry import FanBeam, ParallelBeam
from course_lib.imaging.ct.sinogram import tissue_sinogram
from course_lib.imaging.ct.table import on_the_table
from course_lib.imaging.rays import line_spans
from course_lib.patient.cohort import sample_patient
from course_lib.patient.findings import add_finding
from course_lib.patient.solids import Part, box_ellipsoid, ellipsoids
from course_lib.patient.voxels import Grid, tissue_volumes

BEAM = ParallelBeam(views=20, detectors=65, spacing_mm=5.0)
WATER = (Part("bottle", "water", "air", ellipsoids([0, 0, 0], [100, 100, 400])),)
QUIET = Protocol(beam=BEAM, detector=IDEAL_DETECTOR, noise=False)


def effective_attenuation(values, lengths):
    """mu (1/mm) that single rays through water seem to have."""
    return values[lengths > 5] / lengths[lengths > 5]


def test_a_thin_object_attenuates_like_the_mean_photon_and_a_thick_one_less():
    lengths = tissue_sinogram(WATER, 0.0, BEAM)["water"]
    seen = effective_attenuation(scan(WATER, 0.0, replace(QUIET, bowtie_mm=0.0)).values, lengths)
    order = np.argsort(lengths[lengths > 5])
    assert linear_attenuation("water", 90.0) < seen.min() < seen.max() < 0.03
    assert np.all(np.diff(seen[order]) < 1e-5)  # beam hardening
    assert seen[order][0] > 1.03 * seen[order][-1]


def test_the_bow_tie_filter_evens_out_what_reaches_the_detector():
    plastic = bowtie_thickness(np.array([0.0, 80.0, 160.0, 200.0]))
    assert plastic[0] == 0 and np.all(np.diff(plastic[:3]) > 0) and plastic[2] == plastic[3]
    open_beam, filtered = replace(QUIET, bowtie_mm=0.0), replace(QUIET, bowtie_mm=100.0)
    assert np.allclose(bowtie_thickness(np.array([50.0]), open_beam), 0)
    spread = [np.ptp(np.exp(-scan(WATER, 0.0, p).values)) for p in (open_beam, filtered)]
    assert spread[1] == pytest.approx(spread[0], rel=0.02)  # calibrated away: air stays air
    lengths = tissue_sinogram(WATER, 0.0, BEAM)["water"]
    seen = [
        effective_attenuation(scan(WATER, 0.0, p).values, lengths) for p in (open_beam, filtered)
    ]
    assert np.ptp(seen[1]) < 0.7 * np.ptp(seen[0])  # hardened outside, so cupping is less


def test_four_times_the_dose_halves_the_noise():
    rays = slice_rays(WATER, 0.0, QUIET)
    noise = []
    for mas in (20.0, 80.0):
        protocol = replace(QUIET, mas=mas, noise=True)
        many = [expose(rays, protocol, seed).values[:, 32] for seed in range(200)]
        noise.append(np.std(many, axis=0).mean())
    assert noise[0] / noise[1] == pytest.approx(2.0, rel=0.05)
    assert isocentre_kerma(replace(QUIET, mas=80)) == pytest.approx(
        4 * isocentre_kerma(replace(QUIET, mas=20))
    )


def test_noise_is_that_of_the_absorbed_photons():
    """At one energy the variance of the line integral would be 1 / N."""
    rays = slice_rays(WATER, 0.0, QUIET)
    many = np.array([expose(rays, replace(QUIET, noise=True), s).values for s in range(100)])
    variance = many.var(axis=0)
    mean = many.mean(axis=0)
    centre, edge = variance[:, 32].mean(), variance[:, 12].mean()
    # Compare with what the transmitted energy predicts; hardening changes it a little.
    predicted = np.exp(mean[:, 32].mean() - mean[:, 12].mean())
    plastic = bowtie_thickness(BEAM.positions_mm)
    predicted *= np.exp(-float(linear_attenuation("pmma", 70.0)) * (plastic[12] - plastic[32]))
    assert centre / edge == pytest.approx(predicted, rel=0.15)


def test_same_seed_same_bits_and_another_seed_other_noise():
    one, again, other = (scan(WATER, 0.0, Protocol(beam=BEAM), s).values for s in (1, 1, 2))
    assert np.array_equal(one, again) and not np.array_equal(one, other)


def test_noise_has_no_bias_at_usual_dose_and_starved_rays_stay_finite():
    rays = slice_rays(WATER, 0.0, QUIET)
    quiet = expose(rays, QUIET).values
    usual = np.mean([expose(rays, replace(QUIET, noise=True), s).values for s in range(50)], axis=0)
    assert np.abs(usual - quiet).mean() < 1e-3
    starved = replace(QUIET, noise=True, mas=0.001, detector=CERAMIC_DETECTOR)
    assert np.all(np.isfinite(expose(rays, starved, 0).values))


def test_drifted_gains_are_the_same_in_every_view():
    detector = replace(IDEAL_DETECTOR, gain_drift=0.02)
    drifted = scan(WATER, 0.0, replace(QUIET, detector=detector), 3).values
    change = drifted - scan(WATER, 0.0, QUIET).values
    assert np.allclose(change, change[0]) and 0.01 < change[0].std() < 0.03


def test_blur_keeps_energy_and_adds_the_boxes_variance():
    point = np.zeros((1, 21))
    point[0, 10] = 1.0
    spread = blur_along_row(point, CtDetector(aperture=1.0, focal_spot=1.0))
    assert spread.sum() == pytest.approx(1.0)
    assert spread[0] @ (np.arange(21) - 10) ** 2 == pytest.approx(2 / 12)
    assert np.array_equal(blur_along_row(point, IDEAL_DETECTOR), point)


def test_a_slice_averages_intensities_over_its_thickness():
    """A plate that fills half the slice: intensities are averaged, not line integrals."""
    plate = (Part("plate", "bone_cortical", "air", box_ellipsoid([0, 0, 5], (60, 60, 1e4), 5)),)
    thick = replace(QUIET, slice_mm=10.0, subslices=2)
    values = scan(plate, 0.0, thick).values[:, 32]
    full = scan(plate, 5.0, replace(QUIET, slice_mm=1.0)).values[:, 32]
    assert np.allclose(values, -np.log(0.5 + 0.5 * np.exp(-full)), rtol=1e-5)
    assert np.all(values < 0.6 * full)


def test_fan_beams_are_scanned_too():
    fan = replace(QUIET, beam=FanBeam(views=12, detectors=65, spacing_mm=5.0))
    values = scan(WATER, 0.0, fan).values
    assert values.shape == (12, 65) and np.allclose(values, values[0], atol=1e-6)


def test_readings_become_line_integrals():
    assert np.allclose(line_integrals(np.exp([-1.0, -3.0]), np.ones(2)), [1, 3])
    assert line_integrals(np.array([-5.0]), np.ones(1)) == pytest.approx(np.log(1e6))


def test_the_ceramic_stops_nearly_all_photons():
    assert sum(CERAMIC.mass_fractions.values()) == pytest.approx(1, abs=1e-3)
    assert 0.85 < CERAMIC_DETECTOR.absorbed_share(np.array([80.0]))[0] < 1


def test_bones_of_a_lying_patient_are_under_its_skin_and_its_arms_out_of_the_way():
    for seed in (3, 8, 9):
        parts = on_the_table(sample_patient(seed)).solids
        skin = next(part.geometry for part in parts if part.name == "skin and fat")
        bones = [part.geometry for part in parts if part.tissue == "bone_cortical"]
        for z in (-40.0, 0.0, 40.0, 80.0):
            x = np.linspace(-60, 60, 25)
            rays = np.stack([x, 0 * x, 0 * x + z], -1), np.tile([0.0, 1.0, 0.0], (25, 1))
            surface = np.full(25, np.inf)
            outside = line_spans(skin, *rays)
            np.minimum.at(surface, outside.ray, outside.enter)
            for bone in bones:
                spans = line_spans(bone, *rays)
                assert np.all(spans.enter > surface[spans.ray])
        beam = ParallelBeam(1, 300, 2.0)
        total = np.sum(list(tissue_sinogram(parts, -40.0, beam).values()), axis=0)[0]
        assert np.all(total[np.abs(beam.positions_mm) > 215] == 0)


def test_no_place_in_heart_vessels_and_tumours_counts_twice():
    patient = add_finding(sample_patient(9), "mass", 0.5, "left", seed=3)
    parts = on_the_table(patient).solids
    names = ("heart", "aorta", "veins", "mass", "vessels")
    solid = tuple(part for part in parts if part.name.endswith(names) and part.fraction == 1)
    grid = Grid((-110.0, -80.0, -60.0), (2.0, 4.0, 15.0), (2, 50, 110))
    volumes = tissue_volumes(solid, grid)
    filled = volumes["blood"] + volumes["soft_tissue"] * (volumes["lung"] < 0)
    assert filled.max() == 1 and (filled == 1).sum() > 1000
    haze = tuple(part for part in parts if part.name.endswith("small vessels"))
    fine = tissue_volumes(haze, grid)["blood"]
    heart = tissue_volumes(tuple(p for p in parts if p.name == "heart"), grid)["blood"]
    assert fine.max() == np.float32(0.05) and not np.any((fine > 0) & (heart > 0))


def test_impossible_slices_are_refused():
    with pytest.raises(ValueError, match="thickness and at least one height"):
        Protocol(slice_mm=0.0)
    with pytest.raises(ValueError, match="kvp must lie"):
        scan(WATER, 0.0, replace(QUIET, kvp=500.0))
