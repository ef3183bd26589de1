"""The sets with a layout all their own: VinDr-CXR, RSNA pneumonia, Open-i, JSRT."""

from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

import numpy as np

from course_lib.data.imitation.files import boxes_of, write_dicom, write_picture, write_table
from course_lib.data.imitation.readers import Film, in_words, named
from course_lib.data.item import Label
from course_lib.data.preprocess import resize
from course_lib.data.public.jsrt import PIXEL_MM, SIDE, WHITEST

# The 28 labels in the order of their columns.
VINDR_HEAD = [
    "Aortic enlargement", "Atelectasis", "Calcification", "Cardiomegaly", "Clavicle fracture",
    "Consolidation", "Edema", "Emphysema", "Enlarged PA", "ILD", "Infiltration", "Lung Opacity",
    "Lung cavity", "Lung cyst", "Mediastinal shift", "Nodule/Mass", "Pleural effusion",
    "Pleural thickening", "Pneumothorax", "Pulmonary fibrosis", "Rib fracture", "Other lesion",
    "COPD", "Lung tumor", "Pneumonia", "Tuberculosis", "Other diseases", "No finding",
]  # fmt: skip
HANOI = {
    "atelectasis": "Atelectasis", "cardiomegaly": "Cardiomegaly", "consolidation": "Consolidation",
    "edema": "Edema", "emphysema": "Emphysema", "interstitial_opacity": "ILD",
    "infiltration": "Infiltration", "nodule": "Nodule/Mass", "mass": "Nodule/Mass",
    "pleural_effusion": "Pleural effusion", "pleural_thickening": "Pleural thickening",
    "pneumothorax": "Pneumothorax", "fibrosis": "Pulmonary fibrosis",
    "rib_fracture": "Rib fracture", "pneumonia": "Pneumonia", "hernia": "Other diseases",
    "active_tuberculosis": "Tuberculosis", "advanced_tuberculosis": "Tuberculosis",
}  # fmt: skip
INDIANA = {
    "atelectasis": "Pulmonary Atelectasis/base", "cardiomegaly": "Cardiomegaly/mild",
    "consolidation": "Consolidation/lung", "edema": "Pulmonary Edema",
    "pleural_effusion": "Pleural Effusion/small", "emphysema": "Pulmonary Emphysema",
    "fibrosis": "Pulmonary Fibrosis", "hernia": "Hernia, Hiatal", "infiltration": "Infiltrate/lung",
    "mass": "Mass/lung", "nodule": "Nodule/lung", "pleural_thickening": "Thickening/pleura/apex",
    "pneumonia": "Pneumonia", "pneumothorax": "Pneumothorax",
    "rib_fracture": "Fractures, Bone/ribs",
    "support_device": "Implanted Medical Device",
}  # fmt: skip
SUSPICIOUS = (
    "pneumonia",
    "consolidation",
    "infiltration",
)  # the opacities that the RSNA's boxes mark
REPORT = """<?xml version="1.0" encoding="utf-8"?>
<eCitation><uId id={study}/><MedlineCitation><Article><Abstract>
<AbstractText Label="FINDINGS">Virtual film.</AbstractText></Abstract></Article></MedlineCitation>
<MeSH>{headings}</MeSH><parentImage id={image}/></eCitation>
"""


def vindr_cxr(root: Path, films: Sequence[Film]) -> None:
    """Three of seventeen radiologists for each training film, a consensus for the last fifth."""
    last = len(films) - len(films) // 5
    labels: dict[str, list] = {"train": [], "test": []}
    boxes: dict[str, list] = {"train": [], "test": []}
    for film in films:
        part = "train" if film.number < last else "test"
        name = f"{film.number:032x}"
        write_dicom(root / part / f"{name}.dicom", film)
        for reader in film.rng(98).permutation(17)[:3] + 1 if part == "train" else [0]:
            said = film.read(int(reader)) if reader else film.truth
            who = [name, f"R{reader}"] if reader else [name]
            words = named(said, HANOI) or ["No finding"]
            labels[part].append([*who, *(int(word in words) for word in VINDR_HEAD)])
            boxes[part] += [[*who, *box] for box in _vindr_boxes(film, said)]
    for part, extra in (("train", ["rad_id"]), ("test", [])):
        other = [w if part == "train" else w.replace("diseases", "disease") for w in VINDR_HEAD]
        head = ["image_id", *extra]
        corners = ("class_name", "x_min", "y_min", "x_max", "y_max")
        tables = root / "annotations"
        write_table(tables / f"image_labels_{part}.csv", [*head, *other], labels[part])
        write_table(tables / f"annotations_{part}.csv", [*head, *corners], boxes[part])


