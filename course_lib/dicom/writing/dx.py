"""Digital radiographs (DX), processed for presentation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import DigitalXRayImageStorageForPresentation

from course_lib.dicom.identity import Identity, identity_of
from course_lib.dicom.writing.elements import code, decimal, decimals, fill
from course_lib.dicom.writing.files import new_file, save, sealed
from course_lib.dicom.writing.modules import (
    Series,
    equipment_module,
    image_module,
    patient_module,
    pixel_module,
    series_module,
    study_module,
)
from course_lib.imaging.radiography import Radiograph, Technique

# View -> where rows and columns run (to Left, Foot, Anterior, ...), and the view's code.
VIEWS = {
    "PA": (["L", "F"], ("272479007", "SCT", "postero-anterior")),
    "AP": (["L", "F"], ("399348003", "SCT", "antero-posterior")),
    "LAT": (["P", "F"], ("399173006", "SCT", "left lateral")),
}


def dx_image(
    pixels: NDArray[np.uint16],
    spacing_mm: float,
    identity: Identity,
    view: str = "PA",
    technique: Technique | None = None,
    series: Series | None = None,
    instance: int = 1,
    compression: str | None = None,
) -> Dataset:
    """A DX image for presentation.

    Args:
        pixels: (H, W) uint16, 0..4095, bone bright.
        spacing_mm: of the pixels on the detector. It is written as ImagerPixelSpacing: things in
            the body are magnified, so it is not a scale in the patient.
        view: "PA", "AP" or "LAT".

    Raises:
        ValueError: unknown view, wrong pixels, or spacing not positive.
    """
    if view not in VIEWS:
        raise ValueError(f"View must be one of {', '.join(VIEWS)}, got {view!r}.")
    if not spacing_mm > 0:
        raise ValueError(f"Pixel spacing must be positive, got {spacing_mm}.")
    technique, series = technique or Technique(), series or Series(description=f"Chest {view}")
    ds = new_file(DigitalXRayImageStorageForPresentation)
    patient_module(ds, identity)
    study_module(ds, identity)
    series_module(ds, identity, series, "DX", supine=False)
    equipment_module(ds, identity, "Flat panel of solids")
    image_module(ds, identity, series, instance, ["ORIGINAL", "PRIMARY"])
    pixel_module(ds, pixels)
    dx_module(ds)
    detector_module(ds, spacing_mm, technique)
    positioning_module(ds, view)
    return sealed(ds, compression)


def dx_module(ds: Dataset) -> None:
    """DX Series (C.8.11.1), DX Image (C.8.11.3) and VOI LUT (C.11.2)."""
    fill(
        ds,
        PresentationIntentType="FOR PRESENTATION",
        PixelIntensityRelationship="LOG",
        PixelIntensityRelationshipSign=1,
        RescaleIntercept="0",
        RescaleSlope="1",
        RescaleType="US",
        PresentationLUTShape="IDENTITY",
        WindowCenter="2048",
        WindowWidth="4096",
        AcquisitionContextSequence=Sequence(),
    )


def detector_module(ds: Dataset, spacing_mm: float, technique: Technique) -> None:
    """DX Detector (C.8.11.4) and how the exposure was made (C.8.7.2, C.8.7.8)."""
    fill(
        ds,
        ImagerPixelSpacing=decimals([spacing_mm, spacing_mm]),
        DetectorType="SCINTILLATOR",
        DetectorConfiguration="AREA",
        DetectorID="PANEL1",
        KVP=decimal(technique.kvp),
        ExposureInuAs=round(1000 * technique.mas),
        DistanceSourceToDetector=decimal(technique.source_distance_mm),
        Grid=["FIXED", "FOCUSED"] if technique.grid else "NONE",
    )


def positioning_module(ds: Dataset, view: str) -> None:
    """DX Anatomy Imaged (C.8.11.2) and DX Positioning (C.8.11.5): a chest, both sides."""
    rows, view_code = VIEWS[view]
    fill(
        ds,
        ImageLaterality="U",  # unpaired: the chest as a whole
        AnatomicRegionSequence=Sequence([code("816094009", "SCT", "Chest")]),
        PatientOrientation=rows,
        ViewPosition="LL" if view == "LAT" else view,
        ViewCodeSequence=Sequence([code(*view_code)]),
        PositionerType="NONE",
    )


def write_dx(
    path: str | Path,
    film: Radiograph,
    identity: Identity | None = None,
    series: Series | None = None,
    compression: str | None = None,
) -> Path:
    """Write a virtual patient's film as one DX file; the identity defaults to the patient's."""
    identity = identity or identity_of(film.patient, description="Chest radiograph")
    ds = dx_image(
        film.pixels, film.spacing_mm, identity, film.view, film.technique, series,
        compression=compression,
    )  # fmt: skip
    return save(ds, path)
