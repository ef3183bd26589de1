"""ChestX-ray14 in its published layout: both tables, boxes, lists, archives in parts."""

import shutil

import numpy as np
import pytest
from PIL import Image

from course_lib.data.chestxray14 import ChestXray14, read_entries
from course_lib.data.dataset import FilmDataset
from course_lib.data.findings import CHEXNET, canonical
from course_lib.data.item import Label
from course_lib.data.opening import open_dataset
from course_lib.data.source import findings_of
from course_lib.data.split import assert_no_leakage, split_by_patient

HEAD = (
    "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,"
    "OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y]"
)
ROWS = [
    "00000001_000.png,Cardiomegaly,0,1,{},M,PA,2682,2749,0.143,0.143",
    "00000001_001.png,Cardiomegaly|Emphysema,1,1,{},M,PA,2894,2729,0.143,0.143",
    "00000002_000.png,No Finding,0,2,{},M,PA,2500,2048,0.171,0.171",
    "00000003_000.png,Hernia,0,3,{},F,PA,2582,2991,0.143,0.143",
    "00000003_001.png,Effusion|Pleural_Thickening,1,3,{},F,AP,2500,2048,0.168,0.168",
]
BOXES = """\
Image Index,Finding Label,Bbox [x,y,w,h],,,
00000003_001.png,Effusion,256.0,512.0,128.0,64.0
00000003_001.png,Infiltrate,10.5,20.5,30.0,40.0
"""


def table(year: int) -> str:
    """2017: ages as "058Y" and a comma at the end of the header. 2020: numbers, no comma."""
    ages = [58, 59, 81, 74, 414]
    shown = [f"{age:03d}Y" if year == 2017 else str(age) for age in ages]
    rows = [row.format(age) for row, age in zip(ROWS, shown, strict=True)]
    return "\n".join([HEAD + ("," if year == 2017 else ""), *rows]) + "\n"


@pytest.fixture(params=[2017, 2020])
def root(tmp_path, request):
    year = request.param
    name = "Data_Entry_2017.csv" if year == 2017 else "Data_Entry_2017_v2020.csv"
    (tmp_path / name).write_text(table(year))
    (tmp_path / "BBox_List_2017.csv").write_text(BOXES)
    (tmp_path / "train_val_list.txt").write_text("00000001_000.png\n00000001_001.png\n")
    (tmp_path / "test_list.txt").write_text(
        "00000002_000.png\r\n00000003_000.png\n00000003_001.png"
    )
    rng = np.random.default_rng(0)
    for i, row in enumerate(ROWS):
        folder = tmp_path / f"images_{i % 2 + 1:03d}" / "images"
        folder.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 256, (512, 512), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / row.split(",")[0])
    return tmp_path


def test_labels_and_facts(root):
    films = ChestXray14(root)
    assert len(films) == 5 and films.missing == []
    assert findings_of(films) == CHEXNET
    second = films.records[1]
    present = [name for name, label in second.labels.items() if label is Label.PRESENT]
    assert present == ["cardiomegaly", "emphysema"]
    assert second.label("mass") is Label.ABSENT
    assert (second.patient_id, second.study_id) == ("1", "1_1")
    assert (second.age, second.sex, second.view) == (59, "M", "PA")
    assert films.records[4].age is None, "414 years is a typing error in the real table"
    assert all(label is Label.ABSENT for label in films.records[2].labels.values())


def test_unlisted_findings_can_stay_unknown(root):
    films = ChestXray14(root, unlisted="not mentioned")
    assert films.records[1].label("mass") is Label.NOT_MENTIONED
    assert films.records[2].label("mass") is Label.ABSENT, '"No Finding" says so'
    _, known = films.records[1].label_vector(CHEXNET)
    assert known.sum() == 2


def test_boxes_and_spacing_fit_the_pixels_that_are_there(root):
    item = ChestXray14(root)[4]
    box = item.boxes[0]
    assert (box.finding, box.column, box.row) == ("pleural_effusion", 128, 256)
    assert (box.width, box.height) == (64, 32)
    assert item.boxes[1].finding == "infiltration"
    row_mm, column_mm = item.spacing_mm
    assert row_mm == pytest.approx(0.168 * 2048 / 512)
    assert column_mm == pytest.approx(0.168 * 2500 / 512)


def test_official_lists_share_no_patient(root):
    train, test = ChestXray14(root, "train"), ChestXray14(root, "test")
    assert [len(train), len(test)] == [2, 3]
    assert_no_leakage(train, test)
    with pytest.raises(ValueError, match="'train' or 'test'"):
        ChestXray14(root, "validation")
    (root / "test_list.txt").unlink()
    with pytest.raises(FileNotFoundError, match="test_list.txt is missing"):
        ChestXray14(root, "test")


def test_part_of_the_archives_is_enough(root):
    shutil.rmtree(root / "images_002")
    films = ChestXray14(root)
    assert len(films) == 3
    assert films.missing == ["00000001_001.png", "00000003_000.png"]


def test_wrong_folders_say_what_to_do(root, tmp_path):
    with pytest.raises(FileNotFoundError, match="not a folder"):
        ChestXray14(root / "nowhere")
    with pytest.raises(FileNotFoundError, match="no folder pictures"):
        ChestXray14(root, images="pictures")
    (root / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="unpack the image archives"):
        ChestXray14(root, images="empty")
    with pytest.raises(FileNotFoundError, match="holds no Data_Entry"):
        ChestXray14(root / "images_001")


def test_damaged_tables_name_the_line(root):
    path = next(root.glob("Data_Entry*.csv"))
    whole = path.read_text()
    path.write_text(whole + "00000009_000.png,Mass,0\n")
    with pytest.raises(ValueError, match="line 7.*incomplete"):
        ChestXray14(root)
    path.write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match="Image Index"):
        list(read_entries(path))
    path.write_text(whole.replace("Hernia", "Herniation"))
    with pytest.raises(ValueError, match="00000003_000.png.*herniation"):
        ChestXray14(root)
    path.write_text(whole)
    (root / "BBox_List_2017.csv").write_text("a,b,c\nx.png,Mass,1,2,three,4\n")
    with pytest.raises(ValueError, match="line 2"):
        ChestXray14(root)


def test_opened_by_one_line_and_ready_to_train(root):
    films = open_dataset(root)
    assert isinstance(films, ChestXray14)
    data = FilmDataset(films, 64, CHEXNET)
    assert data[0]["image"].shape == (1, 64, 64) and data.targets.sum() == 6


def test_names_become_one():
    assert (
        canonical("Pleural_Thickening") == canonical("pleural thickening") == "pleural_thickening"
    )
    assert canonical("Effusion") == canonical("Pleural Effusion") == "pleural_effusion"
    assert len(set(CHEXNET)) == 14


def test_the_real_films(real_data):
    """621 real films, one per patient; their folder has names of its own."""
    films = open_dataset(real_data / "nih", images="images_256", entries="Data_Entry_subset.csv")
    assert len(films) == 621 and films.missing == []
    item = films[0]
    assert item.image.shape == (256, 256) and 0.2 < item.image.mean() < 0.8
    assert 200 < item.spacing_mm[0] * 256 < 450, "a chest film is about 35 to 43 cm high"
    parts = split_by_patient(films, seed=1)
    assert sum(map(len, parts)) == 621
    large = ChestXray14(real_data / "nih", images="images_1024", entries="Data_Entry_subset.csv")
    assert {large[i].image.shape for i in range(len(large))} == {(1024, 1024)}
