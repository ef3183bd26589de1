"""Patients: reproducible to the bit, varied, anatomically ordered."""

import numpy as np
import pytest

from course_lib.patient.cohort import PREVALENCE, sample_cohort, sample_patient
from course_lib.patient.findings import FINDINGS
from course_lib.patient.heart import chambers
from course_lib.patient.person import part_named
from course_lib.patient.solids import Compound
from course_lib.patient.voxels import Grid, tissue_volumes


def arrays(patient):
    """All numbers that define a patient's shape."""
    for part in patient.solids:
        solids = [part.geometry]
        if isinstance(part.geometry, Compound):
            solids = [s for s in (solids[0].union, solids[0].within, solids[0].minus) if s]
        for solid in solids:
            yield from (solid.centre, solid.shape, solid.normals, solid.offsets)


def same(one, other):
    pairs = list(zip(arrays(one), arrays(other), strict=True))
    return all(a.shape == b.shape and np.array_equal(a, b) for a, b in pairs)


def test_same_seed_same_bits():
    assert same(sample_patient(7), sample_patient(7))
    one, other = sample_patient(7, sex="F", bmi=24), sample_patient(8, sex="F", bmi=24)
    assert not np.array_equal(chambers(one.body).centre, chambers(other.body).centre)


def test_what_is_given_is_kept():
    patient = sample_patient(3, age=81, sex="F", bmi=31, inspiration=0.4, patient_id="KIM^A")
    assert (patient.age, patient.sex, patient.id) == (81, "F", "KIM^A")
    assert patient.body.bmi == pytest.approx(31)
    assert any(part.name == "breasts" for part in patient.parts)
    assert not any(part.name == "breasts" for part in sample_patient(3, sex="M").parts)


def test_breathing_out_raises_the_diaphragm():
    deep, shallow = (sample_patient(5, inspiration=i).body for i in (1.0, 0.2))
    assert shallow.right_dome > deep.right_dome + 20
    assert deep.right_dome > deep.left_dome


@pytest.mark.parametrize("seed", range(4))
def test_organs_lie_where_they_should(seed):
    patient = sample_patient(seed)
    body = patient.body
    right, left = (part_named(patient, f"{side} lung").geometry for side in ("right", "left"))
    middle = 0.5 * (body.apex + body.right_dome)
    places = np.array([[-0.6 * body.half_width, 0, middle], [0.6 * body.half_width, 0, middle]])
    assert right.inside(places).tolist() == [True, False]
    assert left.inside(places).tolist() == [False, True]
    heart = part_named(patient, "heart").geometry
    points = np.random.default_rng(0).uniform([-150, -100, -150], [150, 100, 80], (20_000, 3))
    in_heart = heart.inside(points).any(0)
    assert in_heart.sum() > 50
    assert not (in_heart & (right.inside(points) | left.inside(points))).any()
    assert points[in_heart, 0].mean() > 5  # most of the heart lies on the left


def test_volumes_of_lungs_and_heart_are_human():
    patient = sample_patient(2, sex="M", age=40, bmi=24)
    grid = Grid((-200, -150, -220), (8.0, 8.0, 8.0), (50, 38, 50))
    names = ("right lung", "left lung", "heart")
    parts = tuple(part_named(patient, name) for name in names)
    litres = {t: v.sum() * 8**3 / 1e6 for t, v in tissue_volumes(parts, grid).items()}
    assert 4.0 < litres["lung"] < 7.5  # full breath in of a man
    assert 0.4 < litres["blood"] < 1.2


def test_every_voxel_holds_at_most_one_unit_of_matter():
    patient = sample_patient(4)
    grid = Grid((-180, -130, -120), (9.0, 9.0, 9.0), (24, 30, 40))
    whole = sum(tissue_volumes(patient.solids, grid).values())
    assert np.abs(whole[(whole > 1.01) | (whole < -0.01)]).size < 2e-3 * whole.size


@pytest.mark.parametrize("name", FINDINGS)
def test_findings_are_added_and_leave_the_patient_alone(name):
    patient = sample_patient(11)
    before = len(patient.solids)
    ill = FINDINGS[name](patient, severity=0.5, seed=3)
    assert len(patient.solids) == before and not patient.findings
    assert ill.labels == {name: 0.5}
    assert same(ill, FINDINGS[name](patient, severity=0.5, seed=3))
    with pytest.raises(ValueError, match="between 0 and 1"):
        FINDINGS[name](patient, severity=1.5)