def rsna_pneumonia(root: Path, films: Sequence[Film]) -> None:
    """Boxes of the opacities that could be pneumonia, and three classes."""
    lines: list[list[object]] = []
    classes = []
    for film in films:
        name = f"{film.number:08x}-0000-0000-0000-000000000000"
        write_dicom(root / "stage_2_train_images" / f"{name}.dcm", film)
        said = film.read()
        seen = [f for f in SUSPICIOUS if said.get(f) is Label.PRESENT]
        boxes = [box for finding in seen for box in boxes_of(film, finding)]
        normal = Label.PRESENT not in (v for k, v in film.truth.items() if k != "support_device")
        other = "Normal" if normal else "No Lung Opacity / Not Normal"
        lines += [[name, b.column, b.row, b.width, b.height, 1] for b in boxes]
        lines += [] if boxes else [[name, "", "", "", "", 0]]
        classes += [[name, "Lung Opacity" if boxes else other]] * max(1, len(boxes))
    head = ("patientId", "x", "y", "width", "height", "Target")
    write_table(root / "stage_2_train_labels.csv", head, lines)
    write_table(root / "stage_2_detailed_class_info.csv", ("patientId", "class"), classes)


def open_i(root: Path, films: Sequence[Film]) -> None:
    """One report in XML per film, with headings of people ("major") and of a program."""
    reports = root / "ecgen-radiology"
    reports.mkdir()
    for film in films:
        study = f"CXR{film.number + 1}"
        image = f"{study}_IM-0001-1001"
        write_picture(root / "NLMCXR_png" / f"{image}.png", film.item.image)
        people, program = named(film.read(1), INDIANA) or ["normal"], named(film.read(2), INDIANA)
        headings = "".join(f"<major>{escape(word)}</major>" for word in people)
        headings += "".join(
            f"<automatic>{escape(word.split('/')[0])}</automatic>" for word in program
        )
        text = REPORT.format(study=quoteattr(study), image=quoteattr(image), headings=headings)
        (reports / f"{film.number + 1}.xml").write_text(text, encoding="utf-8")


def jsrt(root: Path, films: Sequence[Film]) -> None:
    """Films with one nodule and films without, 2048 x 2048 without a header, white is 0."""
    with_nodule: list[list[object]] = []
    without: list[list[object]] = []
    for film in films:
        ill = film.truth.get("nodule") is Label.PRESENT
        number = 1 + len(with_nodule if ill else without)
        name = f"JPC{'LN' if ill else 'NN'}{number:03d}.IMG"
        _write_img(root / ("Nodule154images" if ill else "NonNodule93images") / name, film)
        sex = "female" if film.sex == "F" else "male"
        if ill:
            box = max(boxes_of(film, "nodule", SIDE), key=lambda b: b.width * b.height)
            size = (box.width + box.height) / 2 * PIXEL_MM
            subtlety = 1 + min(4, int(size / 8))  # the imagined reader sees large ones easily
            x, y = round(box.column + box.width / 2), round(box.row + box.height / 2)
            place = "l.lung" if x > SIDE / 2 else "r.lung"
            with_nodule.append(
                [name, subtlety, round(size), film.age, sex, x, y, "malignant", place, "virtual"]
            )
        else:
            without.append([name, film.age, sex, "non-nodule"])
    write_table(root / "CLNDAT_EN.txt", (), with_nodule, "\t")
    write_table(root / "CNNDAT_EN.txt", (), without, "\t")


def _vindr_boxes(film: Film, said: dict[str, Label]) -> list[list[object]]:
    """A box around each finding that is said and there; a line without corners if nothing is."""
    lines: list[list[object]] = []
    for finding, word in HANOI.items():
        if in_words(said, {finding: word})[word] is Label.PRESENT:
            for b in boxes_of(film, finding):
                lines.append([word, b.column, b.row, b.column + b.width, b.row + b.height])
    return lines or [["No finding", "", "", "", ""]]


def _write_img(path: Path, film: Film) -> None:
    path.parent.mkdir(exist_ok=True)
    large = resize(film.item.image, SIDE)
    np.round((1 - np.clip(large, 0, 1)) * WHITEST).astype(">u2").tofile(path)
