"""VinDr-CXR in PhysioNet's layout.

    root/
        annotations/image_labels_train.csv   image_id, rad_id and 28 labels: three lines per film
        annotations/image_labels_test.csv    the consensus of five radiologists: one line per film
        annotations/annotations_train.csv    image_id, rad_id, class_name and the corners of a box
        annotations/annotations_test.csv     (x_min, y_min, x_max, y_max)
        train/<image_id>.dicom, test/<image_id>.dicom

Source: Nguyen et al., "VinDr-CXR", Scientific Data 2022;9:429. Patients are not told apart: every
film counts as a patient.
"""

from collections import Counter, defaultdict
from pathlib import Path

from course_lib.data.findings import canonical
from course_lib.data.item import Box, ImageRecord, Label
from course_lib.data.public.listed import ListedFilms, existing_folder, read_table, table_below

CORNERS = ("x_min", "y_min", "x_max", "y_max")
NO_FINDING = "no_finding"
# The two tables of labels do not write this one the same way.
SAME = {"other_disease": "other_diseases"}


class VinDrCxr(ListedFilms):
    """The films of VinDr-CXR that are on this computer, with boxes in pixels of the DICOM file.

    Args:
        root: the folder that holds annotations/, train/ and test/.
        split: "train" or "test" as published.
        votes: how many of a training film's three radiologists must have named a finding for it to
            be present: 1 (any), 2 (majority) or 3 (all). Fewer, but not none: uncertain. Test
            films carry a consensus and need one vote.

    Raises:
        FileNotFoundError: a folder, a table or every film is missing; says what to do.
        ValueError: a table is damaged, or an argument is impossible.
    """

    def __init__(self, root: str | Path, split: str = "train", *, votes: int = 2) -> None:
        if split not in ("train", "test"):
            raise ValueError(f"split must be 'train' or 'test', not {split!r}.")
        if votes not in (1, 2, 3):
            raise ValueError(f"votes must be 1, 2 or 3, not {votes}.")
        folder = existing_folder(root, "VinDr-CXR")
        tables = folder / "annotations"
        counts = _votes(table_below(tables, f"image_labels_{split}.csv", "VinDr-CXR"))
        boxes = _boxes(table_below(tables, f"annotations_{split}.csv", "VinDr-CXR"))
        needed = votes if split == "train" else 1
        records = (
            ImageRecord(
                patient_id=name,
                study_id=name,
                labels={
                    finding: _label(count, needed)
                    for finding, count in counted.items()
                    if finding != NO_FINDING
                },
                boxes=tuple(boxes.get(name, ())),
                view="PA",
                hospital="Hospital 108 and Hanoi Medical University Hospital",
                source=f"{split}/{name}.dicom",
            )
            for name, counted in counts.items()
        )
        super().__init__(folder, records, "VinDr-CXR")


def _label(count: int, needed: int) -> Label:
    if count >= needed:
        return Label.PRESENT
    return Label.UNCERTAIN if count else Label.ABSENT


def _votes(table: Path) -> dict[str, Counter[str]]:
    """How many radiologists named each finding, film by film."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for number, row in enumerate(read_table(table, ("image_id",)), start=2):
        for column, text in row.items():
            if column in ("image_id", "rad_id"):
                continue
            try:
                vote = int(float(text or 0))
            except ValueError:
                raise ValueError(
                    f"{table}, line {number}: {column} holds {text!r}, not 0 or 1."
                ) from None
            name = canonical(column)
            counts[row["image_id"]][SAME.get(name, name)] += vote
    return counts


def _boxes(table: Path) -> dict[str, list[Box]]:
    """The boxes of every film, of all its radiologists."""
    boxes: dict[str, list[Box]] = defaultdict(list)
    for number, row in enumerate(read_table(table, ("image_id", "class_name", *CORNERS)), start=2):
        finding = canonical(row["class_name"])
        if finding == NO_FINDING or not row["x_min"].strip():
            continue
        try:
            left, top, right, bottom = (float(row[name]) for name in CORNERS)
        except ValueError:
            raise ValueError(f"{table}, line {number}: these are no four corners.") from None
        boxes[row["image_id"]].append(Box(finding, top, left, bottom - top, right - left))
    return boxes
