"""The finished film: look, physics, reproducibility and speed."""

import time
from dataclasses import replace

import numpy as np
import pytest

from course_lib.imaging.projection import path_lengths
from course_lib.imaging.radiography import CHEST_PA, Technique, detector_signal, expose, radiograph
from course_lib.patient.cohort import sample_patient
from course_lib.patient.findings import FINDINGS
from course_lib.patient.person import part_named


@pytest.fixture(scope="module")
def rays():
    return path_lengths(sample_patient(1, sex="M", bmi=24), size=128)


def region(rays, name):
    """Pixels behind a part of the patient."""
    from course_lib.imaging.projection import part_length

    return part_length(part_named(rays.patient, name).geometry, rays.geometry) > 40


def test_a_film_is_twelve_bits_with_spacing_and_reproducible():
    patient = sample_patient(2)
    film, again = (radiograph(patient, size=96, seed=5) for _ in range(2))
    assert film.pixels.dtype == np.uint16 and film.pixels.shape == (96, 96)
    assert film.pixels.max() <= 4095 and film.pixels.max() > 3000
    assert 3 < film.spacing_mm < 5
    assert np.array_equal(film.pixels, again.pixels)
    other = radiograph(patient, size=96, seed=6)
    assert not np.array_equal(film.pixels, other.pixels)


def test_bone_and_heart_are_brighter_than_lung_and_air_is_black(rays):
    film = expose(rays).pixels
    heart = np.median(film[region(rays, "heart")])
    lungs = np.median(film[region(rays, "right lung") & ~region(rays, "heart")])
    assert heart > 1.5 * lungs
    assert np.median(film[:3, :3]) < 0.3 * lungs


def test_more_kilovolts_flatten_bone_and_more_dose_lowers_noise(rays):
    bone = rays.lengths["bone_cortical"] > np.percentile(rays.lengths["bone_cortical"], 97)

    def contrast(kvp):
        quiet = Technique(kvp=kvp, noise=False, scatter=False)
        without = replace(rays, lengths={**rays.lengths, "bone_cortical": 0 * rays.lengths["fat"]})
        signal, boneless = (
            detector_signal(r, quiet, np.random.default_rng(0))[0] for r in (rays, without)
        )
        return np.log(boneless[bone] / signal[bone]).mean()

    assert contrast(60) > 1.3 * contrast(120)

    def noise(mas):
        still = Technique(mas=mas, noise=False)
        clean = detector_signal(rays, still, np.random.default_rng(0))[0]
        noisy = detector_signal(rays, replace(still, noise=True), np.random.default_rng(0))[0]
        return np.std(noisy / clean)

    assert noise(0.01) / noise(0.16) == pytest.approx(4, rel=0.25)


def test_a_grid_keeps_scatter_out(rays):
    def fog_share(grid):
        signals = [
            detector_signal(
                rays, Technique(grid=grid, scatter=s, noise=False), np.random.default_rng(0)
            )[0]
            for s in (True, False)
        ]
        return ((signals[0] - signals[1]) / signals[0]).mean()

    assert fog_share(True) < 0.75 * fog_share(False)


def test_cardiomegaly_raises_the_cardiothoracic_ratio():
    ratios = []
    for severity in (None, 0.1, 0.5, 1.0):
        patient = sample_patient(21, sex="M", bmi=24)
        if severity is not None:
            patient = FINDINGS["cardiomegaly"](patient, severity=severity)
        ratios.append(cardiothoracic_ratio(patient))
    assert ratios == sorted(ratios)
    assert ratios[0] < 0.5 < ratios[2]


def cardiothoracic_ratio(patient):
    rays = path_lengths(patient, size=256, texture=False)
    heart = region(rays, "heart").any(0).sum()
    lungs = (rays.lengths["lung"] > 5).any(0)
    return heart / (np.flatnonzero(lungs)[-1] - np.flatnonzero(lungs)[0] + 1)


@pytest.mark.parametrize("name", sorted(set(FINDINGS) - {"cardiomegaly"}))
def test_a_finding_changes_the_film_where_its_mask_says(name):
    patient = sample_patient(31)
    quiet = replace(CHEST_PA, noise=False)
    healthy = radiograph(patient, quiet, size=256)
    ill = radiograph(FINDINGS[name](patient, severity=0.8, seed=4), quiet, size=256)
    mask = ill.masks[name]
    assert 20 < mask.sum() < 0.4 * mask.size
    change = np.abs(ill.pixels.astype(float) - healthy.pixels)
    assert change[mask].mean() > 2.5 * change[~mask].mean()


def test_exposing_again_answers_at_interactive_speed():
    rays = path_lengths(sample_patient(1), size=256)
    expose(rays)
    start = time.process_time()
    for kvp in (60, 70, 80, 90, 100):
        expose(rays, Technique(kvp=kvp))
    assert (time.process_time() - start) / 5 < 0.15


def test_impossible_settings_are_refused():
    with pytest.raises(ValueError, match="kvp"):
        radiograph(sample_patient(1), Technique(kvp=500), size=64)
