"""Whatever is wrong with a file, one error names the file and the reason."""

import io
import pickle
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from dicom_making import dicom
from pydicom.data import get_testdata_file
from pydicom.uid import DeflatedExplicitVRLittleEndian

from course_lib.dicom.errors import UnreadableFile
from course_lib.dicom.opening import open_dicom
from course_lib.dicom.pixels import displayed
from course_lib.dicom.stored import codestream_size, stored_values

PIXELS = np.arange(64, dtype=np.uint16).reshape(8, 8)


def write(path, ds):
    ds.save_as(path, enforce_file_format=True)
    return path


def read(path):
    return displayed(open_dicom(path))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b"Dear colleague, please find attached", "not a DICOM file"),
        (bytes(200), "not a DICOM file"),
        (bytes(128) + b"DICM", "ends before|damaged"),
        (b"\x08\x00\x05\x00CS" + b"\xff" * 40, "ends before|damaged"),
    ],
)
def test_not_an_image(tmp_path, content, reason):
    path = tmp_path / "film.dcm"
    path.write_bytes(content)
    with pytest.raises(UnreadableFile, match=reason) as caught:
        read(path)
    assert caught.value.path == str(path)
    assert str(caught.value).startswith(str(path))


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(UnreadableFile, match="no such file"):
        open_dicom(tmp_path / "nowhere.dcm")
    with pytest.raises(UnreadableFile, match="folder"):
        open_dicom(tmp_path)


def test_reports_without_pixels(tmp_path):
    ds = dicom(PIXELS, Modality="SR")
    for keyword in ("PixelData", "Rows"):
        delattr(ds, keyword)
    with pytest.raises(UnreadableFile, match="no image .*SR"):
        read(write(tmp_path / "report.dcm", ds))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"Rows": 65535, "Columns": 65535}, "too many"),
        ({"Rows": 9}, "cannot be decoded"),
        ({"Rows": 0}, "no Rows"),
        ({"NumberOfFrames": 3}, "cannot be decoded"),
        ({"BitsAllocated": 13}, "cannot be decoded"),
        ({"RescaleSlope": "1e999"}, "RescaleSlope|damaged|worked out"),
    ],
)
def test_headers_that_contradict_the_pixels(tmp_path, change, reason):
    ds = dicom(PIXELS)
    path = tmp_path / "film.dcm"
    for keyword, value in change.items():
        setattr(ds, keyword, value)
    with pytest.raises(UnreadableFile, match=reason):
        read(write(path, ds))


def test_compression_without_a_decoder():
    path = get_testdata_file("SC_rgb_jpeg_gdcm.dcm", download=False)
    with pytest.raises(UnreadableFile, match="no installed decoder reads .*JPEG Lossless"):
        read(path)


def test_codestream_that_claims_another_size():
    """pydicom brings a file whose JPEG 2000 stream claims 3.8 million million pixels."""
    path = get_testdata_file("JPEG2000-embedded-sequence-delimiter.dcm", download=False)
    with pytest.raises(UnreadableFile, match="the header says 1024 x 256 pixels"):
        read(path)


def test_codestream_sizes_are_read_before_decoding():
    jpeg_2000 = b"\xff\x4f\xff\x51" + struct.pack(">HH4I", 41, 0, 30, 20, 5, 2)
    assert codestream_size(jpeg_2000) == (18, 25)
    for marker in (0xC0, 0xC1, 0xC3, 0xF7):
        app = b"\xff\xe0" + struct.pack(">H", 6) + b"JFIF"
        frame = bytes([0xFF, marker]) + struct.pack(">HBHHB", 11, 8, 20, 30, 1) + bytes(3)
        assert codestream_size(b"\xff\xd8" + app + frame) == (20, 30)
    assert codestream_size(b"anything else") is None


def test_inflation_bomb_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("course_lib.dicom.opening.MOST_INFLATED_BYTES", 100_000)
    ds = dicom(np.zeros((400, 400), dtype=np.uint8))
    ds.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    path = write(tmp_path / "bomb.dcm", ds)
    assert path.stat().st_size < 2000
    with pytest.raises(UnreadableFile, match="unpack to more"):
        open_dicom(path)
    monkeypatch.undo()
    assert read(path).shape == (400, 400)


def test_damaged_deflated_file(tmp_path):
    ds = dicom(PIXELS)
    ds.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    path = write(tmp_path / "film.dcm", ds)
    content = bytearray(path.read_bytes())
    content[-40:] = zlib.compress(b"other")[:10] * 4
    path.write_bytes(content)
    with pytest.raises(UnreadableFile):
        read(path)


def test_the_error_travels_between_processes():
    error = UnreadableFile("a.dcm", "the file is empty")
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), copy.path, copy.reason) == (str(error), error.path, error.reason)


# Our own small file, and pydicom's smallest one of each compression.
SMALL = {
    "uncompressed": None,
    "RLE": "SC_rgb_rle.dcm",
    "JPEG": "SC_rgb_jpeg_dcmtk.dcm",
    "JPEG-LS": "JPEGLSNearLossless_16.dcm",
    "JPEG 2000": "JPEG2000.dcm",
}


def small_file(kind: str) -> bytes:
    if SMALL[kind]:
        return Path(get_testdata_file(SMALL[kind], download=False)).read_bytes()
    pixels = np.random.default_rng(0).integers(0, 4096, (16, 16)).astype(np.uint16)
    file = io.BytesIO()
    dicom(pixels, WindowCenter=2048, WindowWidth=4096).save_as(file, enforce_file_format=True)
    return file.getvalue()


@pytest.mark.parametrize("kind", SMALL)
def test_files_cut_anywhere(tmp_path, kind):
    """Cut at 400 places: either the picture has its full size or UnreadableFile is raised."""
    whole = small_file(kind)
    path = tmp_path / "cut.dcm"
    path.write_bytes(whole)
    shape = read(path).shape
    places = {*np.linspace(0, len(whole) - 1, 400).astype(int)}
    complaints = 0
    for length in places:
        path.write_bytes(whole[:length])
        try:
            assert read(path).shape == shape
        except UnreadableFile as error:
            complaints += 1
            assert str(path) in str(error)
    assert complaints > 0.5 * len(places)


@pytest.mark.parametrize("kind", SMALL)
def test_files_with_wrong_bytes(tmp_path, kind):
    """300 files with up to 8 random bytes changed: a picture or UnreadableFile, nothing else."""
    whole = small_file(kind)
    path = tmp_path / "wrong.dcm"
    rng = np.random.default_rng(5)
    for _ in range(300):
        content = bytearray(whole)
        for place in rng.integers(0, len(whole), rng.integers(1, 9)):
            content[place] = rng.integers(0, 256)
        path.write_bytes(content)
        try:
            shown = read(path)
        except UnreadableFile:
            continue
        assert shown.ndim == 2 and np.isfinite(shown).all()


def test_uncompressed_cut_by_one_byte_is_noticed():
    path = get_testdata_file("MR_truncated.dcm", download=False)
    with pytest.raises(UnreadableFile, match="less than expected"):
        stored_values(open_dicom(path))
