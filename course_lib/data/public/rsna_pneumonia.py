"""The RSNA pneumonia challenge of 2018 in its published layout (films of ChestX-ray14 as DICOM).

    root/
        stage_2_train_labels.csv          patientId, x, y, width, height, Target: a line per box
        stage_2_detailed_class_info.csv   patientId, class: Normal, Lung Opacity, or neither
        stage_2_train_images/<patientId>.dcm

Source: Shih et al., Radiology: Artificial Intelligence 2019;1(1):e180041. What is called pneumonia
here is an opacity that radiologists found suspicious for it on the film alone.
"""

from collections import defaultdict
from pathlib import Path

from course_lib.data.item import Box, ImageRecord, Label
from course_lib.data.public.listed import ListedFilms, existing_folder, read_table, table_below

LABELS = "stage_2_train_labels.csv"
CLASSES = "stage_2_detailed_class_info.csv"
FINDING = "pneumonia"


class RsnaPneumonia(ListedFilms):
    """The challenge's training films on this computer, with boxes in pixels of the DICOM file.

    Labels: "pneumonia", and "normal" (absent in both for films that are neither: other diseases).

    Raises:
        FileNotFoundError: a folder, a table or every film is missing; says what to do.
        ValueError: a table is damaged; says which line.
    """

    def __init__(self, root: str | Path) -> None:
        folder = existing_folder(root, "the RSNA pneumonia challenge")
        target, boxes = _labels(table_below(folder, LABELS, "the RSNA pneumonia challenge"))
        classes = {
            row["patientId"]: row["class"].strip()
            for row in read_table(
                table_below(folder, CLASSES, "the challenge"), ("patientId", "class")
            )
        }
        records = (
            ImageRecord(
                patient_id=name,
                study_id=name,
                labels={
                    FINDING: Label.PRESENT if present else Label.ABSENT,
                    "normal": Label.PRESENT if classes.get(name) == "Normal" else Label.ABSENT,
                },
                boxes=tuple(boxes[name]),
                hospital="NIH Clinical Center",
                source=f"stage_2_train_images/{name}.dcm",
            )
            for name, present in target.items()
        )
        super().__init__(folder, records, "the RSNA pneumonia challenge")


def _labels(table: Path) -> tuple[dict[str, bool], dict[str, list[Box]]]:
    target: dict[str, bool] = {}
    boxes: dict[str, list[Box]] = defaultdict(list)
    needed = ("patientId", "x", "y", "width", "height", "Target")
    for number, row in enumerate(read_table(table, needed), start=2):
        name, present = row["patientId"], row["Target"].strip() == "1"
        target[name] = target.get(name, False) or present
        if not present:
            continue
        try:
            x, y, width, height = (float(row[key]) for key in needed[1:5])
        except ValueError:
            raise ValueError(f"{table}, line {number}: this is not x, y, width, height.") from None
        boxes[name].append(Box(FINDING, row=y, column=x, height=height, width=width))
    return target, boxes
