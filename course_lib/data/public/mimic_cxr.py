"""MIMIC-CXR-JPG (and MIMIC-CXR in DICOM) in PhysioNet's layout.

    root/
        mimic-cxr-2.0.0-metadata.csv.gz   one line per film: view, size, date
        mimic-cxr-2.0.0-chexpert.csv.gz   one line per study: 14 labels (also -negbio)
        mimic-cxr-2.0.0-split.csv.gz      train, validate or test, by patient
        files/p10/p10000032/s50414267/02aa804e-....jpg   (.dcm in MIMIC-CXR)

Labels belong to a study's report, so all films of a study share them. Version 2.1.0 carries tables
of the same layout with another number in their names. Source: Johnson et al., "MIMIC-CXR-JPG",
arXiv:1901.07042.
"""

from collections.abc import Iterator
from pathlib import Path

from course_lib.data.item import ImageRecord, Label
from course_lib.data.public.chexpert import COLUMNS, NO_FINDING, observations
from course_lib.data.public.listed import ListedFilms, existing_folder, read_table, table_below

STUDY = ("subject_id", "study_id")
LABELLERS = ("chexpert", "negbio")
SPLITS = (None, "train", "validate", "test")
Studies = dict[tuple[str, ...], dict[str, Label]]
LATERAL = ("LATERAL", "LL", "RL", "LAO", "RAO")


class MimicCxr(ListedFilms):
    """The films of MIMIC-CXR that are on this computer.

    Args:
        root: the folder that holds the three tables and files/.
        split: "train", "validate" or "test" as published (by patient), None for all.
        labeller: "chexpert" or "negbio", the two programs that read the reports.
        frontal_only: only films in PA or AP view.

    A study without a line in the table of labels has none: every finding is "not mentioned".

    Raises:
        FileNotFoundError: a folder, a table or every film is missing; says what to do.
        ValueError: a table is damaged, or an argument is unknown.
    """

    def __init__(
        self,
        root: str | Path,
        split: str | None = None,
        *,
        labeller: str = "chexpert",
        frontal_only: bool = False,
    ) -> None:
        if split not in SPLITS:
            raise ValueError(f"split must be one of {SPLITS}, not {split!r}.")
        if labeller not in LABELLERS:
            raise ValueError(f"labeller must be one of {LABELLERS}, not {labeller!r}.")
        folder = existing_folder(root, "MIMIC-CXR")
        tables = {
            kind: table_below(folder, f"mimic-cxr-*-{kind}.csv*", "MIMIC-CXR")
            for kind in ("metadata", labeller, *(["split"] if split else []))
        }
        wanted = _in_split(tables["split"], split) if split else None
        records = [
            record
            for name, record in _records(tables["metadata"], _labels(tables[labeller]), folder)
            if (wanted is None or name in wanted)
            and (record.view in ("PA", "AP") or not frontal_only)
        ]
        super().__init__(folder, records, "MIMIC-CXR")


def _labels(table: Path) -> Studies:
    """Labels of every study."""
    return {
        tuple(row[key] for key in STUDY): observations(row, f"{table}, line {number}")
        for number, row in enumerate(
            read_table(table, (*STUDY, NO_FINDING, *COLUMNS.values())), start=2
        )
    }


def _in_split(table: Path, split: str) -> set[str]:
    rows = read_table(table, ("dicom_id", "split"))
    return {row["dicom_id"] for row in rows if row["split"].strip() == split}


def _records(table: Path, labels: Studies, root: Path) -> Iterator[tuple[str, ImageRecord]]:
    # The first film found decides; looking for one kind only could mean a walk through 377,110.
    first = next(root.glob("files/p*/p*/s*/*.[dj][cp][mg]"), None)
    ending = first.suffix if first else ".jpg"
    for row in read_table(table, ("dicom_id", *STUDY, "ViewPosition")):
        patient, study = row["subject_id"], row["study_id"]
        view = row["ViewPosition"].strip()
        yield (
            row["dicom_id"],
            ImageRecord(
                patient_id=patient,
                study_id=study,
                labels=labels.get((patient, study), {}),
                view="LAT" if view in LATERAL else view,
                hospital="Beth Israel Deaconess Medical Center",
                source=f"files/p{patient[:2]}/p{patient}/s{study}/{row['dicom_id']}{ending}",
            ),
        )