@pytest.mark.parametrize("name", sorted(set(FINDINGS) - {"cardiomegaly", "support_device"}))
def test_findings_lie_on_the_side_that_was_asked_for(name):
    ill = FINDINGS[name](sample_patient(12), severity=0.6, side="left", seed=5)
    for part in ill.findings[0].parts:
        solid = part.geometry.union if isinstance(part.geometry, Compound) else part.geometry
        assert (solid.centre[:, 0] > -15).mean() > 0.9
    with pytest.raises(ValueError, match="'right' or 'left'"):
        FINDINGS[name](sample_patient(12), side="up")


def test_findings_can_be_combined_in_any_order():
    patient = sample_patient(13)
    names = list(FINDINGS)
    for order in (names, names[::-1]):
        ill = patient
        for name in order:
            ill = FINDINGS[name](ill, severity=0.4, seed=1)
        assert set(ill.labels) == set(FINDINGS)


def test_a_patient_does_not_depend_on_the_size_of_the_cohort():
    assert sample_cohort(50, seed=9)[:5] == sample_cohort(5, seed=9)
    assert sample_cohort(5, seed=9) != sample_cohort(5, seed=10)


def test_prevalence_is_met_and_findings_go_together():
    cohort = sample_cohort(4000, seed=1)
    for name, share in PREVALENCE.items():
        seen = np.mean([name in spec.labels for spec in cohort])
        assert 0.8 * share < seen < 1.9 * share  # co-occurrence only adds
    effusion = [s for s in cohort if "pleural_effusion" in s.labels]
    with_both = np.mean(["atelectasis" in s.labels for s in effusion])
    without = np.mean(["atelectasis" in s.labels for s in cohort if s not in effusion])
    assert with_both > 1.5 * without


def test_only_the_findings_asked_for_occur():
    cohort = sample_cohort(300, seed=2, prevalence={"nodule": 1.0})
    assert {spec.labels for spec in cohort} == {frozenset({"nodule"})}


def test_patients_return_for_further_studies():
    cohort = sample_cohort(200, seed=4, studies_per_patient=2.5)
    people = {spec.patient_id for spec in cohort}
    assert 50 < len(people) < 130
    first = [spec for spec in cohort if spec.patient_id == cohort[0].patient_id]
    assert len({spec.seed for spec in first}) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n": -1, "seed": 0}, "-1 studies"),
        ({"n": 3, "seed": 0, "prevalence": {"gout": 0.1}}, "Unknown finding 'gout'"),
        ({"n": 3, "seed": 0, "prevalence": {"mass": 1.2}}, "between 0 and 1"),
        ({"n": 3, "seed": 0, "studies_per_patient": 0.5}, "at least 1"),
    ],
)
def test_impossible_cohorts_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        sample_cohort(**arguments)


def test_lobes_follow_the_fissures():
    from course_lib.patient.lobes import lobe_of

    body = sample_patient(2).body
    apex, base = body.apex, body.right_dome
    points = np.array([
        [-60, 0, apex - 20], [60, 0, apex - 20],   # both apices
        [-60, 60, base + 20], [60, 60, base + 20],  # low and behind
        [-60, -70, base + 20],                      # low and in front, on the right
    ], float)  # fmt: skip
    expected = ["right upper", "left upper", "right lower", "left lower", "right middle"]
    assert lobe_of(body, points).tolist() == expected


def test_shoulder_blades_cover_the_lungs_only_on_ap_films():
    from course_lib.patient.person import in_pose

    patient = sample_patient(2)
    reach = {}
    for view in ("PA", "AP"):
        blades = [p for p in in_pose(patient, view).parts if p.name == "scapula"]
        reach[view] = min(np.abs(p.geometry.centre[:, 0]).min() for p in blades)
    assert in_pose(patient, "PA") is patient
    assert reach["AP"] < reach["PA"] - 10
    assert len(in_pose(patient, "LAT").parts) == len(patient.parts)
