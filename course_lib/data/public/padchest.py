"""PadChest in the layout of BIMCV, Valencia.

    root/
        PADCHEST_chest_x_ray_images_labels_160K_01.02.19.csv (or .csv.gz)
        0/ ... 54/   16-bit PNG files, named in the columns ImageDir and ImageID

Labels are a list of words from a tree of 174 findings, 19 diagnoses and 104 places, for example
"['pleural effusion', 'cardiomegaly']"; 27 of 100 reports were labelled by physicians (column
MethodLabel), the others by a network that learned from them. A word that is not listed counts as
absent, as in all published work; but where the report says "unchanged" or "suboptimal study", what
is not listed is not known. Source: Bustos et al., Medical Image Analysis 2020,
arXiv:1901.07441.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

from course_lib.data.findings import canonical
from course_lib.data.item import ImageRecord, Label
from course_lib.data.public.listed import (
    ListedFilms,
    ListedLabels,
    existing_folder,
    read_table,
    sex_of,
    table_below,
)

TABLE = "PADCHEST_chest_x_ray_images_labels_160K*.csv*"
NEEDED = ("ImageID", "ImageDir", "StudyDate_DICOM", "StudyID", "PatientID", "PatientBirth",
          "PatientSex_DICOM", "Projection", "MethodLabel", "Labels")  # fmt: skip
VIEWS = {"PA": "PA", "AP": "AP", "AP_horizontal": "AP", "L": "LAT"}
# Not findings: what a radiologist says when there is nothing to say, or when he cannot.
NO_FINDINGS = {"normal", "unchanged", "exclude", "suboptimal study", ""}
# Reports that point to an earlier one, or that could not see enough: their silence denies nothing.
SILENT = {"unchanged", "suboptimal study"}


class PadChest(ListedFilms):
    """The films of PadChest that are on this computer.

    Args:
        root: the folder that holds the table and the folders 0 to 54.
        by_physicians: only films whose report a physician labelled.
        frontal_only: leave lateral and other projections out.

    Films whose table says "exclude", or gives no labels at all, are left out.

    Raises:
        FileNotFoundError: a folder, the table or every film is missing; says what to do.
        ValueError: the table is damaged; says which line.
    """

    def __init__(
        self, root: str | Path, *, by_physicians: bool = False, frontal_only: bool = False
    ) -> None:
        folder = existing_folder(root, "PadChest")
        rows = [
            (row, words)
            for row, words in _rows(table_below(folder, TABLE, "PadChest"))
            if (not by_physicians or row["MethodLabel"].strip() == "Physician")
            and (not frontal_only or VIEWS.get(row["Projection"].strip()) in ("PA", "AP"))
        ]
        findings = dict.fromkeys(canonical(word) for _, words in rows for word in words)
        findings = dict.fromkeys(
            name for name in findings if name not in map(canonical, NO_FINDINGS)
        )
        super().__init__(folder, (_record(row, words, findings) for row, words in rows), "PadChest")


def _rows(table: Path) -> Iterator[tuple[dict[str, str], list[str]]]:
    """Rows with their words."""
    for number, row in enumerate(read_table(table, NEEDED), start=2):
        words = words_of(row["Labels"], f"{table}, line {number}")
        if words and "exclude" not in words:
            yield row, words


def words_of(text: str, where: str) -> list[str]:
    """The words of one cell, "['normal', 'scoliosis ']" -> ["normal", "scoliosis"]; [] if empty.

    The list is read as data, not run as code. Raises ValueError when it is no list of words.
    """
    if not text.strip() or text.strip() == "nan":
        return []
    try:
        words = ast.literal_eval(text)
        return [word.strip().lower() for word in words if word.strip()]
    except (ValueError, SyntaxError, AttributeError, TypeError):
        raise ValueError(f"{where}: the labels {text[:40]!r} are no list of words.") from None


def _record(row: dict[str, str], words: list[str], findings: dict[str, None]) -> ImageRecord:
    silence = Label.NOT_MENTIONED if SILENT & set(words) else Label.ABSENT
    labels = ListedLabels(findings, map(canonical, words), silence)
    return ImageRecord(
        patient_id=row["PatientID"].strip(),
        study_id=row["StudyID"].strip(),
        labels=labels,
        view=VIEWS.get(row["Projection"].strip(), row["Projection"].strip()),
        hospital="San Juan Hospital, Alicante",
        age=_age(row),
        sex=sex_of(row["PatientSex_DICOM"]),
        source=f"{row['ImageDir'].strip()}/{row['ImageID'].strip()}",
    )


def _age(row: dict[str, str]) -> float | None:
    """Years between birth and the film; only the year of birth is published."""
    try:
        age = int(row["StudyDate_DICOM"][:4]) - int(float(row["PatientBirth"]))
    except ValueError:
        return None
    return float(age) if 0 <= age <= 120 else None
