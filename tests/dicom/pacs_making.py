"""Small objects of a few patients, for the tests of the archive."""

import io

import numpy as np
from dicom_making import dicom
from pydicom.dataset import FileDataset
from pydicom.uid import UID, generate_uid

from course_lib.dicom.pacs import client

CT, SEG = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.66.4"


def uid(*words) -> str:
    """The same UID for the same words."""
    return generate_uid(entropy_srcs=[str(word) for word in words])


def image(patient="P1", study=1, series=1, number=1, **elements) -> FileDataset:
    """One CT image of 8 x 8 pixels; its UIDs follow from its place in the tree."""
    pixels = np.arange(64, dtype=np.uint16).reshape(8, 8) + number
    ds = dicom(pixels, PatientID=patient, Modality="CT", InstanceNumber=number)
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = UID(CT)
    ds.StudyInstanceUID = uid(patient, study)
    ds.SeriesInstanceUID = uid(patient, study, series)
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = uid(
        patient, study, series, number
    )
    ds.PatientName, ds.StudyDate, ds.StudyTime = f"Name^{patient}", f"202601{study:02}", "101500"
    ds.SeriesNumber = series
    for keyword, value in elements.items():
        setattr(ds, keyword, value)
    ds["PixelData"].VR = "OW"
    return ds


def content(ds: FileDataset) -> bytes:
    """The data set as a file's bytes."""
    buffer = io.BytesIO()
    ds.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def hospital() -> list[FileDataset]:
    """Two patients: P1 with two studies (CT of two series; CT with a secondary capture), P2 one."""
    seen = [image("P1", 1, 1, n) for n in (1, 2, 3)] + [image("P1", 1, 2, n) for n in (1, 2)]
    seen += [image("P1", 2, 1), image("P1", 2, 2, Modality="OT")]
    seen += [image("P2", 3, 1, n, PatientName="Hong^Gildong=洪^吉洞=홍^길동",
                   SpecificCharacterSet="ISO_IR 192") for n in (1, 2)]  # fmt: skip
    return seen


def send(server, *objects) -> list[int]:
    """The statuses that a server gives to these objects."""
    return list(client.send(server.node, objects, progress=False).values())
