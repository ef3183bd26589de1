"""The findings beyond the first nine: graded, on their side, inside the body, and anatomical."""

from functools import cache

import numpy as np
import pytest

from course_lib.data.findings import CHEXNET
from course_lib.imaging.projection import Projection, path_lengths
from course_lib.imaging.scatter import water_equivalent
from course_lib.patient.cohort import MORE_FINDINGS, PREVALENCE
from course_lib.patient.findings import FINDINGS
from course_lib.patient.heart import chambers
from course_lib.patient.lobes import lobe_of
from course_lib.patient.pathology.placing import lung_shape
from course_lib.patient.person import Patient, part_named, sample_patient
from course_lib.patient.risk import RISK_GROUPS, THIRTEEN, UNSEEN
from course_lib.patient.solids import Compound

SIZE = 128
# These stay where they are; the others move the diaphragm, the heart or the vessels as well.
LOCAL = ("pneumoperitoneum", "active_tuberculosis", "pleural_calcification", "pneumonia",
         "infiltration", "pleural_thickening")  # fmt: skip


@cache
def film(name: str | None, severity: float, side: str | None = None, seed: int = 3) -> Projection:
    """What the rays meet in one patient with one finding (None: healthy)."""
    patient = sample_patient(11)
    if name is not None:
        patient = FINDINGS[name](patient, severity=severity, side=side, seed=seed)
    return path_lengths(patient, size=SIZE, texture=False)


def change(ill: Projection) -> np.ndarray:
    """(H, W) mm: by how much the path lengths of all tissues differ from the healthy ones."""
    healthy = film(None, 0).lengths
    nothing = np.zeros((SIZE, SIZE), np.float32)
    return sum(
        np.abs(ill.lengths.get(tissue, nothing) - healthy.get(tissue, nothing))
        for tissue in healthy.keys() | ill.lengths.keys()
    )


def test_the_registry_lists_the_first_nine_first_and_all_that_the_networks_need():
    assert tuple(FINDINGS) == (*PREVALENCE, *MORE_FINDINGS)
    assert set(CHEXNET) <= set(FINDINGS) and set(UNSEEN) <= set(MORE_FINDINGS)
    assert len(THIRTEEN) == 13 and not set(UNSEEN) & set(THIRTEEN)
    assert [len(group) for group in RISK_GROUPS.values()] == [3, 5, 4, 1]
    assert all(disease in FINDINGS for disease in THIRTEEN)


@pytest.mark.parametrize("name", MORE_FINDINGS)
def test_the_more_severe_the_larger(name):
    films = [film(name, severity) for severity in (0.05, 0.5, 0.95)]
    areas = [one.masks[name].sum() for one in films]
    changes = [change(one).sum() for one in films]
    assert 0 < areas[0] < areas[1] < areas[2]
    assert changes[0] < 0.75 * changes[1] < 0.75 * changes[2]


@pytest.mark.parametrize("name", MORE_FINDINGS)
@pytest.mark.parametrize("side", ["right", "left"])
def test_the_mask_lies_on_the_side_that_was_asked_for(name, side):
    mask = film(name, 0.6, side).masks[name]
    left_half = np.argwhere(mask)[:, 1].mean() > SIZE / 2  # the patient's left: the image's right
    assert left_half == (side == "left")
    assert FINDINGS[name](sample_patient(11), side=side).findings[0].side == side


@pytest.mark.parametrize("name", MORE_FINDINGS)
def test_thirty_patients_can_have_it_at_any_severity(name):
    for seed in range(30):
        ill = FINDINGS[name](sample_patient(1000 + seed), (0.0, 0.4, 1.0)[seed % 3], seed=seed)
        assert ill.findings[0].marks
        if seed % 3 == 0 or seed > 15:
            continue  # films take longer than patients
        rays = path_lengths(ill, size=48, texture=False)
        body = sum(length for length in rays.lengths.values()) > 5
        assert all(np.isfinite(length).all() for length in rays.lengths.values())
        assert rays.masks[name].any() and not (rays.masks[name] & ~body).any()


