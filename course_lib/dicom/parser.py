"""From bytes to data elements: a DICOM file read by hand.

A file is a 128-byte preamble, the letters DICM, a meta group (always explicit little endian) that
names the transfer syntax, then the data set. Everything after DICM is data elements in a row:

    explicit VR   tag 4 | VR 2 | length 2 | value        (most VRs)
                  tag 4 | VR 2 | 00 00 | length 4 | value   (the LONG ones)
    implicit VR   tag 4 | length 4 | value               (the dictionary tells the VR)

Source: DICOM PS3.5, 7 (elements, sequences), A.4 (encapsulated pixels); PS3.10, 7.1 (the file).
"""

from __future__ import annotations

import string
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from course_lib.dicom.dictionary import keyword_of, tag_text, vr_of
from course_lib.dicom.errors import UnreadableFile, reading
from course_lib.dicom.opening import (
    MOST_INFLATED_BYTES,
    PREAMBLE_BYTES,
    first_bytes,
    looks_like_elements,
)

UNDEFINED = 0xFFFFFFFF  # a length that says: read on until a delimiter
ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
LONG = {"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"}
CAPITALS = string.ascii_uppercase
VR_BY_BYTES = {(a + b).encode(): a + b for a in CAPITALS for b in CAPITALS}
IMPLICIT, DEFLATED, BIG = (f"1.2.840.10008.1.2{end}" for end in ("", ".1.99", ".2"))
TRANSFER_SYNTAX = 0x00020010
MOST_NESTED = 64  # sequences within sequences; structured reports need about ten
MOST_ELEMENTS = 2_000_000  # a file that claims more wants to fill the memory


class Element(NamedTuple):
    """One data element, and where its bytes are: head data[start:at], value data[at:end].

    length: as written; UNDEFINED if a delimiter ends it. value: its bytes, b"" if it has items.
    items: of a sequence (each with elements) or of encapsulated pixels (each with a value).
    """

    tag: int
    vr: str
    length: int
    start: int
    at: int
    end: int
    value: bytes = b""
    items: tuple[Item, ...] = ()

    def __str__(self) -> str:
        shown = f"{len(self.items)} items" if self.items else repr(self.value[:40])[1:]
        return f"{tag_text(self.tag)} {self.vr} {keyword_of(self.tag) or '?'}: {shown}"


class Item(NamedTuple):
    """One item of a sequence (elements), or one fragment of compressed pixels (value)."""

    start: int
    end: int
    elements: tuple[Element, ...] = ()
    value: bytes = b""


class Parser:
    """Reads elements from `data`; `little` and `explicit` say how they are written."""

    def __init__(self, data: bytes, name: str | None = None, little=True, explicit=True) -> None:
        self.data, self.name, self.explicit = data, name, explicit
        order = "<" if little else ">"
        self.tag_and_length = struct.Struct(order + "HHL").unpack_from
        self.tag_vr_length = struct.Struct(order + "HH2sH").unpack_from
        self.long_length = struct.Struct(order + "L").unpack_from
        self.left = MOST_ELEMENTS

    def elements(self, at: int, end: int) -> Iterator[Element]:
        """The elements from byte `at` to byte `end`, one by one."""
        while at < end:
            if end - at < 8 and not any(self.data[at:end]):
                return  # zeros that fill up the file
            element = self.element(at, end, 0)
            if element.tag >> 16 == 0xFFFE:
                raise self.damaged(at, "a delimiter stands outside of any sequence")
            yield element
            at = element.end

    def head(self, at: int, end: int) -> tuple[int, str, int, int]:
        """Tag, VR, length, and where the value begins."""
        if end - at < 8:
            raise self.damaged(at, "the data end in the middle of an element")
        group, number, letters, length = self.tag_vr_length(self.data, at)
        tag = group << 16 | number
        vr = VR_BY_BYTES.get(letters) if self.explicit and group != 0xFFFE else None
        if vr is None:  # implicit; some writers mix it into explicit files
            return tag, vr_of(tag), self.tag_and_length(self.data, at)[2], at + 8
        if vr not in LONG:
            return tag, vr, length, at + 8
        if end - at < 12:
            raise self.damaged(at, "the data end in the middle of an element")
        return tag, vr, self.long_length(self.data, at + 8)[0], at + 12

    def element(self, start: int, end: int, depth: int) -> Element:
        """The element that begins at byte `start` and must not reach beyond byte `end`."""
        tag, vr, length, at = self.head(start, end)
        self.left -= 1
        if self.left < 0 or depth > MOST_NESTED:
            raise self.damaged(
                start, "it holds more elements, or deeper nested, than any real file"
            )
        if length == UNDEFINED and vr not in ("OB", "OW"):
            vr = "SQ"  # only sequences and pixels may leave their length open
        if vr == "SQ" or length == UNDEFINED:
            items, after = self.items(at, length, end, depth, fragments=vr != "SQ")
            return Element(tag, vr, length, start, at, after, b"", items)
        after = at + length
        if after > end:
            raise self.damaged(
                start, f"{tag_text(tag)} claims {length} bytes, only {end - at} are left"
            )
        return Element(tag, vr, length, start, at, after, self.data[at:after])

    def items(
        self, at: int, length: int, end: int, depth: int, fragments: bool
    ) -> tuple[tuple[Item, ...], int]:
        """The items of a sequence, or the fragments of pixels, and the byte after them."""
        stop = end if length == UNDEFINED else at + length
        if stop > end:
            raise self.damaged(at, f"a sequence claims {length} bytes, only {end - at} are left")
        found: list[Item] = []
        while at < stop:
            tag, _, size, inside = self.head(at, stop)
            if tag == SEQUENCE_END and length == UNDEFINED:
                return tuple(found), inside
            if tag != ITEM:
                raise self.damaged(at, f"{tag_text(tag)} stands where an item should begin")
            if fragments:
                if size > stop - inside:
                    raise self.damaged(at, f"a fragment claims {size} bytes beyond the end")
                found.append(Item(at, inside + size, (), self.data[inside : inside + size]))
            else:
                found.append(self.item(at, inside, size, stop, depth))
            at = found[-1].end
        if length == UNDEFINED:
            raise self.damaged(at, "the data end before the end of a sequence")
        return tuple(found), stop

    def item(self, start: int, at: int, length: int, end: int, depth: int) -> Item:
        """One item: elements up to its length, or up to its delimiter."""
        stop = end if length == UNDEFINED else at + length
        if stop > end:
            raise self.damaged(start, f"an item claims {length} bytes beyond the end")
        self.count(start, depth)  # empty items cost memory, too
        found: list[Element] = []
        while at < stop:
            element = self.element(at, stop, depth + 1)
            at = element.end
            if element.tag == ITEM_END:
                return Item(start, at, tuple(found))
            found.append(element)
        if length == UNDEFINED:
            raise self.damaged(at, "the data end before the end of an item")
        return Item(start, stop, tuple(found))

    def count(self, at: int, depth: int) -> None:
        """Refuse what would fill the memory or the stack."""
        self.left -= 1
        if self.left < 0 or depth > MOST_NESTED:
            raise self.damaged(at, "it holds more elements, or deeper nested, than any real file")

    def damaged(self, at: int, reason: str) -> UnreadableFile:
        """The error that names the byte where the trouble is."""
        return UnreadableFile(self.name, f"the DICOM elements are damaged at byte {at}: {reason}")


