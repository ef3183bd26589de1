"""The kinds of files that public sets consist of: tables, pictures, DICOM files."""

import csv
import gzip
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from course_lib.data.imitation.readers import Film
from course_lib.data.item import Box
from course_lib.data.preprocess import to_uint8
from course_lib.dicom.identity import make_identity
from course_lib.dicom.writing.dx import dx_image
from course_lib.dicom.writing.files import save

JPEG_QUALITY = 95


def write_table(
    path: Path, header: Sequence[str], rows: Iterable[Sequence[object]], between: str = ","
) -> None:
    """A CSV file in UTF-8; packed if its name ends in .gz. An empty header writes no line."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=between, lineterminator="\n")
    writer.writerows([header] if header else [])
    writer.writerows(rows)
    data = text.getvalue().encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)


def write_picture(path: Path, image: np.ndarray, bits: int = 8) -> None:
    """A film, float32 (H, W) in 0..1, as grey PNG or JPEG; with 12 bits as a 16-bit PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if bits == 8:
        Image.fromarray(to_uint8(image)).save(path, quality=JPEG_QUALITY)
        return
    stored = np.round(np.clip(image, 0, 1) * (2**bits - 1)).astype(np.uint16)
    Image.fromarray(stored).save(path)


def write_dicom(path: Path, film: Film) -> None:
    """A film as a DX file with an invented identity."""
    stored = np.round(np.clip(film.item.image, 0, 1) * 4095).astype(np.uint16)
    spacing = film.item.spacing_mm[0] if film.item.spacing_mm else 1.0
    person = make_identity(film.number + 1, film.sex, film.age)
    path.parent.mkdir(parents=True, exist_ok=True)
    save(dx_image(stored, spacing, person, film.item.view or "PA"), path)


def boxes_of(film: Film, finding: str, side: int | None = None) -> list[Box]:
    """A box around each part of a finding's mask, in pixels of a `side` x `side` picture."""
    mask = film.item.masks.get(finding)
    if mask is None:
        return []
    scale = (side or mask.shape[0]) / mask.shape[0]
    _, _, parts, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    return [
        Box(finding, *(float(part[place]) * scale for place in (1, 0, 3, 2))) for part in parts[1:]
    ]
