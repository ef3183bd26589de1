"""What elements of an image say about each other: the third layer of the checker.

Each function gets a data set and its kind and yields problems; missing or malformed elements are
left to the other layers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from pydicom.dataset import Dataset

from course_lib.dicom.conformance.modules import Kind, is_filled
from course_lib.dicom.conformance.problems import Problem, problem
from course_lib.dicom.conformance.values import number_of, texts
from course_lib.dicom.frames import frame_count

LETTERS = {"LO", "LT", "PN", "SH", "ST", "UC", "UT"}  # texts whose letters may be of any language
UIDS = ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID", "SOPInstanceUID")


def _modality(dataset: Dataset, kind: Kind) -> Iterator[Problem]:
    if is_filled(dataset, "Modality") and dataset.Modality != kind.modality:
        yield problem(
            "Modality", "agreement", "", f"is {dataset.Modality}, but the file is a {kind.name}"
        )


def _meta_names_the_file(dataset: Dataset, _: Kind) -> Iterator[Problem]:
    meta = getattr(dataset, "file_meta", Dataset())
    for keyword in ("SOPClassUID", "SOPInstanceUID"):
        there = meta.get(f"MediaStorage{keyword}")
        if there and dataset.get(keyword) and there != dataset.get(keyword):
            yield problem(f"MediaStorage{keyword}", "agreement", "", f"differs from {keyword}")


def _orientation(dataset: Dataset, _: Kind) -> Iterator[Problem]:
    """Rows and columns are unit vectors at right angles (C.7.6.2.1.1)."""
    try:
        row, column = np.asarray(dataset.get("ImageOrientationPatient"), float).reshape(2, 3)
    except (TypeError, ValueError):
        return  # missing or not six numbers: the tables or the values have said so
    lengths = np.linalg.norm([row, column], axis=1)
    if np.any(np.abs(lengths - 1) > 1e-3):
        yield problem("ImageOrientationPatient", "agreement", "", "holds no unit vectors")
    elif abs(row @ column) > 1e-3:
        what = "its two directions are not at right angles"
        yield problem("ImageOrientationPatient", "agreement", "", what)


def _bits(dataset: Dataset, _: Kind) -> Iterator[Problem]:
    allocated, stored, high = (
        dataset.get(keyword) for keyword in ("BitsAllocated", "BitsStored", "HighBit")
    )
    if all(isinstance(number, int) for number in (allocated, stored)) and stored > allocated:
        yield problem("BitsStored", "agreement", "", f"is {stored}, more than {allocated} bits")
    if all(isinstance(number, int) for number in (stored, high)) and high != stored - 1:
        yield problem("HighBit", "agreement", "", f"is {high}, must be BitsStored - 1")


def _pixel_bytes(dataset: Dataset, _: Kind) -> Iterator[Problem]:
    """Uncompressed pixels: rows x columns x samples x bytes x frames, made even (PS3.5, 8.1.1)."""
    syntax = getattr(getattr(dataset, "file_meta", None), "TransferSyntaxUID", None)
    sizes = [dataset.get(k) for k in ("Rows", "Columns", "SamplesPerPixel", "BitsAllocated")]
    if "PixelData" not in dataset or not all(isinstance(n, int) and n for n in sizes):
        return
    if syntax is not None and syntax.is_transfer_syntax and syntax.is_encapsulated:
        return
    needed = int(np.prod(sizes[:3])) * frame_count(dataset) * sizes[3] // 8
    there = len(dataset.PixelData or b"")
    if there != needed + needed % 2:
        what = f"has {there} bytes; rows, columns, samples and bits ask for {needed}"
        yield problem("PixelData", "agreement", "", what)


def _spacing(dataset: Dataset, _: Kind) -> Iterator[Problem]:
    for keyword in ("PixelSpacing", "ImagerPixelSpacing"):
        numbers = (
            [number_of(text) for text in texts(dataset[keyword])] if keyword in dataset else []
        )
        if any(number is not None and number <= 0 for number in numbers):
            yield problem(keyword, "agreement", "", "must be larger than zero")


def _window(dataset: Dataset, _: Kind) -> Iterator[Problem]:
    """As many widths as centres, none below 1 for the linear function (C.11.2.1.2)."""
    centres, widths = (
        texts(dataset[keyword]) if keyword in dataset else []
        for keyword in ("WindowCenter", "WindowWidth")
    )
    if centres and widths and len(centres) != len(widths):
        what = f"has {len(widths)} values for {len(centres)} window centers"
        yield problem("WindowWidth", "agreement", "", what)
    linear = dataset.get("VOILUTFunction", "LINEAR") == "LINEAR"
    numbers = [number for text in widths if (number := number_of(text)) is not None]
    if linear and any(number < 1 for number in numbers):
        yield problem("WindowWidth", "agreement", "", "must not be below 1")


def _presentation(dataset: Dataset, _: Kind) -> Iterator[Problem]:
    """MONOCHROME1 means INVERSE, MONOCHROME2 means IDENTITY (C.8.11.3.1.2)."""
    shape, colours = dataset.get("PresentationLUTShape"), dataset.get("PhotometricInterpretation")
    wanted = {"MONOCHROME1": "INVERSE", "MONOCHROME2": "IDENTITY"}.get(str(colours))
    if shape in ("IDENTITY", "INVERSE") and wanted and shape != wanted:
        yield problem(
            "PresentationLUTShape", "agreement", "", f"is {shape}; {colours} asks for {wanted}"
        )


def _letters(dataset: Dataset, _: Kind) -> Iterator[Problem]:
    """Whoever writes more than plain Latin letters says how they are coded (C.12.1.1.2)."""
    if is_filled(dataset, "SpecificCharacterSet"):
        return
    for element in dataset.iterall():
        if element.VR in LETTERS and not all(text.isascii() for text in texts(element)):
            what = f"is missing, but {element.keyword} holds letters beyond plain Latin"
            yield problem("SpecificCharacterSet", "sop_common", "1C", what)
            return


def _known_region(dataset: Dataset, _: Kind) -> Iterator[Problem]:
    """The region imaged is not unknown if another element names it."""
    keyword = "AnatomicRegionSequence"
    if keyword in dataset and not dataset[keyword].value and is_filled(dataset, "BodyPartExamined"):
        what = "is empty although BodyPartExamined names the region"
        yield problem(keyword, "dx_anatomy_imaged", "2", what)


def _hounsfield(dataset: Dataset, kind: Kind) -> Iterator[Problem]:
    """Original CT slices hold Hounsfield units (C.8.2.1.1.2)."""
    image = list(dataset.get("ImageType") or [])
    one_energy = dataset.get("MultienergyCTAcquisition") != "YES"
    if kind.modality == "CT" and one_energy and "ORIGINAL" in image and "LOCALIZER" not in image:
        named = dataset.get("RescaleType") or "HU"
        if named != "HU":
            yield problem("RescaleType", "ct_image", "1C", f"is {named}; original slices hold HU")


def _private(dataset: Dataset, _: Kind) -> Iterator[Problem]:
    """Makers reserve a block by their name before they use it (PS3.5, 7.8.1)."""
    for element in dataset:
        group, number = element.tag.group, element.tag.element
        if not element.tag.is_private or number == 0:
            continue
        if number < 0x10 or (number <= 0xFF and not texts(element)):
            yield Problem(int(element.tag), "private element", "agreement", "", "names no owner")
        elif number > 0xFF and (group, number >> 8) not in dataset:
            what = "lies in a block that nobody has reserved"
            yield Problem(int(element.tag), "private element", "agreement", "", what)


def _different_names(dataset: Dataset, _: Kind) -> Iterator[Problem]:
    """A study, its series, its space and its images are different things: so are their UIDs."""
    seen: dict[str, str] = {}
    for keyword in UIDS:
        uid = str(dataset.get(keyword) or "")
        if uid and uid in seen:
            yield problem(keyword, "agreement", "", f"is the same as {seen[uid]}")
        seen.setdefault(uid, keyword)


AGREEMENTS: tuple[Callable[[Dataset, Kind], Iterator[Problem]], ...] = (
    _modality,
    _meta_names_the_file,
    _orientation,
    _bits,
    _pixel_bytes,
    _spacing,
    _window,
    _presentation,
    _letters,
    _known_region,
    _hounsfield,
    _private,
    _different_names,
)
