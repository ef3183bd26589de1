"""From the bytes of a DICOM file to the numbers the modality stored."""

import struct

import numpy as np
from pydicom.dataset import Dataset
from pydicom.encaps import get_frame
from pydicom.pixels import apply_color_lut, get_decoder, pixel_array
from pydicom.pixels.utils import get_expected_length

from course_lib.dicom.errors import UnreadableFile, reading
from course_lib.dicom.frames import check_frame, frame_count

# Ten times a large mammogram. A file that claims more is damaged or hostile.
MOST_PIXELS = 200_000_000
LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601: how bright red, green and blue look
PIXEL_KEYWORDS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")


def stored_values(dataset: Dataset, frame: int = 0) -> np.ndarray:
    """The stored pixel values of one frame, (H, W), as the modality wrote them.

    Colour files are turned into luma (a weighted mean of red, green and blue). Bits outside
    `BitsStored` (old scanners hid overlays there) are removed, and the sign is restored.

    Raises:
        UnreadableFile: no pixels, a wrong frame, unknown compression, or damaged data.
    """
    name = getattr(dataset, "filename", None)
    with reading(name, "the pixels cannot be decoded"):
        _check_header(dataset, name)
        check_frame(dataset, frame)
        _check_codec(dataset, frame, name)
        values = pixel_array(dataset, index=frame)
        if dataset.get("PhotometricInterpretation") == "PALETTE COLOR":
            values = apply_color_lut(values, dataset)
        if values.shape[:2] != (dataset.Rows, dataset.Columns):
            raise UnreadableFile(name, f"the decoded frame has another shape, {values.shape}")
        return values[..., :3] @ LUMA if values.ndim == 3 else _only_stored_bits(values, dataset)


def is_colour(dataset: Dataset) -> bool:
    """True unless the file says that its pixels are grey."""
    grey = ("MONOCHROME1", "MONOCHROME2")
    return dataset.get("PhotometricInterpretation", "MONOCHROME2") not in grey


def white_of_colour(dataset: Dataset) -> int:
    """The value that means full brightness in a colour file: 255 for 8 bits."""
    bits = int(dataset.get("BitsStored") or dataset.BitsAllocated)
    if dataset.PhotometricInterpretation == "PALETTE COLOR":
        bits = int(dataset.RedPaletteColorLookupTableDescriptor[2])
    return 2**bits - 1


def _check_header(dataset: Dataset, name: str | None) -> None:
    """Refuse what is not an image, or claims an impossible size, before memory is reserved."""
    if not any(keyword in dataset for keyword in PIXEL_KEYWORDS):
        if dataset.get("Rows"):
            raise UnreadableFile(name, "the file ends before its pixels")
        kind = str(dataset.get("Modality") or "unknown")[:16]
        raise UnreadableFile(name, f"the file holds no image (its modality is {kind})")
    missing = [key for key in ("Rows", "Columns", "BitsAllocated") if not dataset.get(key)]
    if missing:
        raise UnreadableFile(name, f"the image has no {' and no '.join(missing)}")
    if "PixelRepresentation" not in dataset:
        dataset.PixelRepresentation = 0  # unsigned is what old files that omit it mean
    if not isinstance(dataset.Rows, int) or not isinstance(dataset.Columns, int):
        raise UnreadableFile(name, "the numbers of rows and columns are not single whole numbers")
    if dataset.Rows * dataset.Columns > MOST_PIXELS:
        raise UnreadableFile(
            name,
            f"it claims {dataset.Rows} x {dataset.Columns} pixels, too many",
        )


def _check_codec(dataset: Dataset, frame: int, name: str | None) -> None:
    """Refuse compressions without a decoder, and codestreams whose size contradicts the header."""
    syntax = getattr(getattr(dataset, "file_meta", None), "TransferSyntaxUID", None)
    if syntax is None:
        raise UnreadableFile(name, "the file does not say how its pixels are written")
    try:
        decoder = get_decoder(syntax)
    except NotImplementedError:
        raise UnreadableFile(name, f"its compression ({syntax.name}) is not an image's") from None
    if not decoder.is_available:
        raise UnreadableFile(
            name,
            f"no installed decoder reads its compression ({syntax.name}); convert it, or add an "
            "optional decoder under the GPL: %pip install pylibjpeg-libjpeg in a notebook",
        )
    if not syntax.is_encapsulated:
        _check_length(dataset, name)
        return
    encoded = get_frame(dataset.PixelData, frame, number_of_frames=frame_count(dataset))
    size = codestream_size(encoded)
    if size is not None and size != (dataset.Rows, dataset.Columns):
        raise UnreadableFile(
            name,
            f"the header says {dataset.Rows} x {dataset.Columns} pixels, "
            f"the compressed image {size[0]} x {size[1]}",
        )


def _check_length(dataset: Dataset, name: str | None) -> None:
    """Refuse more pixels than the header speaks of: a wrong width would shear the picture.

    A last byte that makes the length even is usual, a row of zeros at the end happens.
    """
    data = dataset.get("PixelData")
    if data is None or dataset.BitsAllocated % 8:  # floating point, or packed bits
        return
    needed = get_expected_length(dataset)
    spare = len(data) - needed
    row = needed // (dataset.Rows * frame_count(dataset))
    if spare > 1 and (spare > row or any(data[needed:])):
        raise UnreadableFile(
            name, f"it holds {len(data)} bytes of pixels, its header speaks of {needed}"
        )


def codestream_size(encoded: bytes) -> tuple[int, int] | None:
    """(rows, columns) that a JPEG, JPEG-LS or JPEG 2000 codestream declares; None for others.

    Checked before decoding: a decoder reserves memory for whatever size the codestream claims.
    Sources: ITU-T T.81 (B.2.2), T.87 (C.2.2), T.800 (A.5.1).
    """
    start = encoded.find(b"\xff\x4f\xff\x51")  # JPEG 2000: start of codestream, then SIZ
    if start >= 0:
        right, bottom, left, top = struct.unpack_from(">4I", encoded, start + 8)
        return bottom - top, right - left
    if encoded[:2] != b"\xff\xd8":
        return None
    position = 2
    while position + 9 < len(encoded):
        if encoded[position] != 0xFF:
            return None
        marker = encoded[position + 1]
        is_frame_header = 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC)
        if is_frame_header or marker == 0xF7:  # 0xF7 is the frame header of JPEG-LS
            return struct.unpack_from(">HH", encoded, position + 5)
        position += 2 + struct.unpack_from(">H", encoded, position + 2)[0]
    return None


def _only_stored_bits(values: np.ndarray, dataset: Dataset) -> np.ndarray:
    """Keep `BitsStored` bits that end at `HighBit`; restore the sign (PS3.5, 8.1.1)."""
    allocated = int(dataset.BitsAllocated)
    stored = int(dataset.get("BitsStored") or allocated)
    high = int(dataset.get("HighBit", stored - 1))
    if values.dtype.kind not in "iu" or allocated > 32:
        return values
    if not stored - 1 <= high < allocated:
        raise UnreadableFile(
            getattr(dataset, "filename", None),
            f"its high bit, {high}, does not fit {stored} of {allocated} bits",
        )
    if stored == allocated:
        return values
    shift = high - stored + 1
    bits = (values.astype(np.int64) >> shift) & ((1 << stored) - 1)
    if dataset.PixelRepresentation == 1:
        bits -= (bits >> (stored - 1)) << stored  # two's complement: the top bit counts negative
    return bits.astype(np.int32)
