"""Slices are sorted by where they lie; whatever does not fit together is named."""

import numpy as np
import pytest
from dicom_making import dicom

from course_lib.dicom.errors import UnreadableFile
from course_lib.dicom.order import order_slices
from course_lib.dicom.series import read_series, series_in

AXIAL = [1, 0, 0, 0, 1, 0]
CORONAL = [1, 0, 0, 0, 0, -1]


def slices(count=5, spacing=2.5, orientation=AXIAL, thickness=4, shift=(0, 0, 0), **elements):
    """`count` small CT slices; slice number i holds the stored value i."""
    normal = np.cross(orientation[:3], orientation[3:])
    made = []
    for i in range(count):
        place = [float(v) for v in np.array([-10.0, -20.0, 30.0]) + i * (spacing * normal + shift)]
        pixels = np.full((4, 6), i, np.uint16)
        ds = dicom(pixels, Modality="CT", SeriesInstanceUID="1.2.3", RescaleType="HU")
        ds.ImagePositionPatient, ds.ImageOrientationPatient = place, orientation
        ds.PixelSpacing, ds.SliceThickness, ds.InstanceNumber = [0.5, 0.75], thickness, count - i
        ds.RescaleSlope, ds.RescaleIntercept = 2, -1000
        for keyword, value in elements.items():
            setattr(ds, keyword, value)
        made.append(ds)
    return made


def saved(folder, datasets, names=None):
    for i, ds in enumerate(datasets):
        name = names[i] if names else f"{i}.dcm"
        ds.save_as(folder / name, enforce_file_format=True)
    return folder


@pytest.mark.parametrize("orientation", [AXIAL, CORONAL, [0, 1, 0, 0, 0, -1]])
def test_position_decides_not_the_name_of_the_file_nor_its_number(tmp_path, orientation):
    names = ["c.dcm", "a.dcm", "e.dcm", "b.dcm", "d.dcm"]
    series = read_series(saved(tmp_path, slices(orientation=orientation), names))
    assert series.values[:, 0, 0].tolist() == [-1000, -998, -996, -994, -992]
    assert series.values.shape == (5, 4, 6) and series.values.dtype == np.float32
    assert series.unit == "HU"


def test_spacing_comes_from_positions_not_from_the_thickness():
    series = read_series(slices(spacing=2.5, thickness=4))
    assert series.spacing_mm == (2.5, 0.5, 0.75)
    assert read_series(slices(count=1, thickness=4)).spacing_mm[0] == 4
    alone = slices(count=1)
    del alone[0].SliceThickness
    assert np.isnan(read_series(alone).spacing_mm[0])


def test_a_voxel_index_becomes_a_place_in_the_patient():
    series = read_series(slices())
    assert series.origin.tolist() == [-10, -20, 30]
    assert series.to_patient([2, 1, 3]).tolist() == [-10 + 3 * 0.75, -20 + 0.5, 35]
    assert series.to_patient(np.zeros((7, 2, 3))).shape == (7, 2, 3)


def test_the_tilt_of_the_gantry_is_seen():
    tilted = read_series(slices(spacing=5, shift=(0, 5 * np.tan(np.radians(15)), 0)))
    assert tilted.tilt_deg == pytest.approx(15)
    assert tilted.spacing_mm[0] == pytest.approx(5)  # along the normal
    assert tilted.to_patient([1, 0, 0])[1] == pytest.approx(-20 + 5 * np.tan(np.radians(15)))
    assert read_series(slices()).tilt_deg == 0


def test_a_missing_slice_is_named_and_may_be_allowed():
    datasets = slices(7)
    del datasets[3]
    with pytest.raises(UnreadableFile, match=r"at \(-10, -20, 35\) mm, the next one is 5 mm away"):
        read_series(datasets)
    stack = order_slices(datasets, allow_gaps=True)
    assert stack.gaps == (2,) and stack.spacing_mm == 2.5


def test_rounded_positions_are_no_gap():
    datasets = slices(9, spacing=1.25)
    for ds in datasets:
        ds.ImagePositionPatient = [-10, -20, round(float(ds.ImagePositionPatient[2]), 1)]
    assert read_series(datasets).spacing_mm[0] == pytest.approx(1.25, abs=0.01)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"SeriesInstanceUID": "9.9"}, "2 series here"),
        ({"ImageOrientationPatient": CORONAL}, "turned against"),
        ({"ImagePositionPatient": [-10.0, -20.0, 30.0]}, "lies where another slice lies"),
        ({"ImagePositionPatient": None}, "ImagePositionPatient is missing"),
        ({"ImageOrientationPatient": [1, 0, 0, 1, 0, 0]}, "right angles"),
        ({"ImageOrientationPatient": [1, 0, 0]}, "ImageOrientationPatient is missing or odd"),
        ({"PixelSpacing": [0.5, 0.5]}, "differ from the other slices"),
    ],
)
def test_what_does_not_fit_together_is_named(change, reason):
    datasets = slices()
    for keyword, value in change.items():
        setattr(datasets[3], keyword, value)
    with pytest.raises(UnreadableFile, match=reason):
        read_series(datasets)


def test_a_folder_with_other_files_in_it(tmp_path):
    saved(tmp_path, slices())
    (tmp_path / "notes.txt").write_text("Dear colleague")
    (tmp_path / "empty").write_bytes(b"")
    report = slices(1, Modality="SR", SeriesInstanceUID="7.7")[0]
    for keyword in ("Rows", "PixelData"):
        delattr(report, keyword)
    saved(tmp_path, [report], ["report.dcm"])
    assert len(read_series(tmp_path).values) == 5


def test_one_of_several_series_can_be_chosen(tmp_path):
    saved(tmp_path, slices())
    other = slices(2, SeriesInstanceUID="4.5.6")
    saved(tmp_path, other, ["x.dcm", "y.dcm"])
    assert series_in(tmp_path) == {"1.2.3": 5, "4.5.6": 2}
    assert len(read_series(tmp_path, series_uid="4.5.6").values) == 2
    with pytest.raises(UnreadableFile, match="no DICOM images of series 0.0 here"):
        read_series(tmp_path, series_uid="0.0")


def test_an_empty_folder(tmp_path):
    with pytest.raises(UnreadableFile, match="no DICOM images here"):
        read_series(tmp_path)


def test_a_real_series_whose_thickness_is_not_its_spacing(real_data):
    series = read_series(real_data / "dicom" / "ct_3slice")
    assert series.header.SliceThickness == 1.25
    assert series.spacing_mm[0] == 1.0
    assert series.values.shape == (3, 512, 512)


def test_an_enhanced_file_is_a_series_by_itself(real_data):
    series = read_series(real_data / "dicom" / "eCT_Supplemental.dcm")
    assert series.values.shape == (2, 512, 512)
    assert series.spacing_mm == pytest.approx((10, 0.388672, 0.388672))
