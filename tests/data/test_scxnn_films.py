"""Films, masks and classes of SCXNN: what is prepared, what moves together, who is what."""

import cv2
import numpy as np
import pytest
import torch

from course_lib.data.item import ImageItem, ImageRecord, Label
from course_lib.data.scxnn import (
    NORMAL,
    OTHERS,
    TARGET,
    UNKNOWN,
    DiseaseDataset,
    PreparedFilms,
    balanced_choice,
    class_of,
)
from course_lib.data.scxnn_augment import ScxnnAugmentation
from course_lib.data.scxnn_cohort import scaled_counts, split_hard, table_1, virtual_cohort
from course_lib.data.scxnn_films import dilate, lesion_picture, prepare_film, save_prepared
from course_lib.data.split import shared_patients
from course_lib.patient.risk import RISK_GROUP, THIRTEEN


def labels(**present):
    base = dict.fromkeys(THIRTEEN, Label.ABSENT)
    return base | {name: Label(value) for name, value in present.items()}


def square(disease, place, patient):
    """A dim noisy film with a bright square, which is also the disease's mask."""
    image = np.random.default_rng(patient).random((48, 48)).astype(np.float32) * 0.3
    mask = np.zeros((48, 48), dtype=bool)
    mask[place : place + 6, 20:26] = True
    image[mask] = 0.9
    return ImageItem(
        patient_id=f"p{patient}",
        labels=labels(**{disease: "present"}) if disease else labels(),
        image=image,
        masks={disease: mask} if disease else {},
    )


def few_films():
    names = ["nodule", "pneumothorax", None] * 10
    return [square(name, 4 + i, i) for i, name in enumerate(names)]


def test_table_1_adds_up_to_the_films_of_the_thesis():
    table = table_1()
    assert set(table) == {*THIRTEEN, "normal"}
    assert sum(hard for hard, _ in table.values()) == 6628
    assert sum(weak for name, (_, weak) in table.items() if name != "normal") == 18086
    assert 6628 + 18086 + table["normal"][1] == 34851


def test_risk_groups_are_those_of_the_table():
    import csv

    from course_lib.data.scxnn_cohort import TABLE_1

    with open(TABLE_1, encoding="utf-8") as file:
        groups = {row["disease"]: row["risk_group"] for row in csv.DictReader(file)}
    del groups["normal"]
    assert groups == RISK_GROUP


def test_a_scaled_table_keeps_the_proportions():
    counts = scaled_counts(0.1)
    assert counts["pneumothorax"] == (33, 167)
    assert counts["consolidation"] == (154, 0)
    assert sum(counts["normal"]) == pytest.approx(1014, abs=1)
    fewer = scaled_counts(0.01, fewest=30)
    assert min(hard for hard, _ in fewer.values()) == 30


def test_the_five_steps_one_by_one():
    """Percentiles, 0 to 255, zeros around, CLAHE, size: against OpenCV called step by step."""
    image = np.random.default_rng(0).normal(1000, 200, (60, 40)).astype(np.float32)
    low, high = np.percentile(image, [0.5, 99.5])
    whole = np.round(np.clip((image - low) / (high - low), 0, 1) * 255).astype(np.uint8)
    padded = np.pad(whole, ((0, 0), (10, 10)))
    assert np.array_equal(prepare_film(image, 60, "none"), padded)
    assert np.array_equal(prepare_film(image, 60, "histogram"), cv2.equalizeHist(padded))
    sixteen = np.round(padded.astype(np.float32) / 255 * 65535).astype(np.uint16)
    local = cv2.createCLAHE(2.0, (8, 8)).apply(sixteen).astype(np.float32) / 65535
    assert np.array_equal(prepare_film(image, 60), np.round(local * 255).astype(np.uint8))
    assert prepare_film(image, 32).shape == (32, 32)
    with pytest.raises(ValueError, match="clahe"):
        prepare_film(image, 60, "magic")


def test_a_film_that_is_brighter_or_flatter_looks_the_same_afterwards():
    image = np.random.default_rng(1).random((64, 64)).astype(np.float32)
    other = prepare_film(0.25 * image + 0.5, 64).astype(float)
    assert np.abs(prepare_film(image, 64) - other).mean() < 0.1, "more than single roundings differ"


def test_a_kept_film_is_an_8_bit_png(tmp_path):
    save_prepared(square("nodule", 10, 1), tmp_path / "film.png", size=128)
    kept = cv2.imread(str(tmp_path / "film.png"), cv2.IMREAD_UNCHANGED)
    assert kept.shape == (128, 128) and kept.dtype == np.uint8


def test_dilation_adds_a_margin_of_the_wanted_width():
    mask = np.zeros((100, 100), dtype=bool)
    mask[50, 50] = True
    grown = dilate(mask, 0.05)
    rows, columns = np.nonzero(grown)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (45, 55, 45, 55)
    assert not grown[45, 45], "a disc has no corners"
    assert np.array_equal(dilate(mask, 0.0), mask)
    with pytest.raises(ValueError, match="from 0 up"):
        dilate(mask, -0.1)


