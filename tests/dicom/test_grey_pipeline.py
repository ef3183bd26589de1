"""Stored values to screen, step by step as the standard says, and against pydicom."""

import os
from pathlib import Path

import numpy as np
import pydicom
import pytest
from dicom_making import dicom, table
from pydicom.data import get_testdata_file
from pydicom.pixels import apply_color_lut, apply_modality_lut, apply_voi_lut

from course_lib.dicom.errors import UnreadableFile
from course_lib.dicom.opening import open_dicom
from course_lib.dicom.pixels import Window, apply_window, displayed, file_windows, modality_values
from course_lib.dicom.stored import stored_values

RAMP = np.arange(256, dtype=np.uint8).reshape(16, 16)


def test_full_range_without_a_window():
    shown = displayed(dicom((RAMP // 2 + 10).astype(np.uint16)))
    assert shown.dtype == np.float32
    assert (shown.min(), shown.max()) == (0, 1)
    assert np.all(np.diff(shown.ravel()) >= 0)


def test_rescale_gives_hounsfield_units():
    stored = np.array([[0, 24], [1024, 2048]], dtype=np.uint16)
    ds = dicom(stored, RescaleSlope=2, RescaleIntercept=-1024)
    assert modality_values(ds, stored_values(ds)).tolist() == [[-1024, -976], [1024, 3072]]


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("signed", [False, True])
def test_every_depth_and_sign(bits, signed):
    """Bits above BitsStored hold junk, as old overlays left it there; the values survive."""
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1)) if signed else (0, 2**bits)
    rng = np.random.default_rng(bits)
    values = rng.integers(low, high, (9, 7))
    junk = rng.integers(0, 2, values.shape) << bits if bits < 16 else 0
    raw = ((values & (2**bits - 1)) | junk).astype(np.uint16)
    ds = dicom(raw, BitsStored=bits, HighBit=bits - 1, PixelRepresentation=int(signed))
    assert np.array_equal(stored_values(ds), values)


def test_high_bit_above_the_stored_bits():
    values = np.arange(64).reshape(8, 8)
    ds = dicom((values << 4).astype(np.uint16), BitsStored=12, HighBit=15)
    assert np.array_equal(stored_values(ds), values)


def test_monochrome1_is_turned_once_and_after_the_window():
    window = {"WindowCenter": 100, "WindowWidth": 50}
    bright = displayed(dicom(RAMP, **window))
    dark = displayed(dicom(RAMP, PhotometricInterpretation="MONOCHROME1", **window))
    both = displayed(
        dicom(
            RAMP, PhotometricInterpretation="MONOCHROME1", PresentationLUTShape="INVERSE", **window
        )
    )
    np.testing.assert_allclose(dark, 1 - bright, atol=1e-6)
    assert np.array_equal(dark, both)


def test_linear_window_of_the_standard():
    """The examples of PS3.3, C.11.2.1.2: c = 2048, w = 4096 and c = 0, w = 1."""
    x = np.array([0.0, 2047.5, 4095.0])
    np.testing.assert_allclose(apply_window(x, Window(2048, 4096)), [0, 0.5, 1])
    assert apply_window(np.array([-0.6, -0.4]), Window(0, 1)).tolist() == [0, 1]


def test_other_window_functions():
    x = np.array([-100.0, 0.0, 100.0])
    exact = apply_window(x, Window(0, 200, "LINEAR_EXACT"))
    np.testing.assert_allclose(exact, [0, 0.5, 1])
    sigmoid = apply_window(x, Window(0, 200, "SIGMOID"))
    np.testing.assert_allclose(sigmoid, 1 / (1 + np.exp([2.0, 0, -2])))
    far = apply_window(np.array([-1e9, 1e9]), Window(0, 1, "SIGMOID"))
    np.testing.assert_allclose(far, [0, 1], atol=1e-100)


def test_choice_of_window():
    ds = dicom(RAMP, WindowCenter=[50, 200], WindowWidth=[20, 30])
    assert [w.center for w in file_windows(ds)] == [50, 200]
    assert displayed(ds, window=0)[8, 0] == 1  # value 128 is far above the first window
    assert displayed(ds, window=1)[8, 0] == 0  # and below the second
    own = displayed(ds, window=Window(128.5, 257))
    np.testing.assert_allclose(own[8, 0], 0.5, atol=1e-6)


def test_useless_windows_are_ignored():
    for width in (0, -5):
        ds = dicom(RAMP, WindowCenter=50, WindowWidth=width)
        assert file_windows(ds) == []
        assert displayed(ds).max() == 1


def test_tables_hold_their_ends():
    ds = dicom(RAMP, VOILUTSequence=[table([0, 100, 255], first=10, bits=8)])
    shown = displayed(ds)
    assert shown[0, 0] == 0 and shown[0, 10] == 0
    np.testing.assert_allclose(shown[0, 11], 100 / 255, rtol=1e-6)
    assert shown[15, 15] == 1


@pytest.mark.parametrize("dtype", ["<u2", "u1"])
def test_tables_written_as_bytes(dtype):
    item = table([0, 100, 255, 9], first=10, bits=8)
    item.add_new(0x00283006, "OW", np.array([0, 100, 255, 9], dtype=dtype).tobytes())
    shown = displayed(dicom(RAMP, VOILUTSequence=[item]))
    np.testing.assert_allclose(shown[0, 10:15] * 255, [0, 100, 255, 9, 9], rtol=1e-5)


def test_modality_table_replaces_rescale():
    ds = dicom(RAMP, ModalityLUTSequence=[table([7, 8, 9], first=0)])
    assert modality_values(ds, stored_values(ds)).ravel()[:4].tolist() == [7, 8, 9, 9]


def test_table_of_a_signed_image_starts_below_zero():
    stored = np.array([[-3, -2, -1]], dtype=np.int16)
    ds = dicom(stored, VOILUTSequence=[table([10, 20, 30], first=65533, bits=16)])
    np.testing.assert_allclose(displayed(ds) * 65535, [[10, 20, 30]], rtol=1e-5)


def test_padding_is_black_and_does_not_set_the_contrast():
    stored = np.array([[-2000, 100], [150, 200]], dtype=np.int16)
    shown = displayed(dicom(stored, PixelPaddingValue=-2000))
    np.testing.assert_allclose(shown, [[0, 0], [0.5, 1]])
    negative = dicom(stored, PixelPaddingValue=-2000, PhotometricInterpretation="MONOCHROME1")
    assert displayed(negative)[0].tolist() == [0, 1]


def test_frames_are_chosen_by_number():
    frames = np.stack([RAMP, 255 - RAMP])
    ds = dicom(frames)
    assert np.array_equal(stored_values(ds, 1), 255 - RAMP)
    with pytest.raises(UnreadableFile, match="frames 0 to 1"):
        stored_values(ds, 2)


def test_enhanced_files_keep_values_in_functional_groups():
    frames = np.stack([RAMP, RAMP])
    ds = dicom(frames)

    def group(**macros):
        outer = pydicom.Dataset()
        for macro, elements in macros.items():
            inner = pydicom.Dataset()
            for keyword, value in elements.items():
                setattr(inner, keyword, value)
            setattr(outer, macro, [inner])
        return outer

    slope = {"RescaleSlope": 3, "RescaleIntercept": 1}
    ds.SharedFunctionalGroupsSequence = [group(PixelValueTransformationSequence=slope)]
    ds.PerFrameFunctionalGroupsSequence = [
        group(FrameVOILUTSequence={"WindowCenter": 10, "WindowWidth": 4}),
        group(FrameVOILUTSequence={"WindowCenter": 500, "WindowWidth": 4}),
    ]
    assert modality_values(ds, stored_values(ds, 1), 1)[0, 2] == 7
    assert [file_windows(ds, k)[0].center for k in (0, 1)] == [10, 500]


def test_colour_becomes_luma():
    rgb = np.zeros((4, 4, 3), dtype=np.uint8)
    rgb[..., 1] = 200
    ds = dicom(rgb[..., 0])
    ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.PlanarConfiguration = 3, "RGB", 0
    ds.PixelData = rgb.tobytes()
    np.testing.assert_allclose(stored_values(ds), 0.587 * 200)
    np.testing.assert_allclose(displayed(ds), 0.587 * 200 / 255, rtol=1e-6)


def test_colour_keeps_its_brightness_in_a_palette_too():
    """The picture is not stretched: its luma is that of pydicom's own colours."""
    for name in ("examples_palette.dcm", "examples_rgb_color.dcm", "SC_rgb_rle_16bit.dcm"):
        ds = open_dicom(get_testdata_file(name, download=False))
        rgb = ds.pixel_array
        if name == "examples_palette.dcm":
            rgb = apply_color_lut(rgb, ds)
        white = np.iinfo(rgb.dtype).max
        np.testing.assert_allclose(displayed(ds), rgb @ [0.299, 0.587, 0.114] / white, atol=1e-5)


def peer_display(ds) -> np.ndarray:
    """The same steps by pydicom's own functions, as grey values before scaling to 0..1."""
    return apply_voi_lut(apply_modality_lut(ds.pixel_array, ds), ds)


PEERS = (
    "CT_small.dcm MR_small.dcm MR_small_RLE.dcm MR_small_jp2klossless.dcm "
    "MR_small_jpeg_ls_lossless.dcm MR_small_bigendian.dcm MR_small_implicit.dcm JPEG2000.dcm "
    "examples_overlay.dcm 693_J2KI.dcm J2K_pixelrep_mismatch.dcm image_dfl.dcm"
)


@pytest.mark.parametrize("name", PEERS.split())
def test_same_as_pydicom_on_its_files(name):
    assert compare_with_pydicom(get_testdata_file(name, download=False))


def test_same_as_pydicom_on_real_files(real_data):
    files = sorted((Path(real_data) / "dicom").rglob("*.dcm"))
    assert len(files) > 8
    compared = sum(compare_with_pydicom(path) for path in files)
    assert compared >= 8


def compare_with_pydicom(path: str | os.PathLike) -> bool:
    """Compare one single-frame grey file; False if it is of another kind."""
    ds = open_dicom(path)
    classic = ds.get("NumberOfFrames", 1) in (1, None)
    if ds.PhotometricInterpretation not in ("MONOCHROME1", "MONOCHROME2") or not classic:
        return False
    plain = modality_values(ds, stored_values(ds))
    np.testing.assert_allclose(plain, apply_modality_lut(ds.pixel_array, ds), rtol=1e-12)
    theirs = peer_display(ds).astype(float)
    if ds.get("VOILUTSequence"):
        theirs = theirs / (2 ** ds.VOILUTSequence[0].LUTDescriptor[2] - 1)
    else:
        low, high = theirs.min(), theirs.max()
        if file_windows(ds):  # pydicom scales a window to the range the stored bits could have
            low, high = window_output_range(ds)
        theirs = (theirs - low) / (high - low)
    if ds.PhotometricInterpretation == "MONOCHROME1":
        theirs = 1 - theirs
    real = ds.pixel_array != ds.get("PixelPaddingValue")
    if not file_windows(ds) and not real.all():
        return True  # we leave padding out of the range, pydicom does not
    np.testing.assert_allclose(displayed(ds)[real], theirs[real], atol=1e-6)
    return True


def window_output_range(ds) -> tuple[float, float]:
    signed, bits = ds.PixelRepresentation, ds.BitsStored
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    slope, intercept = float(ds.get("RescaleSlope", 1)), float(ds.get("RescaleIntercept", 0))
    return low * slope + intercept, high * slope + intercept
