"""Breath, heart beat, contrast agent and implants leave the patient exact."""

from dataclasses import replace

import numpy as np
import pytest

from course_lib.imaging.ct.geometry import ParallelBeam
from course_lib.imaging.ct.sinogram import tissue_sinogram
from course_lib.imaging.ct.table import on_the_table
from course_lib.imaging.ct.truth import attenuation_slice
from course_lib.patient.cohort import sample_patient
from course_lib.patient.contrast import with_iodine
from course_lib.patient.findings import add_finding
from course_lib.patient.implants import implanted, pedicle_screws
from course_lib.patient.motion import breathed, contracted
from course_lib.patient.solids import Part, ellipsoids, tubes

PATIENT = sample_patient(1, age=55)
BEAM = ParallelBeam(2, 90, 4.0)


def heart_area(patient):
    parts = on_the_table(patient).solids
    blood = sum(1.0 * p.geometry.inside(grid()) for p in parts if p.name == "heart")
    return blood.sum()


def grid(z_mm=-60.0):
    x, y = np.meshgrid(np.arange(-100, 100, 4.0), np.arange(-100, 100, 4.0))
    return np.stack([x.ravel(), y.ravel(), np.full(x.size, z_mm)], -1)


def test_breathing_out_raises_the_diaphragm_as_a_patient_drawn_so_would_have_it():
    out = breathed(PATIENT, 0.3)
    drawn = sample_patient(1, age=55, inspiration=0.3)
    assert out.body.right_dome == pytest.approx(drawn.body.right_dome)
    assert out.body.right_dome > PATIENT.body.right_dome
    assert breathed(out, PATIENT.body.inspiration).body.right_dome == pytest.approx(
        PATIENT.body.right_dome
    )


def test_a_contracted_heart_is_smaller():
    assert heart_area(contracted(PATIENT, 0.2)) < 0.9 * heart_area(PATIENT)


def test_impossible_movements_are_refused():
    with pytest.raises(ValueError, match="0 to 1"):
        breathed(PATIENT, 1.2)
    with pytest.raises(ValueError, match="0 to 0.5"):
        contracted(PATIENT, 0.6)
    with pytest.raises(ValueError, match="findings"):
        breathed(add_finding(PATIENT, "nodule", 0.5, "left", 1), 0.5)


def test_iodine_is_as_much_as_was_asked_for():
    parts = on_the_table(PATIENT).solids
    blood = tissue_sinogram(parts, -40.0, BEAM)["blood"]
    filled = tissue_sinogram(with_iodine(parts, {"heart": 35.0, "aorta": 35.0}), -40.0, BEAM)
    iodine = filled["contrast_iodine"]
    assert iodine.max() > 5
    np.testing.assert_allclose(filled["blood"] + iodine, blood, atol=1e-9)
    with pytest.raises(ValueError, match="no part called brain"):
        with_iodine(parts, {"brain": 3.0})
    with pytest.raises(ValueError, match="0 to 350"):
        with_iodine(parts, {"heart": 400.0})


def test_inside_an_implant_there_is_only_metal():
    parts = on_the_table(PATIENT).solids
    screws = pedicle_screws(PATIENT.body, -40.0)
    mu = attenuation_slice(
        implanted(parts, "titanium", screws), -40.0, 288, 1.0, 70.0, oversample=1
    )
    alone = (Part("x", "titanium", "air", screws),)
    metal = attenuation_slice(alone, -40.0, 288, 1.0, 70.0, oversample=1)
    inside = metal > 0
    assert inside.sum() > 200
    np.testing.assert_allclose(mu[inside], metal[inside], rtol=1e-9)
    before = attenuation_slice(parts, -40.0, 288, 1.0, 70.0, oversample=1)
    np.testing.assert_allclose(mu[~inside], before[~inside], atol=1e-12)


def test_an_implant_displaces_overlapping_pieces_each_for_itself():
    twice = ellipsoids([[0, 0, 0], [5, 0, 0]], [[20, 20, 50], [20, 20, 50]])
    parts = (
        Part("body", "water", "air", ellipsoids([0, 0, 0], [60, 60, 90])),
        Part("half fat", "fat", "water", twice, 0.3),
    )
    rod = tubes([[0, 0, -40]], [[0, 0, 40]], [6.0])
    rays = tissue_sinogram(implanted(parts, "steel", rod), 0.0, replace(BEAM, detectors=1))
    assert rays["steel"][0, 0] == pytest.approx(12)
    assert rays["water"][0, 0] + rays["fat"][0, 0] == pytest.approx(108)
