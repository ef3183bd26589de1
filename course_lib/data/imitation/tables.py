"""The sets of pictures with tables of labels: CheXpert, MIMIC-CXR, ChestX-ray14, PadChest."""

from collections.abc import Sequence
from pathlib import Path

from course_lib.data.imitation.files import boxes_of, write_picture, write_table
from course_lib.data.imitation.readers import Film, in_words, named
from course_lib.data.item import Label
from course_lib.data.public.chexpert import OBSERVATIONS

STANFORD = {
    "mediastinal_widening": "Enlarged Cardiomediastinum", "cardiomegaly": "Cardiomegaly",
    "infiltration": "Lung Opacity", "interstitial_opacity": "Lung Opacity",
    "active_tuberculosis": "Lung Opacity", "nodule": "Lung Lesion", "mass": "Lung Lesion",
    "edema": "Edema", "consolidation": "Consolidation", "pneumonia": "Pneumonia",
    "atelectasis": "Atelectasis", "pneumothorax": "Pneumothorax",
    "pleural_effusion": "Pleural Effusion", "pleural_thickening": "Pleural Other",
    "pleural_calcification": "Pleural Other", "rib_fracture": "Fracture",
    "support_device": "Support Devices",
}  # fmt: skip
NIH = {
    "atelectasis": "Atelectasis", "cardiomegaly": "Cardiomegaly", "consolidation": "Consolidation",
    "edema": "Edema", "pleural_effusion": "Effusion", "emphysema": "Emphysema",
    "fibrosis": "Fibrosis", "hernia": "Hernia", "infiltration": "Infiltration", "mass": "Mass",
    "nodule": "Nodule", "pleural_thickening": "Pleural_Thickening", "pneumonia": "Pneumonia",
    "pneumothorax": "Pneumothorax",
}  # fmt: skip
VALENCIA = {
    "atelectasis": "atelectasis", "cardiomegaly": "cardiomegaly", "consolidation": "consolidation",
    "edema": "pulmonary edema", "pleural_effusion": "pleural effusion", "emphysema": "emphysema",
    "fibrosis": "pulmonary fibrosis", "hernia": "hiatal hernia", "infiltration": "infiltrates",
    "mass": "pulmonary mass", "nodule": "nodule", "pleural_thickening": "pleural thickening",
    "pneumonia": "pneumonia", "pneumothorax": "pneumothorax",
    "interstitial_opacity": "interstitial pattern", "rib_fracture": "rib fracture",
    "support_device": "pacemaker", "mediastinal_widening": "mediastinal enlargement",
}  # fmt: skip
CODES = {Label.PRESENT: "1.0", Label.ABSENT: "0.0", Label.UNCERTAIN: "-1.0"}
NIH_HEAD = [
    "Image Index", "Finding Labels", "Follow-up #", "Patient ID", "Patient Age", "Patient Gender",
    "View Position", "OriginalImage[Width", "Height]", "OriginalImagePixelSpacing[x", "y]", "",
]  # fmt: skip
# The columns that the course reads, and some of the others.
PADCHEST_HEAD = [
    "", "ImageID", "ImageDir", "StudyDate_DICOM", "StudyID", "PatientID", "PatientBirth",
    "PatientSex_DICOM", "ViewPosition_DICOM", "Projection", "MethodProjection", "Pediatric",
    "ReportID", "Report", "MethodLabel", "Labels",
]  # fmt: skip
FIRST_PATIENT = 10_000_032


def chexpert(root: Path, films: Sequence[Film]) -> None:
    """train.csv by a program, valid.csv (the last fifth) by the majority of three radiologists."""
    facts = ("Path", "Sex", "Age", "Frontal/Lateral", "AP/PA", "No Finding", *OBSERVATIONS)
    rows: dict[str, list[list[str]]] = {"train": [], "valid": []}
    last = len(films) - len(films) // 5
    for film in films:
        part = "train" if film.number < last else "valid"
        path = f"{part}/patient{film.number + 1:05d}/study1/view1_frontal.jpg"
        write_picture(root / path, film.item.image)
        said = in_words(film.read(), STANFORD) if part == "train" else _majority(film)
        codes = [CODES.get(said[name], "") for name in OBSERVATIONS]
        sex = "Female" if film.sex == "F" else "Male"
        who = [f"CheXpert-v1.0-small/{path}", sex, str(film.age), "Frontal", film.item.view]
        rows[part].append([*who, _nothing(said), *codes])
    for part, lines in rows.items():
        write_table(root / f"{part}.csv", facts, lines)


