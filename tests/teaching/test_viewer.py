"""The viewer's Python side; what happens in the browser is tested in tests/browser."""

import base64
import io
import json

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.data import get_testdata_file

from course_lib.dicom.spacing import Spacing
from course_lib.imaging.geometry import film_geometry
from course_lib.imaging.projection import part_lengths
from course_lib.imaging.radiography import radiograph
from course_lib.patient.cohort import sample_patient
from course_lib.patient.solids import Compound, Part, ellipsoids
from course_lib.patient.voxels import Grid, tissue_volumes
from course_lib.teaching import widgets
from course_lib.teaching.viewer.coding import bits, coded, presets
from course_lib.teaching.viewer.planes import cut, planes_of, to_picture, to_voxel
from course_lib.teaching.viewer.viewer import Viewer, patient_point, view
from course_lib.teaching.viewer.volume import Volume, letter, volume_of

NUMBERED = np.arange(3 * 4 * 5).reshape(3, 4, 5)


def viewer_of(source, spacing=None, **given) -> Viewer:
    masks = given.pop("masks", {})
    return Viewer(volume_of(source, spacing, given.pop("unit", None)), masks, {}, "a test")


def test_an_axial_volume_is_shown_as_radiologists_are_used_to():
    planes = {p["name"]: p for p in planes_of(volume_of(NUMBERED, (3, 2, 1)))}
    assert list(planes) == ["axial", "coronal", "sagittal"]
    assert planes["axial"]["letters"] == ["R", "A", "L", "P"]
    assert planes["coronal"]["letters"] == ["R", "H", "L", "F"]
    assert planes["sagittal"]["letters"] == ["A", "H", "P", "F"]
    assert (planes["coronal"]["column_mm"], planes["coronal"]["row_mm"]) == (1, 3)
    assert (planes["sagittal"]["column_mm"], planes["sagittal"]["row_mm"]) == (2, 3)
    assert cut(NUMBERED, planes["coronal"], 1)[0].tolist() == NUMBERED[2, 1].tolist()  # head up


def test_a_sagittal_series_is_cut_into_upright_planes_too():
    directions = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])  # slices to the left
    scale = Spacing(1, 1, "patient")
    volume = Volume(NUMBERED, "signal", scale, 4.0, directions, np.zeros(3))
    planes = {p["name"]: p for p in planes_of(volume)}
    assert list(planes) == ["sagittal", "axial", "coronal"]
    assert planes["axial"]["letters"] == ["R", "A", "L", "P"]
    assert planes["coronal"]["letters"] == ["R", "H", "L", "F"]
    assert cut(NUMBERED, planes["axial"], 2).tolist() == NUMBERED[:, 2, :].T.tolist()


def test_points_go_to_voxels_and_back_in_every_plane():
    for plane in planes_of(volume_of(NUMBERED, (3, 2, 1))):
        for index in range(plane["slices"]):
            picture = cut(NUMBERED, plane, index)
            for row, column in np.ndindex(picture.shape):
                voxel = to_voxel(plane, index, (column, row))
                assert NUMBERED[tuple(int(i) for i in voxel)] == picture[row, column]
                assert to_picture(plane, voxel) == (column, row)


def test_whole_numbers_travel_exactly_others_to_a_65535th_of_their_range():
    for values in (
        np.array([-1024.0, 3071.0]),
        np.array([0, 65535], np.uint16),
        np.array([-32768, 32767]),
    ):
        codes, slope, intercept = coded(values)
        assert slope == 1
        assert np.array_equal(codes * slope + intercept, values)
    parts = np.random.default_rng(2).uniform(0, 0.03, 1000)
    codes, slope, intercept = coded(parts)
    assert np.abs(codes * slope + intercept - parts).max() <= 0.03 / 65535


def test_masks_share_one_volume_bit_by_bit():
    low, high = NUMBERED < 20, NUMBERED > 10
    labels = bits({"low": low, "high": high}, NUMBERED.shape)
    assert np.array_equal(labels & 1, low)
    assert np.array_equal(labels >> 1 & 1, high)
    with pytest.raises(ValueError, match="'low' has shape"):
        bits({"low": low[:, :2]}, NUMBERED.shape)
    with pytest.raises(ValueError, match="at most 8"):
        bits({str(i): low for i in range(9)}, NUMBERED.shape)


def test_windows_fit_the_unit():
    assert list(presets(NUMBERED, "HU"))[:4] == ["mediastinum", "lung", "bone", "brain"]
    signal = presets(np.linspace(0, 1000, 2001), "signal")
    assert list(signal) == ["auto", "all"]
    assert signal["all"] == (500, 1000)
    assert presets(np.full((1, 4, 4), 7.0), "signal")["auto"] == (7, 1)  # nothing to span


