"""PNG, JPEG and DICOM files become the same kind of item; bad ones give one clear error."""

import io

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.data import get_testdata_file

from course_lib.data.read import age_in_years, file_kind, read_film
from course_lib.data.samples import CT_SLICES, MR_SLICES, sample_ct, sample_mr
from course_lib.dicom.errors import UnreadableFile
from course_lib.dicom.pixels import Window

RAMP = np.arange(256, dtype=np.uint8).reshape(16, 16)
LUMA = [0.299, 0.587, 0.114]


def saved(path, array, mode=None, **options):
    Image.fromarray(array, mode).save(path, **options) if mode else Image.fromarray(array).save(
        path, **options
    )
    return path


def test_grey_png(tmp_path):
    item = read_film(saved(tmp_path / "00000001_000.png", RAMP))
    assert item.image.dtype == np.float32
    np.testing.assert_array_equal(item.image, RAMP / np.float32(255))
    assert item.patient_id == "00000001_000" and item.spacing_mm is None
    assert item.source.endswith("00000001_000.png")


@pytest.mark.parametrize(
    ("largest", "white"), [(255, 1023), (1000, 1023), (4000, 4095), (60000, 65535)]
)
def test_sixteen_bit_png_uses_the_smallest_depth_that_fits(tmp_path, largest, white):
    pixels = np.linspace(0, largest, 256).astype(np.uint16).reshape(16, 16)
    item = read_film(saved(tmp_path / "deep.png", pixels))
    np.testing.assert_allclose(item.image, pixels / white, rtol=1e-5)


def test_rgba_png_as_some_of_chestxray14(tmp_path):
    rgba = np.dstack([RAMP, RAMP, RAMP, np.full_like(RAMP, 255)])
    np.testing.assert_allclose(
        read_film(saved(tmp_path / "a.png", rgba)).image, RAMP / 255, atol=1e-6
    )
    rgba[:8, :, 3] = 0
    image = read_film(saved(tmp_path / "b.png", rgba)).image
    assert image[:8].max() == 0 and image[15, 15] == pytest.approx(1)


def test_palette_and_colour_become_luma(tmp_path):
    colours = np.zeros((16, 16, 3), np.uint8)
    colours[:8, :, 0], colours[8:, :, 2] = 200, 100
    palette = Image.fromarray(colours).quantize(2)
    palette.save(tmp_path / "palette.png")
    Image.fromarray(colours).save(tmp_path / "colour.png")
    for name in ("palette.png", "colour.png"):
        image = read_film(tmp_path / name).image
        np.testing.assert_allclose(image[0, 0], LUMA[0] * 200 / 255, atol=1e-5)
        np.testing.assert_allclose(image[15, 0], LUMA[2] * 100 / 255, atol=1e-5)


def test_one_bit_png(tmp_path):
    Image.fromarray(RAMP > 100).save(tmp_path / "bits.png")
    assert set(np.unique(read_film(tmp_path / "bits.png").image).round(5)) == {0, 1}


def test_jpeg_turned_by_its_tag(tmp_path):
    picture = Image.fromarray(np.repeat(RAMP, 2, axis=1))
    exif = picture.getexif()
    exif[0x0112] = 6  # turn by 90 degrees to see it upright
    picture.save(tmp_path / "phone.jpg", exif=exif, quality=95)
    assert read_film(tmp_path / "phone.jpg").image.shape == (32, 16)


def test_content_decides_not_the_name(tmp_path):
    path = saved(tmp_path / "film.dcm", RAMP, format="PNG")
    assert file_kind(path) == "PNG" and read_film(path).image.shape == (16, 16)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b"Sehr geehrte Damen und Herren \xc3\xa4", "looks like text"),
        (b"GIF89a" + bytes(range(200)), "first bytes"),
        (b"\x89PNG\r\n\x1a\n", "damaged"),
        (b"\xff\xd8\xff\xe0", "damaged"),
    ],
)
def test_no_image(tmp_path, content, reason):
    path = tmp_path / "film.png"
    path.write_bytes(content)
    with pytest.raises(UnreadableFile, match=reason) as caught:
        read_film(path)
    assert caught.value.path == str(path)


def test_picture_that_claims_a_huge_size(tmp_path):
    content = bytearray(saved(tmp_path / "x.png", RAMP).read_bytes())
    content[16:24] = (60000).to_bytes(4, "big") * 2
    (tmp_path / "x.png").write_bytes(content)
    with pytest.raises(UnreadableFile):
        read_film(tmp_path / "x.png")


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_pictures_cut_anywhere(tmp_path, kind):
    """Every cut before the picture's end raises UnreadableFile."""
    buffer = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (24, 24), dtype=np.uint8)
    Image.fromarray(noise).save(buffer, format=kind)
    whole, path = buffer.getvalue(), tmp_path / "cut"
    complaints = 0
    for length in range(0, len(whole), 2):
        path.write_bytes(whole[:length])
        try:
            assert read_film(path).image.shape == (24, 24)
        except UnreadableFile:
            complaints += 1
    assert complaints > 0.9 * len(whole) / 2


def test_dicom_brings_its_facts():
    item = read_film(get_testdata_file("CT_small.dcm", download=False))
    assert item.patient_id == "1CT1" and item.sex is None and item.age == 0
    assert item.spacing_mm == (0.661468, 0.661468)
    assert item.hospital == "JFK IMAGING CENTER"
    assert item.scanner == "GE MEDICAL SYSTEMS RHAPSODE"
    facts = [v for k, v in vars(item).items() if k != "image"]
    assert "CompressedSamples" not in str(facts), "the patient's name must not be read"


def test_own_window():
    path = get_testdata_file("CT_small.dcm", download=False)
    lung, bone = (read_film(path, window=Window(*w)).image for w in ((-600, 1500), (400, 1500)))
    assert lung.mean() > bone.mean() + 0.2


@pytest.mark.parametrize(
    ("text", "years"),
    [
        ("061Y", 61),
        ("018M", 1.5),
        ("010W", 70 / 365.25),
        ("073D", 73 / 365.25),
        ("58", 58),
        ("", None),
        ("414", None),
        ("old", None),
        ("-3", None),
    ],
)
def test_ages(text, years):
    assert age_in_years(text) == (None if years is None else pytest.approx(years))


@pytest.mark.parametrize("part", CT_SLICES)
def test_ct_slices_are_in_hounsfield_units(part):
    ct = sample_ct(part)
    assert ct.modality == "CT" and ct.values.dtype == np.float32
    inside = ct.values[ct.values > -1100]
    assert -1100 < inside.min() < -700, "air is near -1000 HU"
    assert 500 < inside.max() < 3100, "bone is several hundred HU"
    assert 0.3 < ct.spacing_mm[0] < 1


@pytest.mark.parametrize("part", MR_SLICES)
def test_mr_slices(part):
    mr = sample_mr(part)
    assert mr.modality == "MR" and mr.values.min() >= 0 and mr.values.std() > 10
    assert mr.window[1] > 0


def test_samples_need_no_network(monkeypatch):
    def no_network(*args, **kwargs):
        raise AssertionError("tried to download")

    monkeypatch.setattr(pydicom.data.data_manager, "fetch_data_files", no_network, raising=False)
    monkeypatch.setattr(pydicom.data.download, "data_path_with_download", no_network)
    assert sample_ct().values.shape == (512, 512)
    with pytest.raises(ValueError, match="head"):
        sample_ct("knee")