def mimic_cxr(root: Path, films: Sequence[Film]) -> None:
    """Three packed tables; a study per film."""
    names = sorted((*OBSERVATIONS, "No Finding"))
    labels, meta, split = [], [], []
    for film in films:
        patient, study = str(FIRST_PATIENT + film.number), str(50_000_000 + film.number)
        dicom_id = f"{film.number:08x}-0000-0000-0000-000000000000"
        folder = root / "files" / f"p{patient[:2]}" / f"p{patient}" / f"s{study}"
        write_picture(folder / f"{dicom_id}.jpg", film.item.image)
        said = in_words(film.read(), STANFORD)
        codes = {name: CODES.get(said[name], "") for name in OBSERVATIONS}
        codes["No Finding"] = _nothing(said)
        labels.append([patient, study, *(codes[name] for name in names)])
        meta.append([dicom_id, patient, study, film.item.view, *film.item.image.shape])
        split.append([dicom_id, study, patient, "test" if film.number % 10 == 9 else "train"])
    heads = {
        "chexpert": (("subject_id", "study_id", *names), labels),
        "metadata": (
            ("dicom_id", "subject_id", "study_id", "ViewPosition", "Rows", "Columns"),
            meta,
        ),
        "split": (("dicom_id", "study_id", "subject_id", "split"), split),
    }
    for kind, (head, lines) in heads.items():
        write_table(root / f"mimic-cxr-2.0.0-{kind}.csv.gz", head, lines)


def chestxray14(root: Path, films: Sequence[Film]) -> None:
    """One table with what a program found, the official lists, a radiologist's boxes."""
    rows, boxes = [], []
    lists: dict[str, list[str]] = {"train_val_list.txt": [], "test_list.txt": []}
    for film in films:
        name = f"{film.number + 1:08d}_000.png"
        write_picture(root / "images_001" / "images" / name, film.item.image)
        found = named(film.read(), NIH)
        size = [*film.item.image.shape[::-1], *(film.item.spacing_mm or (1.0, 1.0))]
        who = [0, film.number + 1, film.age, film.sex, film.item.view]
        rows.append([name, "|".join(found) or "No Finding", *who, *size, ""])
        lists["test_list.txt" if film.number % 5 == 4 else "train_val_list.txt"].append(name)
        boxes += [
            [name, word.replace("Infiltration", "Infiltrate"), b.column, b.row, b.width, b.height]
            for finding, word in NIH.items()
            if word in found
            for b in boxes_of(film, finding, side=1024)
        ]
    write_table(root / "Data_Entry_2017_v2020.csv", NIH_HEAD, rows)
    write_table(
        root / "BBox_List_2017.csv",
        ("Image Index", "Finding Label", "Bbox [x", "y", "w", "h]"),
        boxes,
    )
    for name, films_in in lists.items():
        (root / name).write_text("\n".join(films_in) + "\n", encoding="utf-8")


def padchest(root: Path, films: Sequence[Film]) -> None:
    """Lists of words; 12 bits in 16-bit PNG files; physicians labelled about one report in four."""
    rows = []
    for film in films:
        name = f"{film.number:06d}.png"
        write_picture(root / "0" / name, film.item.image, bits=12)
        chance = film.rng(99).random(3)
        words = named(film.read(), VALENCIA) or ["normal"]
        if chance[0] < 0.5:  # the radiologists of Valencia say which kind they mean
            words = [word.replace("atelectasis", "laminar atelectasis") for word in words]
        if chance[1] < 0.1:
            words = [*(word for word in words if word != "normal"), "unchanged"]
        cells: dict[str, object] = {
            "": film.number, "ImageID": name, "ImageDir": 0, "StudyDate_DICOM": "20150601",
            "StudyID": f"S{film.number}", "PatientID": f"P{film.number}",
            "PatientBirth": 2015 - film.age, "PatientSex_DICOM": film.sex,
            "Projection": film.item.view, "Labels": str(words),
            "MethodLabel": "Physician" if chance[2] < 0.27 else "RNN_model",
        }  # fmt: skip
        rows.append([cells.get(column, "") for column in PADCHEST_HEAD])
    write_table(root / "PADCHEST_chest_x_ray_images_labels_160K_01.02.19.csv", PADCHEST_HEAD, rows)


def _nothing(said: dict[str, Label]) -> str:
    """CheXpert's "No Finding": 1.0 if nothing is present or possible, apart from devices."""
    names = [name for name in OBSERVATIONS if name != "Support Devices"]
    return "" if any(said[n] in (Label.PRESENT, Label.UNCERTAIN) for n in names) else "1.0"


def _majority(film: Film) -> dict[str, Label]:
    votes = [in_words(film.read(reader), STANFORD) for reader in (1, 2, 3)]
    many = {name: sum(vote[name] is Label.PRESENT for vote in votes) for name in OBSERVATIONS}
    return {name: Label.PRESENT if count >= 2 else Label.ABSENT for name, count in many.items()}
