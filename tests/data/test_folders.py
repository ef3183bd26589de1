"""A learner's own folder: what is readable is used, what is not is listed."""

import shutil

import numpy as np
import pytest
from PIL import Image
from pydicom.data import get_testdata_file

from course_lib.data.folder import ImageFolder, read_label_table
from course_lib.data.item import Label
from course_lib.data.opening import open_dataset
from course_lib.dicom.errors import UnreadableFile


@pytest.fixture
def folder(tmp_path):
    """Two pictures, two DICOM files, and four files that are no images; a path in Korean."""
    root = tmp_path / "내 영상"
    (root / "ward one" / "deep").mkdir(parents=True)
    pixels = np.random.default_rng(0).integers(0, 256, (20, 20), dtype=np.uint8)
    Image.fromarray(pixels).save(root / "a.png")
    Image.fromarray(pixels).save(root / "ward one" / "b.jpg")
    for name in ("CT_small.dcm", "MR_truncated.dcm", "rtplan.dcm"):
        shutil.copy(get_testdata_file(name, download=False), root / "ward one" / name)
    shutil.copy(
        get_testdata_file("MR_small_RLE.dcm", download=False), root / "ward one" / "deep" / "IM0001"
    )
    (root / "notes.txt").write_text("these are my films")
    (root / "empty.png").write_bytes(b"")
    (root / ".hidden.png").write_bytes(b"")
    return root


def test_readable_files_are_used_and_the_others_listed(folder):
    films = ImageFolder(folder)
    names = [record.source.replace("\\", "/").rsplit("/", 1)[1] for record in films.records]
    assert names == ["a.png", "CT_small.dcm", "b.jpg", "IM0001"]
    assert films[1].image.shape == (128, 128) and films[1].spacing_mm is not None
    assert films.records[1].patient_id == "1CT1"
    reasons = {
        error.path.replace("\\", "/").rsplit("/", 1)[1]: error.reason for error in films.unreadable
    }
    assert set(reasons) == {"MR_truncated.dcm", "rtplan.dcm", "notes.txt", "empty.png"}
    assert reasons["empty.png"] == "the file is empty"
    assert "looks like text" in reasons["notes.txt"]
    report = films.report()
    assert report.startswith("4 images read, 4 files not readable")
    assert all(name in report for name in reasons)


def test_quick_scan_finds_damaged_pixels_later(folder):
    films = ImageFolder(folder, check=False)
    place = next(i for i, r in enumerate(films.records) if "MR_truncated" in r.source)
    with pytest.raises(UnreadableFile, match="MR_truncated"):
        films[place]


TABLE = """\
file,patient_id,age,sex,Effusion,Pleural Thickening,mass
a.png,K7,060Y,F,1,-1,
ward one/b.jpg,K7,61,F,0.0,1.0,uncertain
"""


def test_label_table(folder):
    (folder / "labels.csv").write_text(TABLE)
    films = open_dataset(folder)
    by_name = {r.source.replace("\\", "/").rsplit("/", 1)[1]: r for r in films.records}
    first, second = by_name["a.png"], by_name["b.jpg"]
    assert first.patient_id == second.patient_id == "K7"
    assert (first.age, second.age, first.sex) == (60, 61, "F")
    assert first.label("pleural_effusion") is Label.PRESENT
    assert first.label("pleural_thickening") is Label.UNCERTAIN
    assert first.label("mass") is Label.NOT_MENTIONED
    assert second.label("pleural_effusion") is Label.ABSENT
    assert second.label("mass") is Label.UNCERTAIN
    assert by_name["CT_small.dcm"].label("mass") is Label.NOT_MENTIONED
    assert films[0].labels == films.records[0].labels
    assert not any("labels.csv" in error.path for error in films.unreadable)


def test_wrong_label_tables_name_the_line(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text("name,mass\na.png,1\n")
    with pytest.raises(ValueError, match='column named "file"'):
        read_label_table(path)
    path.write_text("file,mass\na.png,1\nb.png,yes\n")
    with pytest.raises(ValueError, match=r"line 3, mass.*'yes'"):
        read_label_table(path)


def test_nothing_to_read(tmp_path):
    with pytest.raises(FileNotFoundError, match="not a folder"):
        ImageFolder(tmp_path / "nowhere")
    (tmp_path / "x.txt").write_text("hello")
    with pytest.raises(FileNotFoundError, match="no readable DICOM, PNG or JPEG file .1 files"):
        ImageFolder(tmp_path)
    with pytest.raises(FileNotFoundError, match="virtual"):
        open_dataset("virtuel")
