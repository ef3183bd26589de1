"""Objects in the form a web caller wants: another encoding, bare frames, or a picture."""

import io
from dataclasses import dataclass

import numpy as np
import pydicom
from PIL import Image
from pydicom.encaps import get_frame
from pydicom.pixels import get_decoder
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from course_lib.dicom.errors import reading
from course_lib.dicom.frames import check_frame, frame_count
from course_lib.dicom.pacs.archive import Kept
from course_lib.dicom.pixels import Window, displayed

PLAIN = (ExplicitVRLittleEndian, ImplicitVRLittleEndian)
AS_STORED = "*"
PICTURES = {"image/jpeg": "JPEG", "image/png": "PNG"}
FRAME_TYPES = {  # media type of one compressed frame (PS3.18, 8.7.3)
    "1.2.840.10008.1.2.5": "image/dicom-rle",
    "1.2.840.10008.1.2.4.50": "image/jpeg",
    "1.2.840.10008.1.2.4.57": "image/jpeg",
    "1.2.840.10008.1.2.4.70": "image/jpeg",
    "1.2.840.10008.1.2.4.80": "image/jls",
    "1.2.840.10008.1.2.4.81": "image/jls",
    "1.2.840.10008.1.2.4.90": "image/jp2",
    "1.2.840.10008.1.2.4.91": "image/jp2",
}
BYTES = "application/octet-stream"
MOST_PIXELS_ACROSS = 4096


class CannotConvert(ValueError):
    """The archive cannot make the wanted form of this object."""


@dataclass(frozen=True)
class View:
    """How a picture is wanted: frame (from 0), grey-scale window, largest width and height."""

    frame: int = 0
    window: Window | None = None
    size: tuple[int, int] | None = None


def encoded(kept: Kept, syntax: str) -> bytes:
    """The object as a DICOM file in the wanted transfer syntax ("*": as it is kept).

    Raises:
        CannotConvert: the archive packs nothing, and unpacks only what it has a decoder for.
    """
    if syntax in (AS_STORED, kept.transfer_syntax):
        return kept.content()
    if syntax not in PLAIN:
        raise CannotConvert(f"The object is kept as {UID(kept.transfer_syntax).name}.")
    dataset = kept.dataset()
    try:
        if UID(kept.transfer_syntax).is_compressed:
            dataset.decompress()
        dataset.file_meta.TransferSyntaxUID = UID(syntax)
        buffer = io.BytesIO()
        wanted = {"implicit_vr": syntax == ImplicitVRLittleEndian, "little_endian": True}
        dataset.save_as(buffer, enforce_file_format=True, **wanted)
    except Exception as error:
        raise CannotConvert(f"The object cannot be unpacked ({error}).") from error
    return buffer.getvalue()


def frame_bytes(dataset: pydicom.Dataset, frame: int, packed: bool) -> tuple[bytes, str]:
    """One frame (from 0) and its media type: as kept if `packed`, else plain little-endian values.

    Raises:
        UnreadableFile: there is no such frame, or its pixels are damaged.
    """
    check_frame(dataset, frame)
    syntax = dataset.file_meta.TransferSyntaxUID
    with reading(getattr(dataset, "filename", None), "the frame cannot be read"):
        if packed and syntax in FRAME_TYPES:
            content = get_frame(dataset.PixelData, frame, number_of_frames=frame_count(dataset))
            return content, FRAME_TYPES[syntax]
        buffer, _ = get_decoder(syntax).as_buffer(dataset, index=frame)
        return bytes(buffer), BYTES


def picture(dataset: pydicom.Dataset, view: View, kind: str = "image/jpeg") -> bytes:
    """One frame as a viewer shows it, as JPEG or PNG.

    Raises:
        UnreadableFile: there are no pixels, or they are damaged.
    """
    check_frame(dataset, view.frame)
    shown = displayed(dataset, view.frame, view.window if view.window else 0)
    image = Image.fromarray(np.round(shown * 255).astype(np.uint8))
    if view.size:
        width, height = (min(side, MOST_PIXELS_ACROSS) for side in view.size)
        image.thumbnail((width, height))
    buffer = io.BytesIO()
    image.save(buffer, PICTURES[kind])
    return buffer.getvalue()