def parse(data: bytes, name: str | None = None) -> Iterator[Element]:
    """All elements of a DICOM file, one by one: the meta group, then the data set.

    Positions count from the begin of the file (in deflated files: of the unpacked data set).

    Raises:
        UnreadableFile: no DICOM, or damaged; what came before the damage has been given out.
    """
    has_preamble = data[PREAMBLE_BYTES : PREAMBLE_BYTES + 4] == b"DICM"
    if not has_preamble and not looks_like_elements(data):
        raise UnreadableFile(name, "this is not a DICOM file (the mark DICM is missing)")
    at = PREAMBLE_BYTES + 4 if has_preamble else 0
    syntax, meta = None, Parser(data, name)
    while data[at : at + 2] == b"\x02\x00":
        element = meta.element(at, len(data), 0)
        if element.tag == TRANSFER_SYNTAX:
            syntax = element.value.rstrip(b"\0 ").decode("latin-1")
        yield element
        at = element.end
    if syntax == DEFLATED:
        data, at = inflated(data[at:], name), 0
    little, explicit = written(data[at : at + 6], syntax)
    yield from Parser(data, name, little, explicit).elements(at, len(data))


def written(first: bytes, syntax: str | None) -> tuple[bool, bool]:
    """(little endian, explicit VR) of a data set from its transfer syntax and its first bytes.

    The bytes have the last word on explicit or implicit: some files do not say, some lie.
    """
    explicit = first[4:6] in VR_BY_BYTES if len(first) == 6 else syntax != IMPLICIT
    big = syntax == BIG or (syntax is None and first[:1] == b"\0" and first[1:2] != b"\0")
    return not big, explicit


def inflated(packed: bytes, name: str | None = None) -> bytes:
    """Unpack a deflated data set, up to a gigabyte."""
    with reading(name, "its compressed elements are damaged"):
        unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
        data = unpacker.decompress(packed, MOST_INFLATED_BYTES)
        if unpacker.unconsumed_tail:
            raise UnreadableFile(name, "its compressed elements unpack to more than a gigabyte")
        if not unpacker.eof:
            raise UnreadableFile(name, "its compressed elements end too early")
    return data


def parse_file(path: str | Path, stop_at: int = UNDEFINED) -> list[Element]:
    """The elements of a file; those from tag `stop_at` on (0x7FE00010: the pixels) are left out.

    Raises:
        UnreadableFile: the file is missing, empty, no DICOM, or damaged.
    """
    path = Path(path)
    first_bytes(path, 1)  # says in clear words when there is no such file
    found = []
    for element in parse(path.read_bytes(), str(path)):
        if element.tag >= stop_at:
            break
        found.append(element)
    return found
