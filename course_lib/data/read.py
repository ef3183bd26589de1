"""Read one image file, whatever its kind: DICOM, PNG or JPEG."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps
from pydicom.dataset import Dataset

from course_lib.data.item import ImageItem
from course_lib.dicom.errors import UnreadableFile, reading
from course_lib.dicom.opening import first_bytes, looks_like_elements, open_dicom
from course_lib.dicom.pixels import Window, displayed
from course_lib.dicom.spacing import spacing_of
from course_lib.dicom.stored import LUMA, MOST_PIXELS

PNG_MARK = b"\x89PNG\r\n\x1a\n"
JPEG_MARK = b"\xff\xd8\xff"
# Bits that scanners use. A 12-bit film in a 16-bit PNG would look black if 65535 were white.
USUAL_DEPTHS = (8, 10, 12, 14, 16)


def read_film(path: str | Path, frame: int = 0, window: Window | int = 0) -> ImageItem:
    """Read a DICOM, PNG or JPEG file as an ImageItem. The content decides, not the file's name.

    DICOM files go through the standard's grey-scale pipeline (course_lib.dicom.pixels) and bring
    patient, study, view, scanner, hospital, age, sex and pixel spacing along; the patient's name is
    not read. For PNG and JPEG the patient is unknown: the file's name stands for him.

    Args:
        path: the file.
        frame: which frame of a multi-frame DICOM file, from 0.
        window: a Window, or the number of the DICOM file's own window.

    Raises:
        UnreadableFile: names the file and the reason.
    """
    path = Path(path)
    kind = file_kind(path)
    if kind == "DICOM":
        dataset = open_dicom(path)
        image = displayed(dataset, frame, window)
        spacing = spacing_of(dataset, frame)
        size = (spacing.row_mm, spacing.column_mm) if spacing else None
        return ImageItem(image=image, spacing_mm=size, **identity(dataset, path))
    image = read_picture(path)
    return ImageItem(image=image, patient_id=path.stem, study_id=path.stem, source=str(path))


def file_kind(path: Path) -> str:
    """ "DICOM", "PNG" or "JPEG" by the file's first bytes; UnreadableFile for anything else."""
    start = first_bytes(path, 132)
    if start.startswith(PNG_MARK):
        return "PNG"
    if start.startswith(JPEG_MARK):
        return "JPEG"
    if start[128:] == b"DICM" or looks_like_elements(start):
        return "DICOM"
    looks = "it looks like text" if _is_text(start) else "its first bytes fit none of them"
    raise UnreadableFile(path, f"this is no DICOM, PNG or JPEG file ({looks})")


def read_picture(path: Path) -> np.ndarray:
    """A PNG or JPEG file as float32 (H, W) in 0..1.

    Grey, colour (turned into luma), palette, 1 to 16 bits; transparent parts become black. 16-bit
    files are scaled by the smallest usual depth (10, 12, 14, 16 bits) that holds their values.
    """
    with reading(path, "the picture is damaged"), Image.open(path, formats=("PNG", "JPEG")) as file:
        if file.width * file.height > MOST_PIXELS:
            raise UnreadableFile(path, f"it claims {file.height} x {file.width} pixels, too many")
        if file.mode.startswith("I"):  # 16-bit grey
            return _sixteen_bits(np.asarray(file).astype(np.float32))
        # Photographs of films by telephone say in a tag how they must be turned.
        upright = ImageOps.exif_transpose(file)
        if upright.mode == "L":
            return np.asarray(upright, dtype=np.float32) / 255
        rgba = np.asarray(upright.convert("RGBA"), dtype=np.float32) / 255
        return (rgba[..., :3] @ LUMA * rgba[..., 3]).astype(np.float32)


def identity(dataset: Dataset, path: str | Path) -> dict:
    """Fields of an ImageRecord from a DICOM header. No patient ID: the file's name."""
    with reading(path, "the DICOM header is damaged"):
        return {
            "patient_id": _text(dataset, "PatientID") or Path(path).stem,
            "study_id": _text(dataset, "StudyInstanceUID"),
            "view": _text(dataset, "ViewPosition"),
            "scanner": f"{_text(dataset, 'Manufacturer')} "
            f"{_text(dataset, 'ManufacturerModelName')}".strip(),
            "hospital": _text(dataset, "InstitutionName"),
            "age": age_in_years(_text(dataset, "PatientAge")),
            "sex": {"F": "F", "M": "M"}.get(_text(dataset, "PatientSex").upper()),
            "source": str(path),
        }


def age_in_years(text: str) -> float | None:
    """DICOM's age ("061Y", "018M", "003W", "005D") or a plain number in years; else None.

    Ages above 120 are typing errors (ChestX-ray14 has some above 400) and count as unknown.
    """
    years_per_unit = {"Y": 1.0, "M": 1 / 12, "W": 7 / 365.25, "D": 1 / 365.25}
    number, unit = text.strip().upper(), "Y"
    if number[-1:] in years_per_unit:
        number, unit = number[:-1], number[-1]
    try:
        age = float(number) * years_per_unit[unit]
    except ValueError:
        return None
    return age if 0 <= age <= 120 else None


def _sixteen_bits(values: np.ndarray) -> np.ndarray:
    largest = float(values.max())
    bits = next((bits for bits in USUAL_DEPTHS[1:] if largest < 2**bits), 16)
    return (values / (2**bits - 1)).astype(np.float32)


def _text(dataset: Dataset, keyword: str) -> str:
    value = dataset.get(keyword)
    return "" if value is None else str(value).strip()


def _is_text(start: bytes) -> bool:
    text = start.decode("utf-8", errors="replace").rstrip("\ufffd")  # the cut may split a letter
    return all(letter.isprintable() or letter in "\r\n\t" for letter in text)
