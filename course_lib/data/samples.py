"""Real CT and MR slices that come with the pydicom package: no download, no patient of ours."""

from dataclasses import dataclass

import numpy as np
from pydicom.data import get_testdata_file

from course_lib.dicom.opening import open_dicom
from course_lib.dicom.pixels import file_windows, modality_values
from course_lib.dicom.spacing import spacing_of
from course_lib.dicom.stored import stored_values

# Which file shows what. All are among pydicom's test files (MIT licence), made anonymous by others.
CT_SLICES = {"head": "J2K_pixelrep_mismatch.dcm", "spine": "CT_small.dcm"}
MR_SLICES = {"abdomen": "examples_overlay.dcm", "detail": "MR_small.dcm"}
SOFT_TISSUE = (40.0, 400.0)  # the usual window for a CT slice that brings none, in HU


@dataclass(frozen=True)
class Slice:
    """One real cross-section.

    stored: (H, W) whole numbers as the file holds them; slope, intercept: values = stored * slope +
        intercept (1 and 0 where the file names none, as in MR).
    values: float32 (H, W), Hounsfield units in CT, arbitrary units in MR.
    spacing_mm: millimetres per pixel (row, column). modality: "CT" or "MR".
    window: a (center, width) to start with. part: what it shows. file: its name in pydicom.
    """

    stored: np.ndarray
    slope: float
    intercept: float
    values: np.ndarray
    spacing_mm: tuple[float, float]
    modality: str
    window: tuple[float, float]
    part: str
    file: str


def sample_ct(part: str = "head") -> Slice:
    """A CT slice in Hounsfield units: "head" (512 x 512) or "spine" (128 x 128)."""
    return _slice(CT_SLICES, part, "CT")


def sample_mr(part: str = "abdomen") -> Slice:
    """An MR slice in arbitrary units: "abdomen" (300 x 484) or "detail" (64 x 64)."""
    return _slice(MR_SLICES, part, "MR")


def _slice(names: dict[str, str], part: str, modality: str) -> Slice:
    if part not in names:
        raise ValueError(f"There is no {modality} slice {part!r}; choose from {', '.join(names)}.")
    path = get_testdata_file(names[part], download=False)
    if path is None:
        raise FileNotFoundError(
            f"pydicom's file {names[part]} is not installed; install pydicom again from its wheel."
        )
    dataset = open_dicom(str(path))
    stored = stored_values(dataset)
    values = modality_values(dataset, stored).astype(np.float32)
    spacing = spacing_of(dataset)
    windows = file_windows(dataset)
    window = (windows[0].center, windows[0].width) if windows else SOFT_TISSUE
    size = (spacing.row_mm, spacing.column_mm) if spacing else (1.0, 1.0)
    line = (float(dataset.get("RescaleSlope", 1)), float(dataset.get("RescaleIntercept", 0)))
    return Slice(stored, *line, values, size, modality, window, part, names[part])
