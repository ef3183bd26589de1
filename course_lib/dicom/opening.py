"""Open a DICOM file without trusting it."""

import zlib
from itertools import pairwise
from pathlib import Path

import pydicom
from pydicom.dataset import FileDataset
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from course_lib.dicom.errors import UnreadableFile, reading

PREAMBLE_BYTES = 128
# A deflated file of one megabyte can unpack to a gigabyte; no single image needs more than this.
MOST_INFLATED_BYTES = 1 << 30


def open_dicom(path: str | Path, header_only: bool = False) -> FileDataset:
    """Read one DICOM file into a pydicom data set.

    Files without the 128-byte preamble (common in old archives) are accepted if they begin with
    DICOM elements. With `header_only` the pixels are left on disk, which is many times faster.

    Raises:
        UnreadableFile: the file is missing, empty, not DICOM, or damaged.
    """
    path = Path(path)
    start = first_bytes(path, PREAMBLE_BYTES + 4)
    has_preamble = start[PREAMBLE_BYTES:] == b"DICM"
    if not has_preamble and not looks_like_elements(start):
        raise UnreadableFile(path, "this is not a DICOM file (the mark DICM is missing)")
    with reading(path, "the DICOM elements are damaged"):
        _refuse_inflation_bomb(path, has_preamble)
        dataset = pydicom.dcmread(path, force=True, stop_before_pixels=header_only)
        if "SOPClassUID" not in dataset and "Rows" not in dataset:
            raise UnreadableFile(path, "the file ends before any useful DICOM element")
        _refuse_disorder(dataset, path)
        if "TransferSyntaxUID" not in dataset.file_meta:
            dataset.file_meta.TransferSyntaxUID = _guessed_syntax(dataset)
    return dataset


def first_bytes(path: Path, count: int) -> bytes:
    """The first `count` bytes of a file; UnreadableFile if it is missing, a folder, or empty."""
    try:
        with open(path, "rb") as file:
            start = file.read(count)
    except FileNotFoundError:
        raise UnreadableFile(path, "there is no such file") from None
    except OSError as error:
        reason = "this is a folder, not a file" if path.is_dir() else (error.strerror or str(error))
        raise UnreadableFile(path, reason) from None
    if not start:
        raise UnreadableFile(path, "the file is empty")
    return start


def looks_like_elements(start: bytes) -> bool:
    """True if the bytes begin like DICOM elements of group 0002 or 0008 without a preamble."""
    return len(start) >= 8 and start[:2] in (b"\x02\x00", b"\x08\x00", b"\x00\x08")


def _refuse_disorder(dataset: FileDataset, path: Path) -> None:
    """Refuse images whose tags do not ascend, as they must (PS3.5, 7.1).

    A flipped bit in a tag or a length nearly always breaks the order. Without this check an
    element that turns into another one is lost, and the picture is wrong in silence.
    """
    tags = list(dataset.keys())
    if "Rows" in dataset and any(tag > after for tag, after in pairwise(tags)):
        raise UnreadableFile(path, "the DICOM elements are damaged (their tags are not in order)")


def _guessed_syntax(dataset: FileDataset) -> UID:
    """How a file without meta information is written: pydicom found it out while reading."""
    implicit, little_endian = dataset.original_encoding
    if implicit:
        return ImplicitVRLittleEndian
    return ExplicitVRLittleEndian if little_endian else ExplicitVRBigEndian


def _refuse_inflation_bomb(path: Path, has_preamble: bool) -> None:
    """Unpack a deflated file once with a limit, because pydicom would unpack it without one."""
    if not has_preamble:
        return
    meta = pydicom.filereader.read_file_meta_info(path)
    if meta.get("TransferSyntaxUID") != DeflatedExplicitVRLittleEndian:
        return
    # The meta group ends where its own length says: preamble, mark, and the 12 bytes of the length.
    start = PREAMBLE_BYTES + 4 + 12 + meta.FileMetaInformationGroupLength
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    packed = path.read_bytes()[start:]
    size = 0
    while packed and size <= MOST_INFLATED_BYTES:
        size += len(unpacker.decompress(packed, 1 << 24))
        packed = unpacker.unconsumed_tail
    if size > MOST_INFLATED_BYTES:
        raise UnreadableFile(path, "its compressed elements unpack to more than a gigabyte")
