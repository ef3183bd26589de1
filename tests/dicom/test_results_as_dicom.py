"""Results as DICOM: segmentations, measurement reports and pictures come back as they went in."""

import numpy as np
import pydicom
import pytest

from course_lib.dicom.errors import UnreadableFile
from course_lib.dicom.identity import CHARACTER_SETS, make_identity
from course_lib.dicom.results.capture import capture
from course_lib.dicom.results.report import Measured, read_report, report
from course_lib.dicom.results.segmentation import read_segmentation, segmentation
from course_lib.dicom.writing.ct import ct_slices, write_ct
from course_lib.dicom.writing.dx import dx_image
from course_lib.dicom.writing.files import save

SHAPE = (5, 16, 12)
IMAGES = ct_slices(np.zeros(SHAPE), (3, 1, 1), make_identity(1))
RNG = np.random.default_rng(0)
MASKS = {"nodule (left)": RNG.random(SHAPE) > 0.8, "lung": RNG.random(SHAPE) > 0.4}
MASKS["nodule (left)"][1] = False  # an empty slice gives no frame
FOUND = [
    Measured(
        "nodule", {"volume": 523.6, "diameter": 10.0, "mean_hu": 41.5, "score": 0.93}, "lung", 1
    ),
    Measured("pleural_effusion", {"score": 0.04}),
]


def test_masks_come_back_voxel_by_voxel_through_a_file(tmp_path):
    path = save(segmentation(IMAGES, MASKS), tmp_path / "seg.dcm")
    back = read_segmentation(path, IMAGES)
    assert list(back) == list(MASKS)
    assert all(np.array_equal(back[name], MASKS[name]) for name in MASKS)


def test_masks_follow_their_images_into_any_order():
    seg = segmentation(IMAGES, MASKS)
    order = [3, 0, 4, 2, 1]
    back = read_segmentation(seg, [IMAGES[i] for i in order])
    assert np.array_equal(back["lung"], MASKS["lung"][order])


def test_a_segmentation_of_other_images_is_refused():
    others = ct_slices(np.zeros(SHAPE), (3, 1, 1), make_identity(2))
    with pytest.raises(ValueError, match="other images"):
        read_segmentation(segmentation(IMAGES, MASKS), others)


def test_a_segmentation_refers_to_each_image_of_its_series():
    seg = segmentation(IMAGES, MASKS)
    assert seg.StudyInstanceUID == IMAGES[0].StudyInstanceUID
    assert seg.SeriesInstanceUID != IMAGES[0].SeriesInstanceUID
    named = {item.ReferencedSOPInstanceUID
             for series in seg.ReferencedSeriesSequence
             for item in series.ReferencedInstanceSequence}  # fmt: skip
    assert named == {ds.SOPInstanceUID for ds in IMAGES}


@pytest.mark.parametrize(
    ("masks", "word"),
    [
        ({}, "at least one"),
        ({"lung": np.zeros((4, 16, 12), bool)}, "series is"),
        ({"unicorn": MASKS["lung"]}, "No code"),
    ],
)
def test_wrong_masks_are_named(masks, word):
    with pytest.raises(ValueError, match=word):
        segmentation(IMAGES, masks)


def test_findings_come_back_with_measurements_units_and_segment(tmp_path):
    seg = segmentation(IMAGES, MASKS)
    path = save(report(IMAGES, FOUND, seg), tmp_path / "sr.dcm")
    assert read_report(path) == FOUND


def test_a_film_can_have_a_report_without_segmentation():
    film = dx_image(np.zeros((8, 8), np.uint16), 0.2, make_identity(1))
    found = [Measured("pneumothorax", {"score": 0.71})]
    assert read_report(report([film], found)) == found


def test_a_report_refuses_a_segment_that_is_not_there():
    with pytest.raises(ValueError, match="segment 1"):
        report(IMAGES, FOUND)
    with pytest.raises(ValueError, match="segment 3"):
        report(IMAGES, [Measured("nodule", {}, "lung", 3)], segmentation(IMAGES, MASKS))
    with pytest.raises(ValueError, match="needs a finding"):
        report(IMAGES, [])


def test_other_files_are_no_results():
    with pytest.raises(UnreadableFile):
        read_report(IMAGES[0])
    with pytest.raises(UnreadableFile):
        read_segmentation(IMAGES[0], IMAGES)


def test_the_same_input_gives_the_same_bytes(tmp_path):
    def written(name):
        seg = segmentation(IMAGES, MASKS)
        save(seg, tmp_path / name / "seg.dcm")
        save(report(IMAGES, FOUND, seg), tmp_path / name / "sr.dcm")
        return [p.read_bytes() for p in sorted((tmp_path / name).glob("*"))]

    assert written("first") == written("second")


@pytest.mark.parametrize("character_set", CHARACTER_SETS)
def test_results_carry_the_name_of_the_patient(tmp_path, character_set):
    who = make_identity(4, character_set=character_set)
    images = [pydicom.dcmread(p) for p in write_ct(tmp_path, np.zeros(SHAPE), (3, 1, 1), who)]
    seg = segmentation(images, MASKS)
    for ds in (
        seg,
        report(images, FOUND, seg),
        capture(np.zeros((4, 4, 3), np.uint8), images[0], ""),
    ):
        path = save(ds, tmp_path / "result.dcm")
        assert str(pydicom.dcmread(path).PatientName) == who.name


def test_a_picture_comes_back_in_its_colours(tmp_path):
    picture = RNG.integers(0, 256, (7, 5, 3)).astype(np.uint8)  # an odd number of bytes
    path = save(capture(picture, IMAGES[2], "Heat map"), tmp_path / "sc.dcm")
    ds = pydicom.dcmread(path)
    assert np.array_equal(ds.pixel_array, picture)
    assert ds.SourceImageSequence[0].ReferencedSOPInstanceUID == IMAGES[2].SOPInstanceUID
    with pytest.raises(ValueError, match="uint8"):
        capture(picture.astype(float), IMAGES[0], "")
