"""CT, MR and DX files: what was written is what is read, under one identity."""

from datetime import datetime

import numpy as np
import pydicom
import pytest

from course_lib.dicom.identity import CHARACTER_SETS, identity_of, make_identity, uid
from course_lib.dicom.opening import open_dicom
from course_lib.dicom.pixels import displayed, modality_values
from course_lib.dicom.spacing import spacing_of
from course_lib.dicom.stored import stored_values
from course_lib.dicom.writing.ct import stored_from_hu, write_ct
from course_lib.dicom.writing.dx import VIEWS, dx_image, write_dx
from course_lib.dicom.writing.elements import decimal
from course_lib.dicom.writing.files import COMPRESSIONS
from course_lib.dicom.writing.mr import MRSettings, write_mr
from course_lib.dicom.writing.virtual import (
    chest_grid,
    finding_mask,
    hounsfield_volume,
    write_ct_of,
    write_mr_of,
)
from course_lib.imaging.ct.table import on_the_table
from course_lib.imaging.mr.slices import tissue_slice
from course_lib.imaging.radiography import radiograph
from course_lib.patient.cohort import sample_patient
from course_lib.patient.findings import FINDINGS
from course_lib.patient.head import head_parts

WHO = make_identity(3, "M", 61)
VOLUME = np.linspace(-1024, 3071, 4 * 6 * 5).reshape(4, 6, 5).round()


def test_a_volume_comes_back_voxel_by_voxel(tmp_path):
    paths = write_ct(tmp_path, VOLUME, (2.5, 0.7, 0.8), WHO, (-10, -20, -30))
    for index, path in enumerate(paths):
        ds = open_dicom(path)
        assert np.array_equal(modality_values(ds, stored_values(ds)), VOLUME[index])
        assert [float(x) for x in ds.ImagePositionPatient] == [-10, -20, -30 + 2.5 * index]
        spacing = spacing_of(ds)
        assert (spacing.row_mm, spacing.column_mm, spacing.plane) == (0.7, 0.8, "patient")


@pytest.mark.parametrize("compression", [name for name in COMPRESSIONS if name])
def test_compression_loses_nothing(tmp_path, compression):
    volume = np.random.default_rng(0).integers(-1024, 3072, (3, 40, 36))
    path = write_ct(tmp_path, volume, (1, 1, 1), WHO, compression=compression)[2]
    ds = open_dicom(path)
    assert ds.file_meta.TransferSyntaxUID == COMPRESSIONS[compression]
    assert np.array_equal(modality_values(ds, stored_values(ds)), volume[2])


def test_values_outside_twelve_bits_are_clipped_and_never_wrap_round():
    assert stored_from_hu([-3000, -1024, 0, 3071, 20000]).tolist() == [0, 0, 1024, 4095, 4095]
    with pytest.raises(ValueError, match="NaN"):
        stored_from_hu([np.nan])


@pytest.mark.parametrize("value", [0.1 + 0.2, -1 / 3, 1e-7 / 3, 123456789.123456789, -2e300 / 3])
def test_decimal_strings_hold_sixteen_characters_and_stay_exact(value):
    text = decimal(value)
    assert len(text) <= 16
    assert float(text) == pytest.approx(value, rel=1e-8)


def test_decimal_strings_refuse_what_is_no_number():
    with pytest.raises(ValueError, match="finite"):
        decimal(float("nan"))


def test_the_same_seed_writes_the_same_bytes(tmp_path):
    for folder in ("first", "second"):
        write_ct(tmp_path / folder, VOLUME, (1, 1, 1), make_identity(3, "M", 61))
    first, second = (sorted((tmp_path / f).glob("*")) for f in ("first", "second"))
    assert [p.read_bytes() for p in first] == [p.read_bytes() for p in second]


def test_files_of_a_study_share_what_they_must_and_differ_where_they_must(tmp_path):
    patient = sample_patient(5)
    write_ct_of(tmp_path / "ct", patient, chest_grid(patient, (3, 16, 16)))
    write_mr(tmp_path / "mr", np.ones((3, 8, 8)), (5, 1, 1), identity_of(patient))
    files = [pydicom.dcmread(p) for p in sorted(tmp_path.rglob("*.dcm"))]
    assert len({ds.StudyInstanceUID for ds in files}) == 1
    assert len({ds.PatientID for ds in files}) == 1
    assert len({ds.FrameOfReferenceUID for ds in files}) == 1


def test_instances_have_uids_of_their_own():
    uids = {WHO.instance_uid(series, i) for series in range(5) for i in range(200)}
    assert len(uids) == 1000
    assert all(len(text) <= 64 and pydicom.uid.UID(text).is_valid for text in uids)
    assert uid("a", "b") != uid("ab")


