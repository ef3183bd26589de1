"""The machines of the virtual hospital: different pictures, all of them good films."""

import numpy as np
import pytest

from course_lib.imaging.projection import path_lengths
from course_lib.imaging.radiography import CHEST_PA, Technique, expose, radiograph
from course_lib.imaging.scanners import SCANNERS, scanner_named
from course_lib.patient.person import part_named, sample_patient


@pytest.fixture(scope="module")
def films() -> dict[str, np.ndarray]:
    patient = sample_patient(7)
    return {
        name: radiograph(patient, s.technique, 128, s.view).pixels / 4095.0
        for name, s in SCANNERS.items()
    }


def test_scanner_a_is_the_usual_technique():
    assert scanner_named("A").technique == CHEST_PA == Technique()
    with pytest.raises(ValueError, match=r"no scanner 'Z'; there are A, B, C, portable"):
        scanner_named("Z")


def test_the_same_patient_looks_different_on_each(films):
    names = list(films)
    for i, one in enumerate(names):
        for other in names[i + 1 :]:
            assert np.abs(films[one] - films[other]).mean() > 0.02, (one, other)


def test_all_are_good_films(films):
    for name, film in films.items():
        assert (film > 0.02).mean() > 0.6, name  # not lost in black
        assert (film > 0.97).mean() < 0.02, name  # not burnt out
        heart, lung = film[78:88, 56:62].mean(), film[60:80, 34:44].mean()
        assert heart - lung > 0.25, name


def test_a_machine_does_what_its_description_says():
    patient = sample_patient(7)
    lungs = path_lengths(patient, size=512)
    flat = {}
    for name in ("A", "C"):
        quiet = Technique(**{**vars(SCANNERS[name].technique), "noise": False})
        noisy = expose(lungs, SCANNERS[name].technique, 1).pixels.astype(float)
        flat[name] = (noisy - expose(lungs, quiet, 1).pixels)[300:340, 140:200].std()
    assert flat["C"] > 1.5 * flat["A"]  # the old plate is noisy
    heart = {name: heart_width(SCANNERS[name]) for name in ("A", "portable")}
    assert heart["portable"] > 1.05 * heart["A"]  # near source: magnified


def heart_width(scanner) -> float:
    """mm on the film, of the heart alone."""
    patient = sample_patient(7)
    rays = path_lengths(
        patient, scanner.view, 128, 420.0, scanner.technique.source_distance_mm, texture=False
    )
    assert part_named(patient, "heart")
    return float((rays.lengths["blood"] > 40).any(0).sum() * rays.spacing_mm)


def test_sharpness_and_plate_of_a_technique_count():
    rays = path_lengths(sample_patient(3), size=512)
    sharp, soft = (
        expose(rays, Technique(noise=False, sharp_lp_mm=value)).pixels.astype(float)
        for value in (3.0, 0.4)
    )
    assert np.abs(np.diff(sharp)).mean() > 1.02 * np.abs(np.diff(soft)).mean()
    assert grain(rays, scintillator_mm=0.05) > 1.3 * grain(rays)
    assert grain(rays, noise_kev=20_000.0) > 1.3 * grain(rays)


def grain(rays, **settings) -> float:
    """Standard deviation of the noise in a lung."""
    pair = (
        expose(rays, Technique(**settings, noise=noise), 1).pixels.astype(float)
        for noise in (True, False)
    )
    return float((next(pair) - next(pair))[300:340, 140:200].std())