def test_directions_become_letters():
    assert letter(np.array([-1.0, 0, 0])) == "R"
    assert letter(np.array([0, -0.6, 0.8])) == "HA"


def test_a_sphere_in_voxels_of_any_shape_has_its_diameter():
    """A sphere of 24 mm measured along all three axes of a volume of uneven voxels."""
    sphere = Part("ball", "muscle", "air", Compound(ellipsoids((3, -2, 5), (12, 12, 12))))
    grid = Grid((-30, -30, -30), (0.5, 1.0, 2.0), (31, 61, 121))
    volume = tissue_volumes((sphere,), grid)["muscle"] * 1000
    viewer = viewer_of(np.rint(volume), grid.spacing[::-1])
    for name, steps in (("axial", (0.5, 1.0)), ("coronal", (0.5, 2.0)), ("sagittal", (1.0, 2.0))):
        plane = viewer.planes[name]
        picture_of = [cut(viewer.volume.values, plane, i) for i in range(plane["slices"])]
        index = int(np.argmax([picture.sum() for picture in picture_of]))
        viewer.go(name, index)
        rows, columns = np.nonzero(picture_of[index] > 500)
        middle = round(rows.mean()), round(columns.mean())
        across = [(columns.min() - 0.5, middle[0]), (columns.max() + 0.5, middle[0])]
        down = [(middle[1], rows.min() - 0.5), (middle[1], rows.max() + 0.5)]
        for points, step in zip((across, down), steps, strict=True):
            assert viewer.measure("length", points)["length"] == pytest.approx(24, abs=step + 1e-6)


def test_the_thorax_of_the_virtual_patient_has_its_true_width():
    patient = sample_patient(7)
    grid = Grid((-230, -160, -20), (2.3, 2.3, 8), (5, 140, 200))
    tissues = tissue_volumes(patient.parts, grid)
    solid = sum(volume for name, volume in tissues.items() if name != "lung") > 0.5
    viewer = viewer_of(solid.astype(np.int16) * 1000, grid.spacing[::-1])
    row = round(160 / 2.3)
    columns = np.nonzero(solid[2, row])[0]
    viewer.go("axial", 2)
    ends = [(columns[0] - 0.5, row), (columns[-1] + 0.5, row)]
    found = viewer.measure("length", ends)
    # The truth: where the patient's own solids begin and end on that line.
    x = np.arange(-260, 260, 0.05)
    line = np.stack([x, np.full_like(x, -160 + 2.3 * row), np.full_like(x, -4.0)], -1)
    held = np.zeros(len(x), bool)
    for part in patient.parts:
        inside = part.geometry.inside(line)
        held |= inside.any(0) if inside.ndim == 2 else inside
    assert found["unit"] == "mm"
    assert found["length"] == pytest.approx(np.ptp(x[held]), abs=2 * 2.3)


def test_a_film_measures_on_the_detector_until_the_magnification_is_known():
    ball = Part("ball", "bone_cortical", "air", ellipsoids((0, 0, 0), (20, 20, 20)))
    geometry = film_geometry("PA", np.zeros(3), 400, 100, 1000.0, film_distance_mm=200)
    shadow = part_lengths((ball,), geometry)["bone_cortical"]
    scale = Spacing(geometry.spacing_mm, geometry.spacing_mm, "detector")
    viewer = Viewer(Volume(shadow[None], "mm of bone", scale), {}, {}, "a ball")
    columns = np.nonzero(shadow[200] > 0)[0]
    ends = [(columns[0] - 0.5, 200), (columns[-1] + 0.5, 200)]
    on_film = viewer.measure("length", ends)
    viewer.magnification = 1000 / 800  # source to film over source to object
    at_ball = viewer.measure("length", ends)
    assert on_film["unit"] == "mm on the detector" and at_ball["unit"] == "mm at the object"
    assert on_film["length"] == pytest.approx(50, abs=0.6)
    assert at_ball["length"] == pytest.approx(40, abs=0.5)


def test_a_virtual_film_has_letters_and_lies_on_the_detector():
    film = radiograph(sample_patient(3), size=64)
    volume = volume_of(film)
    assert planes_of(volume)[0]["letters"] == ["R", "H", "L", "F"]
    assert volume.scale.plane == "detector"
    assert viewer_of(film).about["magnified"]


