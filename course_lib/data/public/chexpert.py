"""CheXpert in the layout in which Stanford's AIMI centre publishes it.

    root/                      (CheXpert-v1.0 or CheXpert-v1.0-small)
        train.csv, valid.csv   one line per film: Path, Sex, Age, Frontal/Lateral, AP/PA, 14 labels
        train/patient00001/study1/view1_frontal.jpg ...

Each label is 1 (present), 0 (absent), -1 (uncertain) or empty (not mentioned); those of train.csv
were read from the reports by a program, those of valid.csv are the majority of three radiologists.
Source: Irvin et al., "CheXpert", AAAI 2019, arXiv:1901.07031.
"""

from collections.abc import Iterator
from pathlib import Path

from course_lib.data.findings import canonical
from course_lib.data.item import ImageRecord, Label
from course_lib.data.public.listed import (
    ListedFilms,
    coded_labels,
    existing_folder,
    read_table,
    sex_of,
    table_below,
)
from course_lib.data.read import age_in_years

NO_FINDING = "No Finding"
OBSERVATIONS = (
    "Enlarged Cardiomediastinum", "Cardiomegaly", "Lung Opacity", "Lung Lesion", "Edema",
    "Consolidation", "Pneumonia", "Atelectasis", "Pneumothorax", "Pleural Effusion",
    "Pleural Other", "Fracture", "Support Devices",
)  # fmt: skip
COLUMNS = {canonical(name): name for name in OBSERVATIONS}
NEEDED = ("Path", "Sex", "Age", "Frontal/Lateral", "AP/PA", NO_FINDING, *OBSERVATIONS)


class CheXpert(ListedFilms):
    """The films of CheXpert that are on this computer.

    Args:
        root: the folder that holds train.csv and valid.csv.
        split: "train" or "valid", the publishers' own (no patient is in both); None for all.
        frontal_only: leave lateral films out.

    Raises:
        FileNotFoundError: a folder, a table or every film is missing; says what to do.
        ValueError: a table is damaged; says which line.
    """

    def __init__(
        self, root: str | Path, split: str | None = None, *, frontal_only: bool = False
    ) -> None:
        if split not in (None, "train", "valid"):
            raise ValueError(f"split must be None, 'train' or 'valid', not {split!r}.")
        folder = existing_folder(root, "CheXpert")
        records = [
            record
            for part in ((split,) if split else ("train", "valid"))
            for record in _records(table_below(folder, f"{part}.csv", "CheXpert"))
            if record.view != "LAT" or not frontal_only
        ]
        super().__init__(folder, records, "CheXpert")


def _records(table: Path) -> Iterator[ImageRecord]:
    for number, row in enumerate(read_table(table, NEEDED), start=2):
        # The paths begin with the data set's own folder, which may have another name here.
        path = row["Path"].split("/", 1)[-1]
        if path.count("/") < 3:
            raise ValueError(f"{table}, line {number}: {row['Path']!r} is no path of CheXpert.")
        patient, study = path.split("/")[1:3]
        frontal = row["Frontal/Lateral"].strip() == "Frontal"
        yield ImageRecord(
            patient_id=patient,
            study_id=f"{patient}/{study}",
            labels=observations(row, f"{table}, line {number}"),
            view=row["AP/PA"].strip() if frontal else "LAT",
            hospital="Stanford Hospital",
            age=age_in_years(row["Age"]),
            sex=sex_of(row["Sex"]),
            source=path,
        )


def observations(row: dict[str, str], where: str) -> dict[str, Label]:
    """The thirteen observations of a row; "No Finding" denies those that it does not mention.

    Support devices are no finding in this sense: a film with a pacemaker can be "No Finding".
    """
    labels = coded_labels(row, COLUMNS, where)
    if row.get(NO_FINDING, "").strip() in ("1", "1.0"):
        for name, label in labels.items():
            if label is Label.NOT_MENTIONED and name != "support_device":
                labels[name] = Label.ABSENT
    return labels
