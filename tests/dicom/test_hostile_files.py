"""Thousands of damaged files: a clear error or the right picture, soon, and in little memory.

What no reader can notice is left out on purpose: DICOM has no checksum, so a flipped bit in a
pixel, or a window centre that turns from 600 into 601, gives another valid file.
"""

import contextlib
import signal
import struct
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataelem import DataElement

from course_lib.dicom import parser
from course_lib.dicom.dictionary import tag_of
from course_lib.dicom.errors import UnreadableFile
from course_lib.dicom.opening import open_dicom
from course_lib.dicom.parser import Element, parse
from course_lib.dicom.pixels import displayed
from course_lib.dicom.stored import stored_values


def words(text: str) -> list[str]:
    return text.split()


# One file of every way of writing, all small.
PYDICOM = words(
    """CT_small MR_small MR_small_implicit MR_small_bigendian MR_small_RLE image_dfl
    MR_small_jp2klossless MR_small_jpeg_ls_lossless SC_rgb_jpeg_dcmtk SC_rgb_rle_2frame
    JPEG2000 examples_palette SC_rgb_small_odd rtdose_1frame liver_1frame"""
)
REAL = words(
    """vlut_04 mlut_18 ct_3slice/01 emri_small Fake_MONOHR1 MR2_J2KI
    MR-SIEMENS-DICOM-WithOverlays liver"""
)
# Elements that decide how the picture looks. Damage to any other element must not change it.
PICTURE = words(
    """Rows Columns BitsAllocated BitsStored HighBit PixelRepresentation SamplesPerPixel
    PhotometricInterpretation PlanarConfiguration PixelData NumberOfFrames RescaleSlope
    RescaleIntercept WindowCenter WindowWidth VOILUTFunction VOILUTSequence ModalityLUTSequence
    LUTDescriptor LUTData PresentationLUTShape PixelPaddingValue PixelPaddingRangeLimit
    TransferSyntaxUID SharedFunctionalGroupsSequence PerFrameFunctionalGroupsSequence
    RedPaletteColorLookupTableDescriptor RedPaletteColorLookupTableData
    GreenPaletteColorLookupTableDescriptor GreenPaletteColorLookupTableData
    BluePaletteColorLookupTableDescriptor BluePaletteColorLookupTableData"""
)
PICTURE_TAGS = {tag_of(keyword) for keyword in PICTURE}
MOST_SECONDS = 10  # the slowest whole file takes a tenth of a second on an idle computer


class TooSlowError(BaseException):
    """Not an Exception: the library turns those into UnreadableFile."""


