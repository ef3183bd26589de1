"""Our checker against dciodvfy (dicom3tools): on hundreds of damaged files both say yes or no."""

import copy
import shutil
import subprocess
import warnings
from pathlib import Path

import numpy as np
import pydicom.data
import pytest
from pydicom.dataset import Dataset

from course_lib.dicom.conformance.checker import check
from course_lib.dicom.conformance.modules import kinds
from course_lib.dicom.errors import UnreadableFile
from course_lib.dicom.identity import make_identity
from course_lib.dicom.opening import open_dicom
from course_lib.dicom.writing.ct import ct_slices
from course_lib.dicom.writing.dx import dx_image
from course_lib.dicom.writing.mr import mr_slices

pytestmark = pytest.mark.skipif(
    shutil.which("dciodvfy") is None, reason="dciodvfy (dicom3tools) is not on this computer"
)
WHO = make_identity(1)
GOOD = {
    "CT": ct_slices(np.zeros((1, 16, 16)), (2, 1, 1), WHO)[0],
    "MR": mr_slices(np.ones((1, 16, 16)), (2, 1, 1), WHO)[0],
    "DX": dx_image(np.zeros((16, 16), np.uint16), 0.2, WHO),
}
# Damage to values. All but the last of each kind are errors for both.
VALUES = {
    "CT": [
        {"Rows": 17},
        {"PixelData": bytes(100)},
        {"BitsStored": 17, "HighBit": 16},
        {"BitsAllocated": 8},
        {"SamplesPerPixel": 3},
        {"PhotometricInterpretation": "RGB"},
        {"PixelRepresentation": 2},
        {"ImageOrientationPatient": [1, 0, 0, 1, 0, 0]},
        {"ImageOrientationPatient": [2, 0, 0, 0, 1, 0]},
        {"PixelSpacing": [1, 1, 1]},
        {"PatientSex": "W"},
        {"PatientAge": "61"},
        {"StudyDate": "2023.02.1"},
        {"StudyTime": "9:30"},
        {"BodyPartExamined": "chest"},
        {"StudyInstanceUID": "1.2.03.4"},
        {"SeriesInstanceUID": "1." + "2" * 64},
        {"Manufacturer": "x" * 70},
        {"RescaleType": "US"},
        {"PlanarConfiguration": 0},
        {"LossyImageCompression": "02"},
        {"StudyDescription": "a quiet change"},
    ],
    "MR": [
        {"ScanningSequence": "XX"},
        {"MRAcquisitionType": "4D"},
        {"ScanningSequence": "IR"},
        {"BitsAllocated": 8},
        {"SamplesPerPixel": 3},
        {"Columns": 8},
        {"EchoTime": "30"},
    ],
    "DX": [
        {"PhotometricInterpretation": "MONOCHROME1"},
        {"PresentationLUTShape": "INVERSE"},
        {"PresentationLUTShape": "LINEAR"},
        {"PixelRepresentation": 1},
        {"PixelIntensityRelationship": "SQRT"},
        {"PixelIntensityRelationshipSign": 0},
        {"RescaleSlope": "2"},
        {"RescaleIntercept": "-1024"},
        {"RescaleType": "HU"},
        {"BurnedInAnnotation": "MAYBE"},
        {"ImageLaterality": "X"},
        {"PresentationIntentType": "FOR FUN"},
        {"SeriesDescription": "a quiet change"},
    ],
}


def dciodvfy_errors(path: Path) -> list[str]:
    run = subprocess.run(
        ["dciodvfy", "-new", path], capture_output=True, text=True, errors="replace", timeout=60
    )
    return [line for line in run.stderr.splitlines() if line.startswith("Error")]


def both(ds: Dataset, path: Path) -> tuple[list[str], list[str]]:
    """(dciodvfy's errors, our problems)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ds.save_as(path, enforce_file_format=True)
        return dciodvfy_errors(path), [str(problem) for problem in check(path)]


@pytest.mark.parametrize("kind", GOOD)
def test_both_like_a_good_file(kind, tmp_path):
    assert both(GOOD[kind], tmp_path / "good.dcm") == ([], [])


@pytest.mark.parametrize("kind", GOOD)
def test_both_agree_on_every_missing_and_every_empty_element(kind, tmp_path):
    count = 0
    for element in GOOD[kind]:
        if element.keyword in ("SOPClassUID", "PixelData"):  # without them there is no image
            continue
        for way in ("missing", "empty"):
            ds = copy.deepcopy(GOOD[kind])
            if way == "missing":
                del ds[element.tag]
            else:
                ds[element.tag].value = [] if element.VR == "SQ" else None
            theirs, ours = both(ds, tmp_path / "damaged.dcm")
            assert bool(theirs) == bool(ours), (element.keyword, way, theirs, ours)
            count += 1
    assert count > 100


@pytest.mark.parametrize("kind", GOOD)
def test_both_agree_on_wrong_values(kind, tmp_path):
    for number, change in enumerate(VALUES[kind]):
        ds = copy.deepcopy(GOOD[kind])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for keyword, value in change.items():
                setattr(ds, keyword, value)
        theirs, ours = both(ds, tmp_path / "damaged.dcm")
        assert bool(theirs) == bool(ours), (change, theirs, ours)
        assert bool(ours) == (number < len(VALUES[kind]) - 1)


@pytest.mark.parametrize("change", [{"StudyDate": "20230231"}, {"WindowWidth": ["400"]}])
def test_what_only_ours_notices(change, tmp_path):
    ds = copy.deepcopy(GOOD["CT"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for keyword, value in change.items():
            setattr(ds, keyword, value)
    theirs, ours = both(ds, tmp_path / "damaged.dcm")
    assert not theirs and len(ours) == 1


def test_both_agree_on_real_files():
    """pydicom's CT, MR and DX files, few of them perfect."""
    folder = Path(pydicom.data.__file__).parent / "test_files"
    files = [p for p in sorted(folder.rglob("*")) if p.suffix in (".dcm", "")]
    agreed = []
    for path in files:
        try:
            known = path.is_file() and open_dicom(path).get("SOPClassUID") in kinds()
        except UnreadableFile:
            continue
        if known:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                agreed.append(bool(dciodvfy_errors(path)) == bool(check(path)))
    assert len(agreed) > 40 and all(agreed)