@pytest.mark.parametrize("name", LOCAL)
def test_far_from_a_local_finding_the_patient_is_as_before(name):
    ill = film(name, 0.5, "right")
    untouched = np.s_[:, SIZE // 2 + 12 :]  # the left half, beyond the midline
    assert change(ill)[untouched].max() < 0.01


def test_free_air_lies_under_the_diaphragm_and_outside_the_lungs():
    patient = sample_patient(4)
    ill = FINDINGS["pneumoperitoneum"](patient, severity=0.7, side="right")
    air = ill.findings[0].parts[0].geometry
    rng = np.random.default_rng(0)
    points = rng.uniform([-140, -100, patient.body.right_dome - 50], [0, 100, 60], (200_000, 3))
    points = points[air.inside(points)]
    assert len(points) > 100
    assert not lung_shape(patient, "right").inside(points).any()
    assert points[:, 2].max() < patient.body.right_dome - 2  # the muscle's thickness


def test_a_lobar_pneumonia_stays_in_its_lobe():
    names = set()
    for seed in range(12):
        patient = FINDINGS["pneumonia"](sample_patient(seed), 0.9, seed=seed)
        part = patient.findings[0].parts[0]
        if not part.name.endswith(" pneumonia"):
            continue  # bronchopneumonia knows no lobes
        lobe = part.name.removesuffix(" pneumonia")
        assert set(lobe_of(patient.body, part.geometry.centre)) == {lobe}
        names.add(lobe)
    assert len(names) >= 3


def test_edema_widens_the_heart_and_the_upper_vessels():
    patient = sample_patient(5)
    ill = FINDINGS["edema"](patient, severity=0.9)
    before, after = chambers(patient.body), chambers(ill.body)
    reach = [(p.centre[:, 0] + p.half[:, 0]).max() for p in (before, after)]
    assert reach[1] > reach[0] + 5
    radius = [np.percentile(vessels_above(p).radius, 90) for p in (patient, ill)]
    assert radius[1] > 1.3 * radius[0]


def vessels_above(patient: Patient):
    """The vessels of the upper third of the right lung."""
    pieces = part_named(patient, "right lung vessels").geometry
    return pieces[pieces.centre[:, 2] > 0.4 * patient.body.apex]


def test_an_edema_leaves_a_large_heart_as_it_is():
    large = FINDINGS["cardiomegaly"](sample_patient(5), severity=0.8)
    both = path_lengths(FINDINGS["edema"](large, severity=0.9), size=48)
    assert np.array_equal(
        both.masks["cardiomegaly"], path_lengths(large, size=48).masks["cardiomegaly"]
    )


def test_a_destroyed_lung_pulls_its_hilum_up_and_the_windpipe_aside():
    patient = sample_patient(6)
    ill = FINDINGS["advanced_tuberculosis"](patient, severity=0.9, side="left")
    trachea = [part_named(p, "trachea").geometry.centre for p in (patient, ill)]
    moved = trachea[1] - trachea[0]
    assert moved[:, 0].max() > 8 and np.abs(moved[:, 1:]).max() < 1e-9
    vessels = [part_named(p, "left lung vessels").geometry.centre for p in (patient, ill)]
    near = [v[(np.abs(v[:, 2]) < 60) & (v[:, 0] < 70)] for v in vessels]
    assert near[1][:, 2].mean() > near[0][:, 2].mean() + 3


def test_a_broken_rib_is_in_two_pieces_and_all_other_bones_are_whole():
    patient = sample_patient(7)
    ill = FINDINGS["rib_fracture"](patient, severity=0.0, side="left", seed=2)
    before, after = (part_named(p, "ribs").geometry for p in (patient, ill))
    moved = np.linalg.norm(after.centre - before.centre, axis=1)
    each = len(before) // 24
    broken = np.flatnonzero(moved.reshape(24, each).max(1))
    assert len(broken) == 1 and broken[0] >= 12  # left ribs come after the right ones
    shortened = (after.offsets < before.offsets).any(1)
    assert shortened.sum() == 2  # the two ends at the gap
    assert ill.parts[0] == patient.parts[0]


def test_emphysema_lowers_the_diaphragm_and_takes_lung_away():
    healthy, ill = film(None, 0), film("emphysema", 0.9)
    assert ill.patient.body.right_dome < healthy.patient.body.right_dome - 10
    inside = healthy.lengths["lung"] > 60
    assert ill.lengths["lung"][inside].mean() < 0.85 * healthy.lengths["lung"][inside].mean()


def test_a_hernia_has_gas_above_a_flat_level():
    ill = FINDINGS["hernia"](sample_patient(8), severity=0.9, seed=1)
    gas = next(p for p in ill.findings[0].parts if p.tissue == "air").geometry
    sac = next(p for p in ill.findings[0].parts if p.name == "herniated stomach").geometry
    level = gas.centre[0, 2] - gas.offsets[0, 0]
    assert np.allclose(gas.normals[0, 0], [0, 0, -1])
    assert sac.centre[0, 2] - sac.half[0, 2] < level < sac.centre[0, 2] + sac.half[0, 2]


def test_no_ray_loses_more_matter_than_it_meets():
    """Solids take the place of tissue; where they overlap, no less than nothing may be left."""
    for name in MORE_FINDINGS:
        assert water_equivalent(film(name, 0.95).lengths).min() > -0.5, name


def test_solids_of_findings_are_pieces_or_compounds():
    for name in MORE_FINDINGS:
        for part in FINDINGS[name](sample_patient(9), 0.7, seed=1).findings[0].parts:
            count = len(
                part.geometry.union if isinstance(part.geometry, Compound) else part.geometry
            )
            assert 0 < count < 6000 and 0 < part.fraction <= 1