@contextlib.contextmanager
def limit_of(seconds: float):
    """Break off what takes longer (where the system has this alarm)."""
    if not hasattr(signal, "SIGALRM"):
        yield
        return

    def stop(*_):
        raise TooSlowError(f"not done after {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def flat(elements) -> list[Element]:
    """All elements of a file, those inside of sequences, too."""
    found = []
    for element in elements:
        found.append(element)
        for item in element.items:
            found += flat(item.elements)
    return found


class Patient:
    """A whole file and its picture; `judge` compares a damaged copy with it."""

    def __init__(self, path: Path, tmp_path: Path):
        self.data, self.copy = path.read_bytes(), tmp_path / "damaged.dcm"
        self.picture = displayed(open_dicom(path))
        deflated = b"1.2.840.10008.1.2.1.99" in self.data[:400]
        found = flat(parse(self.data))
        self.elements = [e for e in found if e.tag >> 16 == 2] if deflated else found
        self.seen: Counter = Counter()

    def judge(self, damaged: bytes, what: object) -> None:
        """The damaged file must give a clear error or the whole file's picture."""
        self.copy.write_bytes(damaged)
        with limit_of(MOST_SECONDS):
            with contextlib.suppress(UnreadableFile):
                list(parse(damaged))
            try:
                shown = displayed(open_dicom(self.copy))
            except UnreadableFile as error:
                self.seen["error"] += 1
                assert str(self.copy) in str(error) or "memory" in str(error)
                assert 10 < len(error.reason) < 400 and "\n" not in error.reason
                return
        self.seen["same"] += 1
        same = shown.shape == self.picture.shape and np.array_equal(shown, self.picture)
        assert same or self.is_unknowable(damaged), f"another picture, in silence, after {what}"

    def is_unknowable(self, damaged: bytes) -> bool:
        """An element of the picture got another name, in good order: the file is valid."""
        tags = {e.tag for e in self.elements} & PICTURE_TAGS
        self.seen["renamed"] += 1
        return bool(tags - {e.tag for e in flat(parse(damaged))})


def cuts(patient: Patient, rng: np.random.Generator):
    size = len(patient.data)
    for length in {*rng.integers(0, size, 32).tolist(), *range(size - 12, size)}:
        yield patient.data[:length], f"a cut to {length} bytes"


def flips_in_heads(patient: Patient, rng: np.random.Generator):
    """One bit of a tag, a VR or a length."""
    for _ in range(60):
        element = patient.elements[rng.integers(len(patient.elements))]
        yield flipped(patient.data, int(rng.integers(element.start, element.at)), rng), element


def flips_elsewhere(patient: Patient, rng: np.random.Generator):
    """One bit of a value that has nothing to do with the picture."""
    others = [e for e in patient.elements if e.value and e.tag not in PICTURE_TAGS]
    others = [e for e in others if e.tag >> 16 != 2]
    for _ in range(40 if others else 0):
        element = others[rng.integers(len(others))]
        yield flipped(patient.data, int(rng.integers(element.at, element.end)), rng), element


def wrong_lengths(patient: Patient, rng: np.random.Generator):
    for _ in range(30):
        element = patient.elements[rng.integers(len(patient.elements))]
        letters = patient.data[element.start + 4 : element.start + 6]
        wide = element.vr in parser.LONG or letters not in parser.VR_BY_BYTES
        lengths = [0xFFFF, 0xFFFE, 0x8000, (element.length + 2) & 0xFFFF, 0]
        lengths += [0xFFFFFFFF, 0xFFFFFFFE, 0x7FFFFFFF] if wide else []
        length, data = int(rng.choice(lengths)), bytearray(patient.data)
        data[element.at - (4 if wide else 2) : element.at] = struct.pack(
            "<L" if wide else "<H", length
        )
        yield bytes(data), f"{element} claiming {length} bytes"


def flipped(data: bytes, at: int, rng: np.random.Generator) -> bytes:
    changed = bytearray(data)
    changed[at] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def damage_in_every_way(patient: Patient) -> int:
    """Judge all mutations of one file; returns how many there were."""
    count, rng = 0, np.random.default_rng(3)
    for kind in (cuts, flips_in_heads, flips_elsewhere, wrong_lengths):
        for damaged, what in kind(patient, rng):
            patient.judge(damaged, what)
            count += 1
    assert patient.seen["error"] > 0.2 * count  # damage is noticed, not read over
    assert patient.seen["renamed"] <= 2
    return count


@pytest.mark.parametrize("name", PYDICOM)
def test_a_hundred_and_seventy_damages_to_each_of_pydicoms_files(name, tmp_path):
    path = Path(get_testdata_file(f"{name}.dcm", download=False))
    assert damage_in_every_way(Patient(path, tmp_path)) > 120


@pytest.mark.parametrize("name", REAL)
def test_and_to_each_real_file(name, tmp_path, real_data):
    patient = Patient(real_data / "dicom" / f"{name}.dcm", tmp_path)
    assert damage_in_every_way(patient) > 120


def test_a_flipped_bit_in_the_pixels_changes_that_pixel_only(tmp_path):
    path = Path(get_testdata_file("CT_small.dcm", download=False))
    data, whole = path.read_bytes(), stored_values(open_dicom(path))
    pixels = next(e for e in parse(data) if e.tag == tag_of("PixelData"))
    rng = np.random.default_rng(4)
    for _ in range(40):
        at = int(rng.integers(pixels.at, pixels.end))
        (tmp_path / "a.dcm").write_bytes(flipped(data, at, rng))
        changed = stored_values(open_dicom(tmp_path / "a.dcm")) != whole
        assert np.flatnonzero(changed).tolist() == [(at - pixels.at) // 2]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"Columns": 126}, "holds 32768 bytes of pixels, its header speaks of 32256"),
        ({"Rows": 64}, "holds 32768 bytes of pixels"),
        ({"HighBit": 16}, "high bit, 16, does not fit"),
        ({"HighBit": 11}, "high bit, 11, does not fit 16 of 16 bits"),
        ({"WindowCenter": "4O", "WindowWidth": "400"}, "is not a number"),
        ({"WindowCenter": "40"}, "has WindowCenter but no WindowWidth"),
        ({"RescaleSlope": None}, "has RescaleIntercept but no RescaleSlope"),
    ],
)
def test_a_header_that_would_change_the_picture_in_silence(change, reason):
    ds = open_dicom(get_testdata_file("CT_small.dcm", download=False))
    for keyword, value in change.items():
        if value is None:
            delattr(ds, keyword)
        elif isinstance(value, str):
            ds.add(DataElement(tag_of(keyword), "SH", value))  # pydicom would refuse it as DS
        else:
            setattr(ds, keyword, value)
    with pytest.raises(UnreadableFile, match=reason):
        displayed(ds)


