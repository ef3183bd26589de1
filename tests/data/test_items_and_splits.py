"""Labels keep "unknown" apart from "absent"; a split never shares a patient."""

import pickle

import numpy as np
import pytest

from course_lib.data.item import ImageItem, ImageRecord, Label
from course_lib.data.source import Joined, Subset, findings_of, records_of
from course_lib.data.split import (
    PatientLeakage,
    assert_no_leakage,
    shared_patients,
    split_by_image,
    split_by_patient,
)

FOUR = {
    "mass": Label.PRESENT,
    "nodule": Label.ABSENT,
    "edema": Label.UNCERTAIN,
    "hernia": Label.NOT_MENTIONED,
}


@pytest.mark.parametrize(
    ("policy", "targets", "known"),
    [
        ("ignore", [1, 0, 0, 0, 0], [True, True, False, False, False]),
        ("ones", [1, 0, 1, 0, 0], [True, True, True, False, False]),
        ("zeros", [1, 0, 0, 0, 0], [True, True, True, False, False]),
    ],
)
def test_label_vector(policy, targets, known):
    record = ImageRecord(patient_id="1", labels=FOUR)
    names = [*FOUR, "never heard of"]
    got_targets, got_known = record.label_vector(names, policy)
    assert got_targets.tolist() == targets and got_targets.dtype == np.float32
    assert got_known.tolist() == known and got_known.dtype == bool


def test_unknown_policy_is_refused():
    with pytest.raises(ValueError, match="ignore"):
        ImageRecord(patient_id="1").label_vector(["mass"], "guess")


@pytest.mark.parametrize(
    "image", [np.zeros((2, 2)), np.zeros((1, 2, 2), np.float32), np.zeros((2, 2), np.uint8)]
)
def test_images_of_another_kind_are_refused(image):
    with pytest.raises(ValueError, match="float32"):
        ImageItem(patient_id="1", image=image)


def test_masks_must_fit_the_image():
    image = np.zeros((4, 4), np.float32)
    for mask in (np.zeros((4, 5), bool), np.zeros((4, 4), np.uint8)):
        with pytest.raises(ValueError, match="mask of mass"):
            ImageItem(patient_id="1", image=image, masks={"mass": mask})


def cohort(seed: int, patients: int = 60) -> list[ImageItem]:
    """Patients with 1 to 6 films each."""
    rng = np.random.default_rng(seed)
    return [
        ImageItem(patient_id=f"P{p}", study_id=f"{p}-{k}", image=np.zeros((2, 2), np.float32))
        for p in range(patients)
        for k in range(rng.integers(1, 7))
    ]


@pytest.mark.parametrize("seed", range(20))
def test_split_is_complete_and_shares_no_patient(seed):
    items = cohort(seed)
    parts = split_by_patient(items, (0.6, 0.2, 0.2), seed)
    indices = sorted(index for part in parts for index in part.indices)
    assert indices == list(range(len(items)))
    owners = [{record.patient_id for record in part.records} for part in parts]
    assert not (owners[0] & owners[1] or owners[0] & owners[2] or owners[1] & owners[2])
    for part, share in zip(parts, (0.6, 0.2, 0.2), strict=True):
        assert abs(len(part) / len(items) - share) < 0.06


def test_same_seed_same_split_another_seed_another():
    items = cohort(0)
    first, again, other = (split_by_patient(items, seed=s)[0].indices for s in (1, 1, 2))
    assert first == again != other


def test_split_by_image_leaks_and_is_caught():
    parts = split_by_image(cohort(0), seed=0)
    assert sum(map(len, parts)) == len(cohort(0))
    with pytest.raises(PatientLeakage) as caught:
        assert_no_leakage(*parts)
    assert set(caught.value.patients) == set(shared_patients(*parts))
    assert caught.value.patients[0] in str(caught.value)
    copy = pickle.loads(pickle.dumps(caught.value))
    assert copy.patients == caught.value.patients


def test_splits_that_cannot_be_made():
    items = cohort(0, 5)
    with pytest.raises(ValueError, match="add up to 1"):
        split_by_patient(items, (0.5, 0.2))
    with pytest.raises(ValueError, match="5 patients cannot"):
        split_by_patient(items, (0.1,) * 10)
    with pytest.raises(ValueError, match="got no patient"):
        split_by_patient(items, (0.998, 0.001, 0.001))


def test_subset_and_joined():
    items = cohort(0, 4)
    part = Subset(items, [2, 0])
    assert part[0] is items[2] and part[1] is items[0] and len(part) == 2
    assert list(part) == [items[2], items[0]]
    both = Joined(part, items[:3])
    assert len(both) == 5 and both[4] is items[2]
    assert [r.study_id for r in both.records] == [both[i].study_id for i in range(5)]
    with pytest.raises(IndexError):
        both[5]
    nested = Subset(Subset(items, [3, 2, 1]), [1])
    assert records_of(nested)[0].study_id == items[2].study_id


def test_findings_of():
    items = [ImageRecord(patient_id="1", labels=FOUR)]
    assert findings_of(Subset(items, [0])) == ("mass", "nodule", "edema", "hernia")
