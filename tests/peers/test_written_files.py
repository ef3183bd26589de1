"""Every kind of file the course writes, judged by dciodvfy and dcentvfy (David Clunie's tools)."""

import shutil
import subprocess

import numpy as np
import pytest
from pydicom import dcmread

from course_lib.dicom.deidentification.dataset import deidentify
from course_lib.dicom.identity import CHARACTER_SETS, identity_of, make_identity
from course_lib.dicom.results.capture import capture
from course_lib.dicom.results.report import Measured, report
from course_lib.dicom.results.segmentation import segmentation
from course_lib.dicom.writing.dx import VIEWS, write_dx
from course_lib.dicom.writing.files import COMPRESSIONS, save
from course_lib.dicom.writing.modules import Series
from course_lib.dicom.writing.mr import SEQUENCES, MRSettings, write_mr
from course_lib.dicom.writing.virtual import chest_grid, write_ct_of, write_mr_of
from course_lib.imaging.radiography import radiograph
from course_lib.patient.cohort import sample_patient
from course_lib.patient.findings import FINDINGS
from course_lib.patient.head import head_parts

PATIENT = FINDINGS["nodule"](sample_patient(7), severity=0.7, seed=1)
FILM = radiograph(PATIENT, size=64)
GRID = chest_grid(PATIENT, (6, 48, 48))


def complaints(path) -> str:
    """What dciodvfy says about a file, apart from its name; skips where the tool is missing."""
    if shutil.which("dciodvfy") is None:
        pytest.skip("dciodvfy is not installed (Debian package dicom3tools)")
    done = subprocess.run(["dciodvfy", "-new", str(path)], capture_output=True, text=True)
    lines = (done.stdout + done.stderr).splitlines()
    told = [line for line in lines if line.startswith(("Error", "Warning"))]
    return "\n".join(told) or ("" if done.returncode == 0 else f"return code {done.returncode}")


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_ct_has_no_error_and_no_warning(tmp_path, compression):
    for path in write_ct_of(tmp_path, PATIENT, GRID, compression=compression):
        assert complaints(path) == ""


@pytest.mark.parametrize("character_set", CHARACTER_SETS)
def test_names_in_every_character_set_are_accepted(tmp_path, character_set):
    who = identity_of(PATIENT, character_set=character_set)
    assert complaints(write_mr(tmp_path, np.ones((1, 8, 8)), (5, 1 / 3, 0.1 + 0.2), who)[0]) == ""


@pytest.mark.parametrize("sequence", SEQUENCES)
def test_mr_has_no_error_and_no_warning(tmp_path, sequence):
    inversion = 900.0 if sequence == "inversion recovery" else None
    settings = MRSettings(3000, 15, inversion, sequence=sequence)
    volume = np.random.default_rng(0).random((2, 16, 16))
    for path in write_mr(tmp_path, volume, (5, 1, 1), identity_of(PATIENT), settings=settings):
        assert complaints(path) == ""


@pytest.mark.parametrize("view", VIEWS)
def test_dx_has_no_error_and_no_warning(tmp_path, view):
    assert complaints(write_dx(tmp_path / "dx.dcm", radiograph(PATIENT, size=64, view=view))) == ""


def test_a_study_hangs_together(tmp_path):
    """dcentvfy compares files: one patient, one study, each series with one set of attributes."""
    if shutil.which("dcentvfy") is None:
        pytest.skip("dcentvfy is not installed (Debian package dicom3tools)")
    paths = write_ct_of(tmp_path / "ct", PATIENT, GRID)
    who, second = identity_of(PATIENT, description="CT chest"), Series(2, "MR")
    paths += write_mr(tmp_path / "mr", np.ones((2, 8, 8)), (5, 1, 1), who, series=second)
    done = subprocess.run(["dcentvfy", *map(str, paths)], capture_output=True, text=True)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.parametrize("character_set", CHARACTER_SETS)
def test_results_have_no_error_and_no_warning(tmp_path, character_set):
    who = identity_of(PATIENT, character_set=character_set)
    images = [dcmread(p) for p in write_ct_of(tmp_path / "ct", PATIENT, GRID, who)]
    mask = np.zeros(GRID.shape, bool)
    mask[2:4, 10:20, 10:20] = True
    seg = segmentation(images, {"nodule": mask, "lung": ~mask})
    measured = Measured("nodule", {"volume": 900.0, "diameter": 12.0, "mean_hu": 40.0}, segment=1)
    scored = Measured("mass", {"score": 0.1, "probability": 3.0, "area": 5.0})
    results = {
        "seg": seg,
        "sr": report(images, [measured, scored], seg),
        "capture": capture(np.zeros((9, 9, 3), np.uint8), images[0], "Heat map"),
        "film report": report([dcmread(write_dx(tmp_path / "dx.dcm", FILM, who))], [scored]),
    }
    for name, ds in results.items():
        assert complaints(save(ds, tmp_path / f"{name}.dcm")) == "", name


@pytest.mark.parametrize("options", [[], ["retain_modified_dates", "clean_descriptors"]])
def test_deidentified_files_have_no_error_and_no_warning(tmp_path, options):
    who = identity_of(PATIENT, character_set="korean")
    images = [dcmread(p) for p in write_ct_of(tmp_path / "ct", PATIENT, GRID, who)]
    mask = np.zeros(GRID.shape, bool)
    mask[2:4, 10:20, 10:20] = True
    seg = segmentation(images, {"nodule": mask, "lung": ~mask})
    objects = {
        "ct": images[0],
        "mr": dcmread(write_mr(tmp_path / "mr", np.ones((1, 8, 8)), (5, 1, 1), who)[0]),
        "dx": dcmread(write_dx(tmp_path / "dx.dcm", FILM, who)),
        "seg": seg,
        "sr": report(images, [Measured("nodule", {"volume": 900.0}, segment=1)], seg),
        "capture": capture(np.zeros((9, 9, 3), np.uint8), images[0], "Heat map"),
    }
    for name, ds in objects.items():
        clean = deidentify(ds, bytes(16), [*options, "clean_structured_content"])
        assert complaints(save(clean, tmp_path / f"{name}.dcm")) == "", name


def test_a_head_has_no_error_and_no_warning(tmp_path):
    who = make_identity(3, description="MR head")
    for path in write_mr_of(tmp_path, head_parts(3), who, (0.0, 6.0), 48):
        assert complaints(path) == ""