def test_elements_out_of_order_are_refused(tmp_path):
    data = Path(get_testdata_file("CT_small.dcm", download=False)).read_bytes()
    rows = next(e for e in parse(data) if e.tag == tag_of("Rows"))
    swapped = data[: rows.start] + data[rows.end : rows.end + 10] + data[rows.start : rows.end]
    (tmp_path / "a.dcm").write_bytes(swapped + data[rows.end + 10 :])
    with pytest.raises(UnreadableFile, match="tags are not in order"):
        open_dicom(tmp_path / "a.dcm")


def nested(depth: int, open_length: bool) -> bytes:
    """An element of `depth` sequences, one in the other."""
    if open_length:
        start = b"\x08\x00\x40\x11SQ\0\0" + b"\xff" * 4 + b"\xfe\xff\x00\xe0" + b"\xff" * 4
        stop = b"\xfe\xff\x0d\xe0" + bytes(4) + b"\xfe\xff\xdd\xe0" + bytes(4)
        return start * depth + stop * depth
    heads = [
        b"\x08\x00\x40\x11SQ\0\0" + struct.pack("<L", 20 * level + 8)
        + b"\xfe\xff\x00\xe0" + struct.pack("<L", 20 * level)
        for level in range(depth)
    ]  # fmt: skip
    return b"".join(reversed(heads))


@pytest.mark.parametrize("depth", [5, 500, 20_000])
@pytest.mark.parametrize("open_length", [True, False])
@pytest.mark.parametrize("whole_file", [True, False])
def test_sequences_in_sequences_in_sequences(depth, open_length, whole_file, tmp_path):
    patient = Patient(Path(get_testdata_file("CT_small.dcm", download=False)), tmp_path)
    after = next(e for e in patient.elements if e.tag > 0x00081140).start
    rest = patient.data[after:] if whole_file else b""
    patient.judge(patient.data[:after] + nested(depth, open_length) + rest, f"{depth} levels")


def test_three_hundred_thousand_empty_items(tmp_path):
    patient = Patient(Path(get_testdata_file("CT_small.dcm", download=False)), tmp_path)
    after = next(e for e in patient.elements if e.tag > 0x00081140).start
    items = (b"\xfe\xff\x00\xe0" + bytes(4)) * 300_000
    sequence = b"\x08\x00\x40\x11SQ\0\0" + struct.pack("<L", len(items)) + items
    patient.judge(patient.data[:after] + sequence + patient.data[after:], "many empty items")


def test_random_bytes_behind_the_mark(tmp_path):
    patient = Patient(Path(get_testdata_file("CT_small.dcm", download=False)), tmp_path)
    rng = np.random.default_rng(6)
    for length in rng.integers(0, 5000, 100):
        with pytest.raises(UnreadableFile):
            patient.copy.write_bytes(patient.data[:132] + rng.bytes(int(length)))
            displayed(open_dicom(patient.copy))
