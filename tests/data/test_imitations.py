"""Imitations of the public sets: the real layouts, virtual films, imagined readers."""

import csv

import numpy as np
import public_layouts
import pytest

from course_lib.data.findings import CHEXNET
from course_lib.data.imitation.layouts import LAYOUTS, imitate
from course_lib.data.imitation.readers import Reading, in_words
from course_lib.data.item import ImageItem, Label
from course_lib.data.opening import open_dataset
from course_lib.data.public.harmonise import harmonised
from course_lib.data.public.vindr_cxr import VinDrCxr

P, A, U, N = Label.PRESENT, Label.ABSENT, Label.UNCERTAIN, Label.NOT_MENTIONED


def film(number, *present):
    """A made-up film, 32 x 32, with a bright square where its findings are."""
    image = np.random.default_rng(number).random((32, 32), dtype=np.float32) / 2
    mask = np.zeros((32, 32), bool)
    mask[4:12, 20:26] = True
    image[mask] = 1
    return ImageItem(
        image=image, patient_id=f"V{number}", labels={f: P if f in present else A for f in CHEXNET},
        masks=dict.fromkeys(present, mask), view="PA", age=60.5, sex="F", spacing_mm=(2.0, 2.0),
    )  # fmt: skip


@pytest.fixture
def films():
    findings = ["nodule", "atelectasis", "pneumonia", "cardiomegaly", None]
    return [film(i, *filter(None, [findings[i % 5]])) for i in range(10)]


@pytest.mark.parametrize("name", LAYOUTS)
def test_each_imitation_opens_as_the_set_it_imitates(name, films, tmp_path):
    opened = open_dataset(imitate(name, films, tmp_path))
    assert type(opened).__module__ != "course_lib.data.folder", "taken for a learner's own folder"
    assert len(opened) == len(films) * (0.8 if name == "VinDr-CXR" else 1)
    for item, truth in zip(opened, films[: len(opened)], strict=True):
        assert item.labels, "every film has labels"
        if name != "JSRT":  # sorted by illness there
            tolerance = 0.05 if name in ("CheXpert", "MIMIC-CXR-JPG") else 1 / 255
            assert np.abs(item.image - truth.image).max() < tolerance
    assert open_dataset(tmp_path / LAYOUTS[name][0]).records == opened.records


@pytest.mark.parametrize("name", LAYOUTS)
def test_labels_come_from_the_truth_through_a_reader(name, films, tmp_path, monkeypatch):
    called, _, write = LAYOUTS[name]
    perfect = Reading(finds=1, hedges=0, denies=1, invents=0)
    monkeypatch.setitem(LAYOUTS, name, (called, perfect, write))
    records = open_dataset(imitate(name, films, tmp_path)).records
    if name == "JSRT":
        assert [r.label("nodule") for r in records] == [P] * 2 + [A] * 8
        return
    for record, truth in zip(records, films, strict=False):
        for finding, said in harmonised(record.labels).items():
            assert said in (truth.label(finding), N), (finding, record)
        if truth.label("pneumonia") is P:
            assert record.label("pneumonia") is P


def test_the_same_seed_writes_the_same_bytes(films, tmp_path):
    for name in ("CheXpert", "VinDr-CXR", "MIMIC-CXR-JPG"):
        one, two, other = (
            sorted(path for path in imitate(name, films, tmp_path / str(k), seed).rglob("*.*"))
            for k, seed in enumerate((1, 1, 2))
        )
        assert [p.read_bytes() for p in one] == [p.read_bytes() for p in two]
        assert [p.read_bytes() for p in one] != [p.read_bytes() for p in other]


def test_a_film_is_read_alike_in_a_larger_set(films, tmp_path):
    few = open_dataset(imitate("ChestX-ray14", films[:5], tmp_path / "few", seed=3)).records
    many = open_dataset(imitate("ChestX-ray14", films, tmp_path / "many", seed=3)).records
    assert [r.labels for r in few] == [r.labels for r in many[:5]]


def test_boxes_lie_around_the_masks(films, tmp_path, monkeypatch):
    called, _, write = LAYOUTS["VinDr-CXR"]
    perfect = Reading(finds=1, hedges=0, invents=0)
    monkeypatch.setitem(LAYOUTS, "VinDr-CXR", (called, perfect, write))
    records = VinDrCxr(imitate("VinDr-CXR", films, tmp_path)).records
    box = next(box for r in records for box in r.boxes)
    assert (box.row, box.column, box.height, box.width) == (4, 20, 8, 6)
    nodule = open_dataset(imitate("JSRT", films, tmp_path)).records[0].boxes[0]
    middle = (nodule.row + nodule.height / 2, nodule.column + nodule.width / 2)
    assert middle == pytest.approx((8 * 64, 23 * 64), abs=1)


def test_readers_err_as_often_as_told():
    reading = Reading(finds=0.8, hedges=0.25, denies=0.5, invents=0.1)
    rng = np.random.default_rng(0)
    said = [reading.of({"mass": P, "edema": A}, rng) for _ in range(4000)]
    share = {
        (finding, label): np.mean([one[finding] is label for one in said])
        for finding in ("mass", "edema")
        for label in Label
    }
    assert share["mass", P] == pytest.approx(0.6, abs=0.03)
    assert share["mass", U] == pytest.approx(0.2, abs=0.03)
    assert share["edema", P] + share["edema", U] == pytest.approx(0.1, abs=0.02)
    assert share["edema", A] == pytest.approx(0.45, abs=0.03) == share["edema", N]


def test_two_findings_under_one_word_give_the_stronger_label():
    words = {"nodule": "Lung Lesion", "mass": "Lung Lesion"}
    assert in_words({"nodule": A, "mass": P, "edema": P}, words) == {"Lung Lesion": P}


@pytest.mark.parametrize(
    ("name", "make", "table"),
    [
        ("CheXpert", public_layouts.chexpert, "train.csv"),
        ("VinDr-CXR", public_layouts.vindr, "annotations/image_labels_train.csv"),
        ("VinDr-CXR", public_layouts.vindr, "annotations/image_labels_test.csv"),
        ("VinDr-CXR", public_layouts.vindr, "annotations/annotations_test.csv"),
        ("RSNA pneumonia", public_layouts.rsna, "stage_2_train_labels.csv"),
    ],
)
def test_headers_are_the_published_ones(name, make, table, films, tmp_path):
    folders = make(tmp_path), imitate(name, films, tmp_path / "imitated")
    headers = [next(csv.reader((folder / table).open())) for folder in folders]
    assert headers[0] == headers[1]


def test_nothing_is_overwritten_and_mistakes_are_told(films, tmp_path):
    imitate("CheXpert", films[:1], tmp_path)
    with pytest.raises(FileExistsError, match="is there already"):
        imitate("CheXpert", films[:1], tmp_path)
    with pytest.raises(ValueError, match="no layout 'Chexpert'; there are JSRT"):
        imitate("Chexpert", films, tmp_path)
    with pytest.raises(ValueError, match="at least one film"):
        imitate("JSRT", [], tmp_path)
