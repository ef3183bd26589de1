"""Pictures for the eye as DICOM: a colour Secondary Capture, for instance of a heat map.

Any PACS shows it, and no program can measure in it: values are gone, only colours are left. Results
that others should compute with belong into SEG and SR. Source: DICOM PS3.3, A.8 and C.8.6.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import SecondaryCaptureImageStorage

from course_lib.dicom.identity import uid
from course_lib.dicom.writing.elements import fill
from course_lib.dicom.writing.files import new_file, sealed
from course_lib.dicom.writing.modules import MAKER

# What a derived picture takes over from its source: the person and the study.
INHERITED = (
    "SpecificCharacterSet", "PatientName", "PatientID", "PatientBirthDate", "PatientSex",
    "PatientAge", "PatientWeight", "PatientSize", "StudyInstanceUID", "StudyDate", "StudyTime",
    "ReferringPhysicianName", "StudyID", "AccessionNumber", "StudyDescription", "InstitutionName",
    "BodyPartExamined",
)  # fmt: skip


def capture(
    picture: NDArray[np.uint8],
    source: Dataset,
    description: str,
    series_number: int = 102,
    instance: int = 1,
    burned_in: bool = False,
) -> Dataset:
    """A Secondary Capture of `picture` that belongs to the study of `source`.

    Args:
        picture: (H, W, 3) uint8, red, green, blue.
        source: the image that the picture was derived from; it is referred to.
        description: what the picture shows, for the series list.
        burned_in: True when the picture contains text that identifies the patient.

    Raises:
        ValueError: the picture is not an 8-bit colour picture.
    """
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8:
        raise ValueError(f"A picture must be uint8 (H, W, 3): {picture.dtype} {picture.shape}.")
    ds = new_file(SecondaryCaptureImageStorage)
    for keyword in INHERITED:
        if keyword in source:
            ds[keyword] = source[keyword]
    series = uid(source.StudyInstanceUID, "series", series_number)
    fill(
        ds,
        Modality="OT",
        ConversionType="WSD",
        SeriesInstanceUID=series,
        SeriesNumber=series_number,
        SeriesDescription=description[:64],
        SOPInstanceUID=uid(source.StudyInstanceUID, "series", series_number, "instance", instance),
        InstanceNumber=instance,
        ImageType=["DERIVED", "SECONDARY"],
        Manufacturer=MAKER,
        SeriesDate=source.SeriesDate,
        SeriesTime=source.SeriesTime,
        ContentDate=source.SeriesDate,
        ContentTime=source.SeriesTime,
        PatientOrientation=None,
        BurnedInAnnotation="YES" if burned_in else "NO",
        LossyImageCompression="00",
        SourceImageSequence=Sequence([reference(source)]),
    )
    _colour_pixels(ds, picture)
    return sealed(ds)


def reference(source: Dataset) -> Dataset:
    """An item that refers to an image by class and instance."""
    item = Dataset()
    item.ReferencedSOPClassUID = source.SOPClassUID
    item.ReferencedSOPInstanceUID = source.SOPInstanceUID
    return item


def _colour_pixels(ds: Dataset, picture: NDArray[np.uint8]) -> None:
    """Image Pixel (C.7.6.3) for colour: the three values of a pixel stand side by side."""
    fill(
        ds,
        SamplesPerPixel=3,
        PhotometricInterpretation="RGB",
        PlanarConfiguration=0,
        Rows=picture.shape[0],
        Columns=picture.shape[1],
        BitsAllocated=8,
        BitsStored=8,
        HighBit=7,
        PixelRepresentation=0,
    )
    data = np.ascontiguousarray(picture).tobytes()
    ds.add_new("PixelData", "OB", data + b"\0" * (len(data) % 2))  # the length must be even
