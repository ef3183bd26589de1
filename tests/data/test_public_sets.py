"""Every public set of films, in its exact layout: labels, patients, views, boxes, bad input."""

import pickle

import numpy as np
import pytest
from public_layouts import chexpert, jsrt, mimic, open_i, padchest, rsna, vindr

from course_lib.data.dataset import FilmDataset
from course_lib.data.item import Label
from course_lib.data.opening import open_dataset
from course_lib.data.public.chexpert import CheXpert
from course_lib.data.public.jsrt import Jsrt
from course_lib.data.public.mimic_cxr import MimicCxr
from course_lib.data.public.open_i import OpenI
from course_lib.data.public.padchest import PadChest, words_of
from course_lib.data.public.rsna_pneumonia import RsnaPneumonia
from course_lib.data.public.vindr_cxr import VinDrCxr
from course_lib.data.source import findings_of
from course_lib.data.split import assert_no_leakage, split_by_patient
from course_lib.dicom.errors import UnreadableFile

P, A, U, N = Label.PRESENT, Label.ABSENT, Label.UNCERTAIN, Label.NOT_MENTIONED
MAKERS = {
    chexpert: CheXpert,
    mimic: MimicCxr,
    padchest: PadChest,
    vindr: VinDrCxr,
    rsna: RsnaPneumonia,
    open_i: OpenI,
    jsrt: Jsrt,
}


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
def test_one_line_opens_each_and_films_go_into_training(make, tmp_path):
    films = open_dataset(make(tmp_path))
    assert isinstance(films, MAKERS[make])
    item = films[0]
    assert item.image.dtype == np.float32 and 0 <= item.image.min() <= item.image.max() <= 1
    assert item.labels == films.records[0].labels and item.patient_id == films.records[0].patient_id
    batch = FilmDataset(films, findings=findings_of(films)[:2], size=16)[0]
    assert batch["image"].shape == (1, 16, 16) and len(batch["target"]) == len(
        findings_of(films)[:2]
    )


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
def test_an_empty_folder_is_told_in_one_sentence(make, tmp_path):
    with pytest.raises(FileNotFoundError, match="holds no|None of"):
        MAKERS[make](tmp_path)
    with pytest.raises(FileNotFoundError, match="is not a folder"):
        MAKERS[make](tmp_path / "nowhere")


def test_chexpert_keeps_uncertain_and_unmentioned_apart(tmp_path):
    films = CheXpert(chexpert(tmp_path), "train")
    healthy, second, lateral, third = films.records
    assert healthy.label("edema") is A, '"No Finding" denies what it does not mention'
    assert healthy.label("support_device") is P and healthy.label("pneumothorax") is A
    assert second.label("cardiomegaly") is U and second.label("lung_lesion") is N
    assert second.label("pleural_effusion") is U and second.label("fracture") is P
    assert (second.patient_id, second.sex, second.age) == ("patient00002", "F", 87)
    assert (second.view, lateral.view, third.view, third.sex) == ("PA", "LAT", "AP", None)
    assert second.study_id == lateral.study_id
    targets, known = second.label_vector(("cardiomegaly", "fracture", "lung_lesion"), "ones")
    assert targets.tolist() == [1, 1, 0] and known.tolist() == [True, True, False]


def test_chexpert_splits_are_the_published_ones(tmp_path):
    root = chexpert(tmp_path)
    assert len(CheXpert(root)) == 5 and len(CheXpert(root, frontal_only=True)) == 4
    (valid,) = CheXpert(root, "valid").records
    assert valid.label("mediastinal_widening") is N, "names stay the data set's own here"
    assert valid.label("enlarged_cardiomediastinum") is P and valid.label("edema") is A
    with pytest.raises(ValueError, match="'train' or 'valid'"):
        CheXpert(root, "test")


@pytest.mark.parametrize("ending", [".jpg", ".dcm"])
def test_mimic_films_share_the_labels_of_their_study(tmp_path, ending):
    root = mimic(tmp_path, ending)
    films = MimicCxr(root)
    first, lateral, third = films.records
    assert first.labels == lateral.labels and first.label("edema") is A
    assert lateral.view == "LAT" and third.view == "AP"
    assert third.label("atelectasis") is U and third.label("cardiomegaly") is P
    assert [r.patient_id for r in MimicCxr(root, "test").records] == ["10000764"]
    assert len(MimicCxr(root, frontal_only=True)) == 2
    assert films[0].image.ndim == 2
    with pytest.raises(FileNotFoundError, match="negbio"):
        MimicCxr(root, labeller="negbio")


def test_padchest_reads_lists_of_words_as_data(tmp_path):
    root = padchest(tmp_path)
    films = PadChest(root)
    assert len(films) == 4, "excluded and unlabelled films are left out"
    first, lateral, normal, fibrosis = films.records
    assert first.label("pleural_effusion") is P and first.label("cardiomegaly") is P
    assert set(normal.labels.values()) == {A} and "normal" not in normal.labels
    assert fibrosis.label("pulmonary_fibrosis") is P
    assert fibrosis.label("cardiomegaly") is N, '"unchanged" points to an earlier report'
    assert (first.age, first.sex, lateral.view, normal.view, normal.age) == (
        84,
        "F",
        "LAT",
        "AP",
        None,
    )
    assert len(PadChest(root, by_physicians=True)) == 2
    assert len(PadChest(root, frontal_only=True)) == 3
    with pytest.raises(ValueError, match="line 7.*no list of words"):
        words_of("__import__('os').system('echo bad')", "table, line 7")


