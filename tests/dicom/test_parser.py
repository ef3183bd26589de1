"""What the parser makes of bytes written by hand."""

import struct
import zlib

import pytest

from course_lib.dicom import parser
from course_lib.dicom.errors import UnreadableFile
from course_lib.dicom.parser import UNDEFINED, parse, parse_file


def element(tag: int, vr: str, value: bytes, length: int | None = None) -> bytes:
    """One element, explicit little endian."""
    head = struct.pack("<HH", tag >> 16, tag & 0xFFFF) + vr.encode()
    size = len(value) if length is None else length
    if vr in parser.LONG:
        return head + struct.pack("<HL", 0, size) + value
    return head + struct.pack("<H", size) + value


def item(value: bytes, length: int | None = None) -> bytes:
    size = len(value) if length is None else length
    end = b"\xfe\xff\x0d\xe0" + bytes(4) if size == UNDEFINED else b""
    return b"\xfe\xff\x00\xe0" + struct.pack("<L", size) + value + end


def file(dataset: bytes, syntax: str = "1.2.840.10008.1.2.1") -> bytes:
    name = syntax.encode() + bytes(len(syntax) % 2)
    return bytes(128) + b"DICM" + element(0x00020010, "UI", name) + dataset


NAME = element(0x00100010, "PN", b"Kim^Jiwon ")
END = b"\xfe\xff\xdd\xe0" + bytes(4)


def test_one_element_and_where_its_bytes_are():
    data = file(NAME)
    meta, name = parse(data)
    assert (name.tag, name.vr, name.length, name.value) == (0x00100010, "PN", 10, b"Kim^Jiwon ")
    assert data[name.start : name.at] == NAME[:8] and data[name.at : name.end] == b"Kim^Jiwon "
    assert str(name) == "(0010,0010) PN PatientName: 'Kim^Jiwon '"
    assert meta.value == b"1.2.840.10008.1.2.1\0"


def test_implicit_files_take_the_vr_from_the_dictionary():
    plain = struct.pack("<HHL", 0x10, 0x10, 10) + b"Kim^Jiwon "
    private = struct.pack("<HHL", 0x11, 0x10, 4) + b"ACME" + struct.pack("<HHL", 0x11, 0x1001, 2)
    found = list(parse(file(plain + private + b"ab", "1.2.840.10008.1.2")))[1:]
    assert [e.vr for e in found] == ["PN", "LO", "UN"]
    assert found[0].value == b"Kim^Jiwon "


def test_big_endian():
    data = struct.pack(">HH2sHH", 0x28, 0x10, b"US", 2, 512)
    rows = list(parse(file(data, "1.2.840.10008.1.2.2")))[1]
    assert (rows.tag, rows.vr, rows.value) == (0x00280010, "US", b"\x02\x00")


def test_the_bytes_have_the_last_word_on_explicit_or_implicit():
    assert list(parse(file(NAME, "1.2.840.10008.1.2")))[1].vr == "PN"  # the meta group lies
    code = element(0x00080005, "CS", b"ISO_IR 192")
    assert next(parse(code)).vr == "CS"  # there is no meta group


def test_deflated():
    packer = zlib.compressobj(wbits=-15)
    packed = packer.compress(NAME * 50) + packer.flush()
    found = list(parse(file(packed, "1.2.840.10008.1.2.1.99")))
    assert len(found) == 51 and found[-1].value == b"Kim^Jiwon "
    with pytest.raises(UnreadableFile, match="end too early"):
        list(parse(file(packed[:-3], "1.2.840.10008.1.2.1.99")))


def test_inflation_bomb(monkeypatch):
    monkeypatch.setattr(parser, "MOST_INFLATED_BYTES", 1000)
    packer = zlib.compressobj(wbits=-15)
    packed = packer.compress(bytes(100_000)) + packer.flush()
    with pytest.raises(UnreadableFile, match="more than a gigabyte"):
        list(parse(file(packed, "1.2.840.10008.1.2.1.99")))


@pytest.mark.parametrize("outer", ["defined", UNDEFINED])
@pytest.mark.parametrize("inner", ["defined", UNDEFINED])
def test_sequences_with_and_without_length(outer, inner):
    inside = item(NAME, None if inner == "defined" else inner) + item(b"")
    length = None if outer == "defined" else outer
    data = element(0x00081140, "SQ", inside, length) + (b"" if outer == "defined" else END)
    sequence, after = list(parse(file(data + NAME)))[1:]
    assert [len(i.elements) for i in sequence.items] == [1, 0]
    assert sequence.items[0].elements[0].value == b"Kim^Jiwon "
    assert after.value == b"Kim^Jiwon " and after.start == sequence.end


def test_unknown_vr_with_open_length_is_a_sequence_written_implicitly():
    plain = struct.pack("<HHL", 0x10, 0x10, 10) + b"Kim^Jiwon "
    data = element(0x00091001, "UN", item(plain), UNDEFINED) + END
    sequence = list(parse(file(data)))[1]
    assert sequence.vr == "SQ" and sequence.items[0].elements[0].vr == "PN"


def test_fragments_of_compressed_pixels():
    data = element(0x7FE00010, "OB", item(b"") + item(b"\xff\xd8ab") + END, UNDEFINED)
    pixels = list(parse(file(data, "1.2.840.10008.1.2.4.50")))[1]
    assert [i.value for i in pixels.items] == [b"", b"\xff\xd8ab"]
    assert pixels.value == b"" and all(i.elements == () for i in pixels.items)


def test_reading_can_stop_before_the_pixels(tmp_path):
    path = tmp_path / "film.dcm"
    path.write_bytes(file(NAME + element(0x7FE00010, "OW", bytes(64))))
    assert len(parse_file(path, stop_at=0x7FE00010)) == 2
    assert len(parse_file(path)) == 3


@pytest.mark.parametrize(
    ("dataset", "reason"),
    [
        (NAME[:5], "middle of an element"),
        (element(0x7FE00010, "OW", b"")[:10], "middle of an element"),
        (element(0x00100010, "PN", b"Kim", 200), "claims 200 bytes, only 3 are left"),
        (element(0x00081140, "SQ", item(NAME), 999), "a sequence claims 999 bytes"),
        (element(0x00081140, "SQ", item(NAME, 999)), "an item claims 999 bytes"),
        (element(0x00081140, "SQ", NAME), "where an item should begin"),
        (element(0x00081140, "SQ", item(NAME), UNDEFINED), "before the end of a sequence"),
        (element(0x00081140, "SQ", item(NAME, UNDEFINED)[:-8]), "before the end of an item"),
        (element(0x7FE00010, "OB", item(b"ab", 99) + END, UNDEFINED), "a fragment claims 99"),
        (END, "outside of any sequence"),
    ],
)
def test_what_is_wrong_is_said_with_the_byte_where_it_is(dataset, reason):
    with pytest.raises(UnreadableFile, match=f"a.dcm: .* damaged at byte .*{reason}"):
        list(parse(file(dataset), "a.dcm"))


@pytest.mark.parametrize("length", [None, UNDEFINED])
def test_sequences_nested_without_end_are_refused(length):
    data = NAME
    for _ in range(5000 if length else 600):
        data = element(0x00081140, "SQ", item(data, length), length) + (END if length else b"")
    with pytest.raises(UnreadableFile, match="deeper nested"):
        list(parse(file(data)))


def test_a_million_empty_items_are_refused(monkeypatch):
    monkeypatch.setattr(parser, "MOST_ELEMENTS", 1000)
    with pytest.raises(UnreadableFile, match="more elements"):
        list(parse(file(element(0x00081140, "SQ", item(b"") * 2000))))
