"""Knee examinations: series of varying length, exact truth of every slice, the same bits again."""

import numpy as np
import pytest

from course_lib.data.knee import KneeSeries, knee_exam, knee_exams
from course_lib.imaging.mr.knee import ELSEWHERE, PROTOCOL, knee_signals
from course_lib.patient.knee import QUESTIONS


@pytest.fixture(scope="module")
def exams():
    return knee_exams(range(6))


def test_series_have_their_own_number_of_slices(exams):
    counts = {name: [len(exam.images[name]) for exam in exams] for name in PROTOCOL}
    assert all(15 <= count <= 28 for row in counts.values() for count in row)
    assert any(len(set(row)) > 1 for row in counts.values())
    assert exams[0].images["coronal T1"].shape[1:] == (64, 64)


def test_same_seed_same_bits(exams):
    again = knee_exam(2)
    for name in PROTOCOL:
        np.testing.assert_array_equal(again.images[name], exams[2].images[name])
        np.testing.assert_array_equal(again.shown[name], exams[2].shown[name])


def test_without_its_truth_an_exam_is_the_same(exams):
    quick = knee_exam(2, truth=False)
    np.testing.assert_array_equal(quick.images["axial PD"], exams[2].images["axial PD"])
    assert quick.answers == exams[2].answers and not quick.shown


def test_an_acl_tear_shows_in_the_slices_that_the_truth_names():
    healthy, torn = knee_exam(7, findings={}), knee_exam(7, findings={"ACL tear": 0.8})
    for name in PROTOCOL:
        shown = torn.shown[name][:, QUESTIONS.index("acl")]
        assert 0 < (shown > 0).sum() < 8
        assert not torn.shown[name][:, QUESTIONS.index("meniscus")].any()
        where = torn.where[name][:, QUESTIONS.index("acl")]
        scale = healthy.images[name].mean()
        change = np.abs(torn.images[name] - healthy.images[name]) / scale
        assert change[where].mean() > 2 * change[~where].mean()
    assert healthy.answers == (0, 0, 0) and not any(v.any() for v in healthy.shown.values())


def test_contrasts_are_those_radiologists_know():
    tissues = ("air", "fat", "fluid", "muscle", "meniscus", "torn_meniscus")
    t2, t1 = (
        dict(zip(tissues, knee_signals(PROTOCOL[name], tissues), strict=True))
        for name in ("sagittal T2", "coronal T1")
    )
    assert t2["air"] == 0
    assert t2["fluid"] > 3 * t2["fat"]  # fat saturated
    assert t1["fat"] > 3 * t1["fluid"]
    assert t2["torn_meniscus"] > 5 * t2["meniscus"]
    with pytest.raises(ValueError, match="cheese"):
        knee_signals(PROTOCOL["axial PD"], ("cheese",))


def test_another_hospital_looks_different_and_is_the_same_knee():
    here, there = knee_exam(3), knee_exam(3, ELSEWHERE)
    assert here.answers == there.answers and list(there.images) == ["sagittal T2"]
    assert len(there.images["sagittal T2"]) < len(here.images["sagittal T2"])


def test_items_for_the_network(exams):
    series = KneeSeries(exams, "sagittal T2", ("acl", "meniscus"), crop_px=48)
    item = series[1]
    assert item["image"].shape[1:] == (1, 48, 48)
    assert abs(float(item["image"].mean())) < 1e-4 and abs(float(item["image"].std()) - 1) < 1e-2
    assert item["target"].tolist() == list(exams[1].answers[1:])
    negative = KneeSeries(exams, "sagittal T2", crop_px=48, negative=True)
    np.testing.assert_array_equal(negative[1]["image"], -item["image"])
    moving = KneeSeries(exams, "sagittal T2", shift_px=4)
    first = moving[1]["image"]
    moving.set_epoch(1)
    assert not np.array_equal(first, moving[1]["image"])


def test_sizes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="divide"):
        knee_exam(0, size=60)
