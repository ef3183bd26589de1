"""The same picture, however its bytes are written."""

import io

import numpy as np
import pydicom
import pytest
from dicom_making import dicom
from PIL import Image
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import DeflatedExplicitVRLittleEndian, JPEGBaseline8Bit, RLELossless

from course_lib.dicom.opening import open_dicom
from course_lib.dicom.pixels import displayed
from course_lib.dicom.stored import stored_values

SAME_PICTURE = {
    "explicit VR, big endian": "MR_small_bigendian.dcm",
    "implicit VR": "MR_small_implicit.dcm",
    "RLE": "MR_small_RLE.dcm",
    "JPEG 2000, lossless": "MR_small_jp2klossless.dcm",
    "JPEG-LS, lossless": "MR_small_jpeg_ls_lossless.dcm",
    "padded at the end": "MR_small_padded.dcm",
}


def opened(name: str):
    return open_dicom(get_testdata_file(name, download=False))


@pytest.mark.parametrize("kind", SAME_PICTURE)
def test_lossless_ways_of_writing_agree_to_the_bit(kind):
    plain, other = opened("MR_small.dcm"), opened(SAME_PICTURE[kind])
    assert np.array_equal(stored_values(plain), stored_values(other))
    assert np.array_equal(displayed(plain), displayed(other))


def test_jpeg_baseline_is_close():
    rows, columns = np.mgrid[:64, :48]
    picture = (2 * rows + 2 * columns).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, format="JPEG", quality=95)
    ds = dicom(picture)
    ds.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    ds.PixelData = encapsulate([buffer.getvalue()])
    ds["PixelData"].is_undefined_length = True
    assert np.abs(stored_values(ds).astype(int) - picture).max() <= 3


@pytest.mark.parametrize("syntax", [None, RLELossless, DeflatedExplicitVRLittleEndian])
def test_frames_of_every_way_of_writing(tmp_path, syntax):
    frames = np.random.default_rng(0).integers(0, 4096, (3, 10, 12)).astype(np.uint16)
    ds = dicom(frames)
    if syntax == RLELossless:
        ds.compress(syntax, generate_instance_uid=False)
    elif syntax:
        ds.file_meta.TransferSyntaxUID = syntax
    ds.save_as(tmp_path / "x.dcm", enforce_file_format=True)
    again = open_dicom(tmp_path / "x.dcm")
    for k in range(3):
        assert np.array_equal(stored_values(again, k), frames[k])


def test_without_preamble_and_header_only(tmp_path):
    """Old archives left out the first 132 bytes; the elements alone are enough."""
    ds = dicom(np.arange(64, dtype=np.uint8).reshape(8, 8))
    buffer = io.BytesIO()
    ds.save_as(buffer, enforce_file_format=True)
    path = tmp_path / "IM0001"
    path.write_bytes(buffer.getvalue()[132:])
    assert np.array_equal(stored_values(open_dicom(path)).ravel(), np.arange(64))
    header = open_dicom(path, header_only=True)
    assert header.Rows == 8 and "PixelData" not in header


@pytest.mark.parametrize("implicit", [True, False])
def test_without_meta_information(tmp_path, implicit):
    """Elements only, as very old software wrote them; explicit or implicit is found out."""
    ds = dicom(np.arange(64, dtype=np.uint16).reshape(8, 8))
    buffer = io.BytesIO()
    pydicom.dcmwrite(
        buffer, Dataset(ds), implicit_vr=implicit, little_endian=True, enforce_file_format=False
    )
    path = tmp_path / "old.dcm"
    path.write_bytes(buffer.getvalue())
    assert path.read_bytes()[:2] == b"\x08\x00"
    assert np.array_equal(stored_values(open_dicom(path)).ravel(), np.arange(64))