def test_vindr_counts_the_votes_of_three_radiologists(tmp_path):
    root = vindr(tmp_path)
    first, second = VinDrCxr(root).records
    assert first.label("cardiomegaly") is P and first.label("ild") is U
    assert first.label("edema") is A and set(second.labels.values()) == {A}
    assert VinDrCxr(root, votes=3).records[0].label("cardiomegaly") is U
    assert VinDrCxr(root, votes=1).records[0].label("ild") is P
    box = first.boxes[0]
    assert (box.finding, box.row, box.column, box.height, box.width) == (
        "cardiomegaly",
        60,
        10,
        30,
        100,
    )
    assert len(first.boxes) == 2 and second.boxes == ()
    (third,) = VinDrCxr(root, "test").records
    assert third.label("nodule/mass") is P and third.label("other_diseases") is P
    assert set(third.labels) == set(first.labels), "both tables speak of the same 27 findings"


def test_rsna_joins_the_boxes_of_a_patient(tmp_path):
    films = RsnaPneumonia(rsna(tmp_path))
    other, normal, ill = films.records
    assert [r.label("pneumonia") for r in films.records] == [A, A, P]
    assert normal.label("normal") is P and other.label("normal") is A
    assert len(ill.boxes) == 2 and ill.boxes[1].column == 562


def test_open_i_takes_the_first_part_of_each_heading(tmp_path):
    root = open_i(tmp_path)
    films = OpenI(root)
    assert [r.study_id for r in films.records] == ["CXR1", "CXR1", "CXR2", "CXR10"]
    assert set(films.records[0].labels.values()) == {A}
    assert films.records[2].label("cardiomegaly") is P
    assert films.records[3].label("pulmonary_atelectasis") is P
    assert OpenI(root, headings="automatic").records[3].label("cardiomegaly") is A
    report = root / "ecgen-radiology" / "2.xml"
    report.write_text(report.read_text().replace("Pulmonary Artery/enlarged", "Thickening/pleura"))
    assert OpenI(root).records[2].label("pleural_thickening") is P
    bad = root / "ecgen-radiology" / "3.xml"
    bad.write_text('<!DOCTYPE x [<!ENTITY a "aaaa">]><eCitation><uId id="&a;"/></eCitation>')
    with pytest.raises(ValueError, match=r"3\.xml.*not a report"):
        OpenI(root)


def test_jsrt_reads_headerless_films_and_turns_them_bright_side_up(tmp_path):
    root = jsrt(tmp_path)
    films = Jsrt(root)
    assert len(films) == 2 and films.missing == ["JPCLN002.IMG"]
    item = films[0]
    assert item.image.shape == (2048, 2048) and item.spacing_mm == (0.175, 0.175)
    assert item.image[692, 1634] == 1 and item.image[0, 0] == 0
    (box,) = item.boxes
    assert box.row + box.height / 2 == 692 and box.height == pytest.approx(15 / 0.175)
    nodule = films.nodules["JPCLN001"]
    assert nodule.malignant and nodule.subtlety == 5 and nodule.diagnosis == "lung cancer"
    assert films.records[1].label("nodule") is A and films.records[1].sex == "F"
    (root / "Nodule154images" / "JPCLN001.IMG").write_bytes(b"short")
    with pytest.raises(UnreadableFile, match="8388608 bytes"):
        Jsrt(root)[0]


def test_damaged_tables_are_told_with_their_line(tmp_path):
    root = chexpert(tmp_path)
    table = root / "train.csv"
    text = table.read_text()
    table.write_text(text.replace("-1.0", "maybe", 1))
    with pytest.raises(ValueError, match="line 3.*maybe"):
        CheXpert(root)
    table.write_text(text.replace("Support Devices", "Devices"))
    with pytest.raises(ValueError, match="'Support Devices' is missing"):
        CheXpert(root)
    table.write_text(text.replace("patient00002/study2/view1", "view1"))
    with pytest.raises(ValueError, match="line 3: 'CheXpert.*no path"):
        CheXpert(root)
    table.write_text(text[:-40])
    with pytest.raises(ValueError, match="line 5: the line is incomplete"):
        CheXpert(root)


def test_labels_out_of_a_list_of_words_share_one_vocabulary(tmp_path):
    first, second = PadChest(padchest(tmp_path)).records[:2]
    assert first.labels.vocabulary is second.labels.vocabulary
    assert dict(first.labels) == first.labels and len(first.labels) == 3
    assert "hernia" not in first.labels and first.label("hernia") is N
    again = pickle.loads(pickle.dumps(first))
    assert again == first, "workers get records by mail"


def test_a_missing_table_is_called_by_its_name(tmp_path):
    root = jsrt(tmp_path)
    (root / "CNNDAT_EN.TXT").unlink()
    with pytest.raises(FileNotFoundError, match=r"no CNNDAT_EN\.txt"):
        Jsrt(root)


def test_missing_films_are_counted_not_hidden(tmp_path):
    root = chexpert(tmp_path)
    next(root.glob("train/patient00001/*/*.jpg")).unlink()
    films = CheXpert(root)
    assert len(films) == 4 and len(films.missing) == 1 and "patient00001" in films.missing[0]


def test_splits_by_patient_do_not_leak(tmp_path):
    films = CheXpert(chexpert(tmp_path))
    parts = split_by_patient(films, (0.5, 0.25, 0.25), seed=1)
    assert_no_leakage(*parts)
    assert sum(map(len, parts)) == len(films)
