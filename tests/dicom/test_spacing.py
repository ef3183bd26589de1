"""Millimetres per pixel by the standard's rules (PS3.3, 10.7.1.3)."""

import numpy as np
import pydicom
import pytest
from dicom_making import dicom

from course_lib.dicom.spacing import Spacing, spacing_of

PIXELS = np.zeros((4, 4), dtype=np.uint8)


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ({}, None),
        ({"ImagerPixelSpacing": [0.2, 0.1]}, Spacing(0.2, 0.1, "detector")),
        ({"PixelSpacing": [0.2, 0.1]}, Spacing(0.2, 0.1, "unknown")),
        (
            {"PixelSpacing": [0.2, 0.2], "ImagerPixelSpacing": [0.2, 0.2]},
            Spacing(0.2, 0.2, "detector"),
        ),
        (
            {"PixelSpacing": [0.18, 0.18], "ImagerPixelSpacing": [0.2, 0.2]},
            Spacing(0.18, 0.18, "patient"),
        ),
        (
            {"PixelSpacing": [0.2, 0.2], "PixelSpacingCalibrationType": "FIDUCIAL"},
            Spacing(0.2, 0.2, "patient"),
        ),
        ({"Modality": "CT", "PixelSpacing": [0.7, 0.8]}, Spacing(0.7, 0.8, "patient")),
        ({"Modality": "CT", "ImagerPixelSpacing": [0.7, 0.8]}, None),
        (
            {"Modality": "SC", "NominalScannedPixelSpacing": [0.1, 0.1]},
            Spacing(0.1, 0.1, "scanned film"),
        ),
        ({"Modality": "CT", "PixelSpacing": [0, 0]}, None),
        ({"Modality": "CT", "PixelSpacing": [0.5]}, None),
    ],
)
def test_rules(elements, expected):
    assert spacing_of(dicom(PIXELS, **elements)) == expected


def test_enhanced_files_give_it_per_frame():
    ds = dicom(np.zeros((2, 4, 4), dtype=np.uint8), Modality="CT")
    groups = []
    for size in (0.5, 0.6):
        measures, group = pydicom.Dataset(), pydicom.Dataset()
        measures.PixelSpacing = [size, size]
        group.PixelMeasuresSequence = [measures]
        groups.append(group)
    ds.PerFrameFunctionalGroupsSequence = groups
    assert [spacing_of(ds, k).row_mm for k in (0, 1)] == [0.5, 0.6]
