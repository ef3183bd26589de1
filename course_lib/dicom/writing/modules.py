"""The modules that all images share: patient, study, series, equipment, plane, pixels.

Each function writes one module of DICOM PS3.3, Annex C. Elements of type 1 have a value, those of
type 2 are there and may be empty; type 3 is written where a real machine would write it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydicom.dataset import Dataset

from course_lib.dicom.identity import CHARACTER_SETS, Identity
from course_lib.dicom.writing.elements import clock, day, decimal, decimals, fill

MAKER = "Virtual Imaging Course"
AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)  # rows run to the patient's left, columns to the back


@dataclass(frozen=True)
class Series:
    """What one series is called: its number in the study, description, body part, and protocol."""

    number: int = 1
    description: str = ""
    body_part: str = "CHEST"
    protocol: str = ""


def patient_module(ds: Dataset, identity: Identity) -> None:
    """C.7.1.1, and the character set of all texts (C.12.1.1.2)."""
    fill(
        ds,
        SpecificCharacterSet=CHARACTER_SETS[identity.character_set],
        PatientName=identity.name,
        PatientID=identity.patient_id,
        PatientBirthDate=day(identity.birth_date),
        PatientSex=identity.sex,
    )


def study_module(ds: Dataset, identity: Identity) -> None:
    """General Study (C.7.2.1) and Patient Study (C.7.2.2)."""
    fill(
        ds,
        StudyInstanceUID=identity.study_uid,
        StudyDate=day(identity.when),
        StudyTime=clock(identity.when),
        ReferringPhysicianName=identity.physician,
        StudyID=identity.study_id,
        AccessionNumber=identity.accession,
        PatientAge=f"{min(identity.age_years, 999):03d}Y",
    )
    if identity.description:
        ds.StudyDescription = identity.description
    if identity.weight_kg:
        ds.PatientWeight = decimal(round(identity.weight_kg, 1))
    if identity.height_m:
        ds.PatientSize = decimal(round(identity.height_m, 3))


def series_module(
    ds: Dataset, identity: Identity, series: Series, modality: str, supine: bool = True
) -> None:
    """General Series (C.7.3.1). supine: head first on the back; otherwise the patient stands."""
    begin = series_start(identity, series)
    fill(
        ds,
        Modality=modality,
        SeriesInstanceUID=identity.series_uid(series.number),
        SeriesNumber=series.number,
        SeriesDate=day(begin),
        SeriesTime=clock(begin),
        BodyPartExamined=series.body_part,
        OperatorsName="Bae^Soojin",
    )
    if supine:
        ds.PatientPosition = "HFS"
    if series.description:
        ds.SeriesDescription = series.description
    if series.protocol:
        ds.ProtocolName = series.protocol


def series_start(identity: Identity, series: Series) -> datetime:
    """When a series began: five minutes after the one before."""
    return identity.when + timedelta(minutes=5 * max(series.number, 0))


def equipment_module(ds: Dataset, identity: Identity, model: str) -> None:
    """General Equipment (C.7.5.1)."""
    fill(
        ds,
        Manufacturer=MAKER,
        InstitutionName=identity.institution,
        StationName=f"{ds.Modality}01",
        ManufacturerModelName=model,
        DeviceSerialNumber="20240001",
        SoftwareVersions="1.0",
    )


def image_module(
    ds: Dataset, identity: Identity, series: Series, instance: int, image_type: list[str]
) -> None:
    """General Image (C.7.6.1), General Acquisition (C.7.10.1) and SOP Common (C.12.1)."""
    taken = series_start(identity, series) + timedelta(seconds=instance)
    fill(
        ds,
        SOPInstanceUID=identity.instance_uid(series.number, instance),
        InstanceNumber=instance,
        ImageType=image_type,
        AcquisitionNumber=1,
        AcquisitionDate=day(taken),
        AcquisitionTime=clock(taken),
        ContentDate=day(taken),
        ContentTime=clock(taken),
        InstanceCreationDate=day(taken),
        InstanceCreationTime=clock(taken),
        BurnedInAnnotation="NO",
        LossyImageCompression="00",
    )


def plane_module(
    ds: Dataset,
    identity: Identity,
    position_mm: ArrayLike,
    pixel_mm: tuple[float, float],
    thickness_mm: float,
    orientation: ArrayLike = AXIAL,
) -> None:
    """Frame of Reference (C.7.4.1) and Image Plane (C.7.6.2).

    position_mm (3,): centre of the first pixel in patient axes; pixel_mm: between rows, between
    columns; orientation (6,): direction of the rows, then of the columns.
    """
    fill(
        ds,
        FrameOfReferenceUID=identity.frame_of_reference_uid,
        PositionReferenceIndicator=None,
        ImagePositionPatient=decimals(np.asarray(position_mm, float)),
        ImageOrientationPatient=decimals(np.asarray(orientation, float)),
        PixelSpacing=decimals(pixel_mm),
        SliceThickness=decimal(thickness_mm),
    )


def pixel_module(ds: Dataset, stored: NDArray[np.uint16], bits: int = 12) -> None:
    """Image Pixel (C.7.6.3) for grey values: stored (rows, columns), unsigned.

    Raises ValueError when a value needs more than `bits` bits: it would change in silence.
    """
    if stored.ndim != 2 or stored.dtype != np.uint16:
        raise ValueError(f"Pixels must be uint16 (H, W), got {stored.dtype} {stored.shape}.")
    if stored.size and int(stored.max()) >= 2**bits:
        raise ValueError(f"The value {stored.max()} does not fit into {bits} bits; clip first.")
    fill(
        ds,
        SamplesPerPixel=1,
        PhotometricInterpretation="MONOCHROME2",
        Rows=stored.shape[0],
        Columns=stored.shape[1],
        BitsAllocated=16,
        BitsStored=bits,
        HighBit=bits - 1,
        PixelRepresentation=0,
    )
    # PixelData needs an even number of bytes; 16-bit pixels always give one.
    ds.add_new("PixelData", "OW", stored.astype("<u2").tobytes())
