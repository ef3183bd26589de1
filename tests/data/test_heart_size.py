"""The true cardiothoracic ratio: closed form against points, and what changes it."""

import numpy as np
import pytest

from course_lib.data.heart_size import heart_size, measured_films
from course_lib.patient.cohort import sample_patient
from course_lib.patient.findings import add_finding
from course_lib.patient.person import part_named


def test_the_heart_is_as_wide_as_the_points_inside_it():
    patient = sample_patient(4)
    heart = part_named(patient, "heart").geometry
    points = np.random.default_rng(0).uniform([-120, -120, -220], [140, 60, 40], (400_000, 3))
    x = points[heart.inside(points).any(axis=0), 0]
    assert np.ptp(x) == pytest.approx(heart_size(patient).heart_mm, abs=4)
    assert np.ptp(x) <= heart_size(patient).heart_mm


def test_the_chest_is_as_wide_as_the_lungs():
    patient = sample_patient(4)
    width = 0.0
    points = np.random.default_rng(0).uniform([0, -40, -230], [170, 40, -60], (300_000, 3))
    for side, sign in (("right", -1), ("left", 1)):
        lung = part_named(patient, f"{side} lung").geometry
        width += points[lung.inside(points * [sign, 1, 1]), 0].max()
    assert width == pytest.approx(heart_size(patient).chest_mm, rel=0.01)


def test_cardiomegaly_raises_the_ratio_and_nothing_else():
    patient = sample_patient(9)
    ill = add_finding(patient, "cardiomegaly", 0.8)
    before, after = heart_size(patient), heart_size(ill)
    assert after.ratio > 0.5 and after.ratio > before.ratio + 0.08
    assert after.chest_mm == pytest.approx(before.chest_mm, rel=0.02)


def test_views_show_the_same_patients():
    films = measured_films([1, 2, 3], 32, ("PA", "AP"))
    assert films.pictures.shape == (2, 3, 32, 32)
    assert np.array_equal(films.pictures[0], measured_films([1, 2, 3], 32).pictures[0])
    assert (films.age >= 18).all() and ((films.ratio > 0.3) & (films.ratio < 0.9)).all()
