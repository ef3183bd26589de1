"""From data set to file: meta group, transfer syntax, name."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    UID,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)
from tqdm.auto import tqdm

from course_lib.dicom.identity import UTF_8, uid

COMPRESSIONS: dict[str | None, UID] = {
    None: ExplicitVRLittleEndian,
    "rle": RLELossless,
    "jpeg-ls": JPEGLSLossless,
    "jpeg-2000": JPEG2000Lossless,
}
IMPLEMENTATION_UID = UID(uid("implementation"))  # names the program that wrote the file


def new_file(sop_class: str) -> Dataset:
    """An empty data set of this SOP class, ready to be filled and saved."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UID(sop_class)
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = IMPLEMENTATION_UID
    meta.ImplementationVersionName = "COURSE_LIB_1"
    ds = Dataset()
    ds.file_meta = meta
    ds.SOPClassUID = UID(sop_class)
    return ds


def sealed(ds: Dataset, compression: str | None = None) -> Dataset:
    """The finished data set: its UID in the meta group, its pixels compressed if asked.

    compression: None, "rle", "jpeg-ls" or "jpeg-2000", all without loss. ValueError for another.
    """
    if compression not in COMPRESSIONS:
        known = ", ".join(str(name) for name in COMPRESSIONS)
        raise ValueError(f"Unknown compression {compression!r}; choose from {known}.")
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    if compression is not None:
        ds.compress(COMPRESSIONS[compression], generate_instance_uid=False)
    return ds


def in_utf8(ds: Dataset) -> Dataset:
    """A light copy whose texts are written in UTF-8; highdicom knows no Korean ISO 2022."""
    same = Dataset({element.tag: element for element in ds})
    same.file_meta = ds.file_meta
    same.SpecificCharacterSet = UTF_8
    return same


def without_clock(ds: Dataset, source: Dataset) -> Dataset:
    """An object made by highdicom, free of the computer's clock and of chance.

    Its dates become those of the series it was derived from, and random UIDs become repeatable, so
    that the same input gives the same bytes.
    """
    dimensions = uid(ds.SOPInstanceUID, "dimensions")
    for keyword in ("DimensionOrganizationSequence", "DimensionIndexSequence"):
        for item in ds.get(keyword, []):
            item.DimensionOrganizationUID = dimensions
    for group in ("Content", "Series", "InstanceCreation"):
        setattr(ds, f"{group}Date", source.SeriesDate)
        setattr(ds, f"{group}Time", source.SeriesTime)
    for item in ds.get("ContributingEquipmentSequence", []):
        item.ContributionDateTime = source.SeriesDate + source.SeriesTime
    ds.file_meta.ImplementationClassUID = IMPLEMENTATION_UID
    return ds


def save(ds: Dataset, path: str | Path) -> Path:
    """Write one file in DICOM's file format (preamble, meta group, elements); returns its path."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    ds.save_as(path, enforce_file_format=True)
    return path


def save_series(datasets: Iterable[Dataset], folder: str | Path) -> list[Path]:
    """Write the data sets as 0001.dcm, 0002.dcm, ... into `folder`; returns the paths."""
    datasets = list(datasets)
    bar = tqdm(datasets, desc="writing", unit="file", disable=len(datasets) < 100, leave=False)
    return [save(ds, Path(folder) / f"{i:04d}.dcm") for i, ds in enumerate(bar, 1)]