def test_a_dicom_file_brings_its_spacing_place_and_window():
    path = get_testdata_file("CT_small.dcm", download=False)
    viewer = viewer_of(path)
    dataset = pydicom.dcmread(path)
    assert viewer.volume.unit == "HU"
    assert viewer.planes["axial"]["column_mm"] == pytest.approx(float(dataset.PixelSpacing[1]))
    assert patient_point(viewer, (0, 0, 0)) == pytest.approx(dataset.ImagePositionPatient)
    stored = dataset.pixel_array * dataset.RescaleSlope + dataset.RescaleIntercept
    assert np.array_equal(viewer.volume.values[0], stored)


def test_a_negative_film_without_scale_says_pixels_and_is_turned():
    dataset = pydicom.dcmread(get_testdata_file("CT_small.dcm", download=False))
    for keyword in ("PixelSpacing", "ImagePositionPatient", "ImageOrientationPatient"):
        delattr(dataset, keyword)
    dataset.Modality, dataset.PhotometricInterpretation = "DX", "MONOCHROME1"
    dataset.PatientOrientation = ["L", "F"]
    viewer = viewer_of(dataset)
    assert viewer.measure("length", [(0, 0), (3, 4)]) == {
        "kind": "length",
        "length": 5.0,
        "unit": "pixels",
    }
    assert viewer.about["negative"] and not viewer.about["known"]
    assert viewer.planes["film"]["letters"] == ["R", "H", "L", "F"]


def test_frames_without_a_place_are_shown_as_they_come():
    dataset = pydicom.dcmread(get_testdata_file("CT_small.dcm", download=False))
    first = volume_of(dataset).values[0]
    for keyword in ("ImagePositionPatient", "ImageOrientationPatient"):
        delattr(dataset, keyword)
    dataset.NumberOfFrames, dataset.PixelData = 2, dataset.PixelData + bytes(len(dataset.PixelData))
    viewer = viewer_of(dataset)
    assert list(viewer.planes) == ["slices"]
    assert np.array_equal(viewer.volume.values[0], first)
    assert (viewer.volume.values[1] == -1024).all()


def test_a_negative_with_a_place_is_turned_as_well():
    dataset = pydicom.dcmread(get_testdata_file("CT_small.dcm", download=False))
    dataset.PhotometricInterpretation = "MONOCHROME1"
    viewer = viewer_of(dataset)
    assert viewer.about["negative"] and list(viewer.planes) == ["axial"]


def test_view_shows_a_picture_with_alt_text_and_sends_no_volume_to_the_notebook(monkeypatch):
    shown = []
    monkeypatch.setattr(widgets, "display", lambda data, **more: shown.append((data, more)))
    noisy = np.random.default_rng(0).integers(-1000, 1000, (8, 40, 50))
    view(noisy, (3, 1, 1), masks={"high": noisy > 900}, unit="HU", alt="noise")
    [(data, more)] = shown
    assert more["metadata"]["image/png"]["alt"] == "noise"
    png = base64.b64decode(data.pop("image/png"))
    assert Image.open(io.BytesIO(png)).size[0] > 300
    assert "application/vnd.jupyter.widget-view+json" in data
    assert len(json.dumps(data)) < 500


def test_the_start_picture_is_the_chosen_slice_in_its_window():
    volume = np.zeros((3, 60, 80))
    volume[1, :, 40:] = 100
    viewer = viewer_of(volume, (1, 1, 1))
    viewer.window = [50.0, 20.0]
    picture = np.asarray(Image.open(io.BytesIO(viewer.picture())))
    row = picture[picture.shape[0] // 2 - 40, 30:-30, 0]
    assert row[10] == 0 and row[-10] == 255


def test_what_cannot_be_shown_is_refused_in_one_sentence():
    for source, spacing, message in (
        (np.zeros((2, 2, 2, 3)), None, "grey picture"),
        (np.zeros((4, 4, 4)), (1, 1), "three spacings"),
        (np.zeros((4, 4)), (0, 1), "positive lengths"),
        (np.full((4, 4), np.nan), None, "not finite"),
        (np.array([["a"]]), None, "of numbers"),
    ):
        with pytest.raises(ValueError, match=message):
            volume_of(source, spacing)
    with pytest.raises(ValueError, match="alt text"):
        view(np.zeros((4, 4)))
    with pytest.raises(ValueError, match="width above 0"):
        view(np.zeros((4, 4)), windows={"odd": (0, 0)}, alt="nothing")
    viewer = viewer_of(NUMBERED, (1, 1, 1))
    with pytest.raises(ValueError, match="choose from axial"):
        viewer.go("oblique", 0)
    with pytest.raises(ValueError, match="slices are 0 to 2"):
        viewer.go("axial", 3)
    with pytest.raises(ValueError, match="angle \\(3 points\\)"):
        viewer.measure("angle", [(0, 0), (1, 1)])
