"""From what the network delivers to a file: preamble, meta information, data set (PS3.10, 7.1)."""

import struct

from pynetdicom import PYNETDICOM_IMPLEMENTATION_UID, PYNETDICOM_IMPLEMENTATION_VERSION


def as_file(sop_class: str, uid: str, transfer_syntax: str, data_set: bytes) -> bytes:
    """A whole DICOM file around an encoded data set, which is taken as it is."""
    elements = b"".join([
        struct.pack("<HH2sHIH", 2, 0x0001, b"OB", 0, 2, 0x0100),  # version 1 of the file format
        _element(0x0002, b"UI", sop_class),
        _element(0x0003, b"UI", uid),
        _element(0x0010, b"UI", transfer_syntax),
        _element(0x0012, b"UI", PYNETDICOM_IMPLEMENTATION_UID),
        _element(0x0013, b"SH", PYNETDICOM_IMPLEMENTATION_VERSION),
    ])  # fmt: skip
    length = struct.pack("<HH2sHI", 2, 0x0000, b"UL", 4, len(elements))
    return bytes(128) + b"DICM" + length + elements + data_set


def _element(number: int, vr: bytes, text: str) -> bytes:
    value = text.encode("ascii", "replace")
    value += (b"\0" if vr == b"UI" else b" ") * (len(value) % 2)
    return struct.pack("<HH2sH", 2, number, vr, len(value)) + value