@pytest.mark.parametrize("character_set", CHARACTER_SETS)
@pytest.mark.parametrize("seed", range(12))
def test_names_survive_every_character_set(tmp_path, character_set, seed):
    who = make_identity(seed, "FM"[seed % 2], character_set=character_set)
    path = write_mr(tmp_path, np.ones((1, 4, 4)), (1, 1, 1), who)[0]
    assert str(pydicom.dcmread(path).PatientName) == who.name


def test_age_is_whole_years_on_the_day_of_the_study():
    for seed in range(40):
        who = make_identity(seed, age=61.9, when=datetime(2024, 2, 29, 8, 0))
        assert who.age_years == 61


def test_a_radiograph_is_shown_as_it_was_taken(tmp_path):
    film = radiograph(sample_patient(4), size=64)
    ds = open_dicom(write_dx(tmp_path / "film.dcm", film))
    assert np.allclose(displayed(ds), film.pixels / 4095, atol=1e-3)
    assert spacing_of(ds).plane == "detector"
    assert "PixelSpacing" not in ds, "a projection has no scale in the patient"


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_names_its_directions(view):
    ds = dx_image(np.zeros((4, 4), np.uint16), 0.2, WHO, view)
    assert ds.PatientOrientation[1] == "F"
    assert ds.ViewCodeSequence[0].CodeMeaning


def test_magnitudes_keep_their_ratios(tmp_path):
    picture = np.array([[[0.0, 1.0], [2.0, 4.0]]])
    settings = MRSettings(3000, 15, 900, sequence="inversion recovery")
    ds = pydicom.dcmread(write_mr(tmp_path, picture, (5, 1, 1), WHO, settings=settings)[0])
    assert np.allclose(ds.pixel_array / 4095, picture[0] / 4, atol=1e-3)
    assert (ds.InversionTime, ds.RepetitionTime) == (900, 3000)


@pytest.mark.parametrize("picture", [-np.ones((1, 2, 2)), 1j * np.ones((1, 2, 2))])
def test_only_magnitudes_become_mr_pixels(picture, tmp_path):
    with pytest.raises(ValueError, match="magnitudes"):
        write_mr(tmp_path, picture, (1, 1, 1), WHO)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"hounsfield": np.zeros((4, 4)), "spacing_mm": (1, 1, 1)}, "volume"),
        ({"hounsfield": VOLUME, "spacing_mm": (1, 0, 1)}, "positive"),
        ({"hounsfield": VOLUME, "spacing_mm": (1, 1, 1), "compression": "zip"}, "compression"),
    ],
)
def test_wrong_arguments_are_named(arguments, word, tmp_path):
    with pytest.raises(ValueError, match=word):
        write_ct(tmp_path, identity=WHO, **arguments)


def test_the_voxel_truth_has_the_right_hounsfield_units():
    patient = on_the_table(FINDINGS["nodule"](sample_patient(7), severity=0.9, seed=1))
    grid = chest_grid(patient, (40, 64, 64))
    volume = hounsfield_volume(patient.solids, grid)
    inside = finding_mask(patient.findings[0].parts[:1], grid)
    assert inside.any()
    assert abs(np.median(volume[inside]) - 55) < 25, "a nodule is soft tissue"
    assert volume.min() >= -1000.5 and volume.max() > 500
    assert abs(volume[0, 0, 0] + 1000) < 0.5, "round the patient there is air"


def test_a_head_has_bright_csf_on_t2_and_dark_on_t1(tmp_path):
    """The ventricle's fluid in the middle of the head, against the white matter beside it."""
    parts, who = head_parts(3), make_identity(3)
    heights = (10.0, 15.0)
    kinds = {"t1": MRSettings(500, 15), "t2": MRSettings(4000, 100, sequence="turbo spin echo")}
    shares = tissue_slice(parts, heights[0], 240.0, 64)
    fluid, white = (shares[name] > 0.95 for name in ("csf", "white_matter"))
    ratio = {}
    for name, settings in kinds.items():
        paths = write_mr_of(tmp_path / name, parts, who, heights, 64, settings=settings)
        picture = pydicom.dcmread(paths[0]).pixel_array.astype(float)
        ratio[name] = picture[fluid].mean() / picture[white].mean()
    assert ratio["t1"] < 0.7 and ratio["t2"] > 1.5
    with pytest.raises(ValueError, match="equal steps"):
        write_mr_of(tmp_path, parts, who, (0.0, 5.0, 11.0), 16)