def test_the_lesion_picture_is_the_film_inside_and_nothing_outside():
    film = np.full((4, 4), 0.5, dtype=np.float32)
    mask = np.eye(4, dtype=bool)
    assert np.array_equal(lesion_picture(film, mask), 0.5 * np.eye(4, dtype=np.float32))


def test_class_of_a_film_depends_on_who_asks():
    record = ImageRecord(patient_id="a", labels=labels(nodule="present"))
    assert class_of(record, "nodule") == TARGET
    assert class_of(record, "pneumothorax") == OTHERS
    both = ImageRecord(patient_id="a", labels=labels(nodule="present", pneumothorax="present"))
    assert class_of(both, "nodule") == class_of(both, "pneumothorax") == TARGET
    assert class_of(ImageRecord(patient_id="b", labels=labels()), "nodule") == NORMAL


def test_what_is_not_known_is_never_called_normal():
    silent = ImageRecord(patient_id="a", labels={"nodule": Label.ABSENT})
    assert class_of(silent, "nodule") == UNKNOWN
    unsure = ImageRecord(patient_id="a", labels=labels(nodule="uncertain"))
    assert class_of(unsure, "nodule") == UNKNOWN
    assert class_of(unsure, "pneumothorax") == UNKNOWN


def test_a_balanced_choice_has_no_class_in_excess():
    classes = np.array([NORMAL] * 50 + [TARGET] * 5 + [OTHERS] * 80 + [UNKNOWN] * 9)
    chosen = classes[balanced_choice(classes, 20, seed=1)]
    assert np.bincount(chosen).tolist() == [20, 5, 20]
    two = classes[balanced_choice(classes, None, seed=1, num_classes=2)]
    assert np.bincount(two).tolist() == [50, 5]
    assert np.array_equal(
        balanced_choice(classes, 20, seed=1), balanced_choice(classes, 20, seed=1)
    )


def test_mask_and_film_move_together():
    films = PreparedFilms(few_films(), 48, "none")
    augment = ScxnnAugmentation(shift=0.2, rotate=20, gamma=0, detail=0, noise=0)
    data = DiseaseDataset(films, "nodule", range(30), "segmentation", 0.0, augment)
    data.set_epoch(3)
    for number in range(0, 30, 3):
        element = data[number]
        inside = element["lesion"] > 0
        if inside.any():
            assert element["image"][inside].mean() > 0.8
            assert element["image"][~inside].mean() < 0.3


def test_noise_and_gamma_leave_masks_alone_and_sharpening_sharpens():
    film = np.zeros((32, 32), dtype=np.float32)
    film[:, 16:] = 0.5
    sharp = ScxnnAugmentation(0, 0, 0, detail=1.0, noise=0)
    changes = [sharp.draw(np.random.default_rng(seed)) for seed in range(20)]
    for change in changes:
        edge = np.abs(np.diff(change.on_image(film)[16])).max()
        assert edge > 0.5 if change.detail > 0.01 else edge <= 0.5
    noisy = ScxnnAugmentation(0, 0, 0, 0, noise=0.1).draw(np.random.default_rng(5))
    grain = noisy.on_image(np.full((64, 64), 0.5, dtype=np.float32)).std()
    assert grain == pytest.approx(noisy.noise, rel=0.1)


def test_an_epoch_is_repeatable_and_another_epoch_differs():
    films = PreparedFilms(few_films(), 48)
    data = DiseaseDataset(films, "nodule", range(30), augment=ScxnnAugmentation(), seed=2)
    data.set_epoch(1)
    first, again = data[0]["image"], data[0]["image"]
    data.set_epoch(2)
    assert torch.equal(first, again) and not torch.equal(first, data[0]["image"])


def test_only_the_target_is_painted():
    films = PreparedFilms(few_films(), 48, "none")
    data = DiseaseDataset(films, "nodule", range(30), dilation=0.03)
    for element in (data[i] for i in range(30)):
        painted = element["lesion"] > 0
        assert painted.any() == (element["class"] == TARGET)
        assert torch.equal(element["lesion"][painted], element["image"][painted])


def test_class_weights_balance():
    films = PreparedFilms(few_films(), 48)
    data = DiseaseDataset(films, "nodule", [0, 1, 2, 4, 7, 10])
    counts = torch.bincount(torch.tensor(data.classes)).float()
    weighted = counts * data.class_weights()
    assert torch.allclose(weighted, weighted[0].expand(3))


def test_virtual_films_show_what_they_were_chosen_for(tmp_path):
    films = virtual_cohort(
        {"nodule": 5, "pneumoperitoneum": 5, "edema": 2, "normal": 4}, 7, 32, folder=tmp_path
    )
    records = films.records
    assert all(record.label("nodule") is Label.PRESENT for record in records[:5])
    assert all(record.label("edema") is Label.PRESENT for record in records[10:12])
    assert all(class_of(record, "nodule") == NORMAL for record in records[12:])
    assert films[0].masks["nodule"].shape == (32, 32)
    parts = split_hard(films, films)
    assert not shared_patients(parts.training, parts.validation, parts.test)
