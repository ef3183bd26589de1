"""How large a pixel is, and where that size is true."""

from dataclasses import dataclass

import numpy as np
from pydicom.dataset import Dataset

from course_lib.dicom.frames import find

PROJECTION = {"CR", "DX", "MG", "RF", "XA", "PX", "IO", "RG"}


@dataclass(frozen=True)
class Spacing:
    """Millimetres per pixel and the plane in which they hold.

    plane: "patient" (cross-sections, or a radiograph calibrated to the patient's plane),
    "detector" (a radiograph: things nearer to the tube look larger), "scanned film", or
    "unknown" (a pixel size is given without saying where it holds).
    """

    row_mm: float
    column_mm: float
    plane: str


def spacing_of(dataset: Dataset, frame: int = 0) -> Spacing | None:
    """Pixel spacing of one frame by the standard's rules, or None if the file does not tell.

    In cross-sections `PixelSpacing` is the size in the patient. In projections `ImagerPixelSpacing`
    is the size on the detector; `PixelSpacing` next to it, when different, was calibrated to the
    patient, and when equal repeats the detector's. Source: DICOM PS3.3, 10.7.1.3.
    """
    pixel = _pair(find(dataset, frame, "PixelMeasuresSequence", "PixelSpacing"))
    imager = _pair(dataset.get("ImagerPixelSpacing"))
    if dataset.get("Modality") not in PROJECTION:
        if pixel:
            return Spacing(*pixel, "patient")
        scanned = _pair(dataset.get("NominalScannedPixelSpacing"))
        return Spacing(*scanned, "scanned film") if scanned else None
    if pixel and dataset.get("PixelSpacingCalibrationType"):
        return Spacing(*pixel, "patient")
    if pixel and imager:
        calibrated = not np.allclose(pixel, imager, rtol=1e-3)
        return Spacing(*pixel, "patient" if calibrated else "detector")
    if imager:
        return Spacing(*imager, "detector")
    return Spacing(*pixel, "unknown") if pixel else None


def _pair(value: object) -> tuple[float, float] | None:
    """(row, column) spacing if the value is two positive numbers."""
    try:
        pair = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        return None
    if pair.shape != (2,) or not np.all(np.isfinite(pair)) or np.any(pair <= 0):
        return None
    return float(pair[0]), float(pair[1])
