"""The virtual head: reproducible, human in size, ageing, and exact in every voxel."""

import numpy as np
import pytest

from course_lib.imaging.mr.slices import tissue_slice, weighted
from course_lib.imaging.mr.tissues import relaxation
from course_lib.patient.brain_lesions import microbleeds, tumour, white_matter_lesions
from course_lib.patient.cohort import sample_patient
from course_lib.patient.head import head_parts, sample_head
from course_lib.patient.solids import Part, ellipsoids, rotation
from course_lib.patient.tissues import TISSUES
from course_lib.patient.upper_abdomen import liver_level, upper_abdomen

STEP_MM = 6.0


def volumes(parts, low=-60.0):
    """Tissue -> millilitres above `low`, by slices."""
    total = {}
    for z in np.arange(low, 95, STEP_MM):
        for tissue, share in tissue_slice(parts, z, 240, 120, 1).items():
            total[tissue] = total.get(tissue, 0.0) + float(share.sum()) * 4 * STEP_MM / 1000
    return total


@pytest.fixture(scope="module")
def young():
    return head_parts(3, age=30, sex="M")


def test_the_same_seed_gives_the_same_head_and_another_seed_another():
    one, same, other = (tissue_slice(head_parts(s, age=50), 10) for s in (4, 4, 5))
    assert all(np.array_equal(one[tissue], same[tissue]) for tissue in one)
    assert not np.array_equal(one["grey_matter"], other["grey_matter"])


def test_volumes_are_those_of_an_adult(young):
    ml = volumes(young)
    brain = ml["grey_matter"] + ml["white_matter"] + ml["deep_grey"] + ml["pallidum"]
    assert 1150 < brain < 1650
    assert 0.7 < ml["grey_matter"] / ml["white_matter"] < 1.6
    assert 150 < ml["csf"] < 420


def test_with_age_the_fluid_grows_and_the_brain_shrinks(young):
    old, new = volumes(head_parts(3, age=80, sex="M")), volumes(young)
    assert old["csf"] > 1.15 * new["csf"]
    assert old["grey_matter"] + old["white_matter"] < new["grey_matter"] + new["white_matter"]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_every_point_holds_one_tissue(seed):
    lesions = (white_matter_lesions(seed), tumour(), microbleeds(seed))
    parts = head_parts(seed, lesions=lesions)
    for plane, positions in {"axial": range(-90, 80, 17), "sagittal": (-31, 0, 30)}.items():
        for position in positions:
            shares = tissue_slice(parts, position, 300, 150, 1, plane=plane)
            whole = sum(shares.values())
            assert set(np.unique(whole)) <= {0.0, 1.0}
            wrong = sum(int(((share < 0) | (share > 1)).sum()) for share in shares.values())
            assert wrong <= 2  # points on the very edge of touching solids


def test_left_is_right_of_the_picture_and_the_face_is_up(young):
    shares = tissue_slice(head_parts(3, age=30, lesions=(tumour(),)), 24, 240, 120)
    rows, columns = np.nonzero(shares["tumour"] > 0.5)
    assert columns.mean() > 70  # drawn on the patient's left
    eyes = tissue_slice(young, -35, 260, 130)["soft_tissue"]  # lenses lie in front
    lens = eyes[:40, 30:100]
    assert lens.sum() > 0


def test_lesions_take_the_place_of_what_was_there():
    plain, ill = (
        volumes(head_parts(6, age=40, lesions=x)) for x in ((), (tumour(12.0), microbleeds(1)))
    )
    assert 8 < ill["tumour"] < 16
    assert ill["microbleed"] > 0
    assert sum(ill.values()) == pytest.approx(sum(plain.values()), rel=1e-4)


def test_a_slice_is_exact_for_a_turned_ellipsoid():
    semi, turn = np.array([20.0, 30, 40]), rotation(20, 30, 40)
    part = Part("ball", "water", "air", ellipsoids([5, -3, 2], semi, turn))
    area = {
        plane: tissue_slice((part,), where, 120, 240, 3, plane=plane)["water"].sum() * 0.25
        for plane, where in (("axial", 2), ("coronal", -3), ("sagittal", 5))
    }
    shape = np.linalg.inv(turn @ np.diag(semi**2) @ turn.T)
    for plane, keep in (("axial", [0, 1]), ("coronal", [0, 2]), ("sagittal", [1, 2])):
        exact = np.pi / np.sqrt(np.linalg.det(shape[np.ix_(keep, keep)]))
        assert area[plane] == pytest.approx(exact, rel=2e-3)


def test_a_thick_slice_is_the_mean_of_its_layers():
    part = Part("ball", "water", "air", ellipsoids([0, 0, 0], [10, 10, 10]))
    thick = tissue_slice((part,), 0, 40, 40, 2, thickness_mm=4)["water"]
    thin = [tissue_slice((part,), z, 40, 40, 2)["water"] for z in (-1.5, -0.5, 0.5, 1.5)]
    assert np.allclose(thick, np.mean(thin, 0), atol=1e-6)


def test_all_tissues_of_a_head_are_known_to_x_rays_and_to_the_magnet(young):
    lesions = (white_matter_lesions(1), tumour(), microbleeds(1))
    for part in head_parts(1, lesions=lesions):
        assert part.tissue in TISSUES
        assert relaxation(part.tissue).t2star_ms <= relaxation(part.tissue).t2_ms
        assert relaxation(part.tissue).t2_ms <= relaxation(part.tissue).t1_ms


def test_t1_lengthens_with_the_field_and_the_table_is_met():
    assert relaxation("white_matter", 1.5).t1_ms == pytest.approx(884)
    assert relaxation("white_matter", 3.0).t1_ms == pytest.approx(1084)
    assert 884 < relaxation("white_matter", 2.0).t1_ms < 1084
    assert relaxation("air").pd == 0


def test_wrong_requests_are_refused_in_a_sentence(young):
    with pytest.raises(ValueError, match="from 1 to 4 T"):
        relaxation("fat", 9.4)
    with pytest.raises(ValueError, match="No MR values"):
        relaxation("cheese")
    with pytest.raises(ValueError, match="plane must be"):
        tissue_slice(young, 0, plane="oblique")
    with pytest.raises(ValueError, match="18 to 100"):
        sample_head(1, age=7)
    with pytest.raises(ValueError, match="'F' or 'M'"):
        sample_head(1, sex="X")
    with pytest.raises(ValueError, match="no tissue"):
        weighted({}, {})


@pytest.mark.parametrize("seed", [3, 7, 12])
def test_the_upper_abdomen_belongs_to_the_same_body(seed):
    patient = sample_patient(seed)
    shares = tissue_slice(upper_abdomen(patient), liver_level(patient), 480, 160, 1)
    area = {tissue: float(share.sum()) * 9 for tissue, share in shares.items()}  # mm2
    assert area["liver"] > area["kidney"] > 500
    columns = np.nonzero(shares["liver"] > 0.5)[1]
    assert columns.mean() < 80  # the liver is drawn on the left: the patient's right
    whole = sum(shares.values())
    assert whole.min() > -0.01 and whole.max() < 1.01
    torn = sum(int((share < -0.01).sum()) for share in shares.values())
    assert torn < 0.005 * whole.sum()  # overlaps of small bones, as on the chest film
