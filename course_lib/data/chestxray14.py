"""ChestX-ray14 in the layout in which the NIH Clinical Center published it.

    root/
        Data_Entry_2017.csv (or Data_Entry_2017_v2020.csv)   one line per image
        BBox_List_2017.csv                                    984 boxes drawn by a radiologist
        train_val_list.txt, test_list.txt                     the official split, by patient
        images_001/images/00000001_000.png ... images_012/    112,120 PNG files, 1024 x 1024

Source: Wang et al. 2017, "ChestX-ray8", CVPR; datasets/README.md says how to obtain it.
"""

import csv
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from course_lib.data.findings import CHEXNET, canonical
from course_lib.data.item import Box, ImageItem, ImageRecord, Label
from course_lib.data.read import age_in_years, read_film

SIDE = 1024  # pixels of the published PNG files; boxes are given in these
OFFICIAL_LISTS = {"train": "train_val_list.txt", "test": "test_list.txt"}
NEEDED = ("Image Index", "Finding Labels", "Patient ID", "Patient Age", "Patient Gender")


@dataclass(frozen=True)
class Original:
    """Size of the radiograph before it became a PNG: rows, columns, and mm per pixel."""

    rows: float
    columns: float
    row_mm: float
    column_mm: float


class ChestXray14:
    """The images of ChestX-ray14 that are on this computer, in the order of the table.

    Labels were read out of reports by a program; its authors estimate that 90 of 100 are right. A
    finding that the table does not list was denied, uncertain, or never mentioned; the publishers
    do not say which. Published work counts it as absent, and so does `unlisted="absent"`.

    Args:
        root: folder that holds the tables and the image folders.
        split: None for all images, "train" or "test" for the official lists (split by patient).
        images: pattern of the image folders below root; they are searched recursively.
        entries: pattern of the table of labels.
        unlisted: "absent" or "not mentioned", for findings that the table does not list.

    Attributes:
        missing: names in the table (and the split) whose PNG file is not on this computer.

    Raises:
        FileNotFoundError: a folder or table is missing, or no image is found; says what to do.
        ValueError: a table is damaged; says which line.
    """

    def __init__(
        self,
        root: str | Path,
        split: str | None = None,
        *,
        images: str = "images*",
        entries: str = "Data_Entry_2017*.csv",
        unlisted: str = "absent",
    ) -> None:
        self.root = Path(root)
        if not self.root.is_dir():
            raise FileNotFoundError(
                f"{self.root} is not a folder; give the folder of the data set."
            )
        table = _only_match(self.root, entries)
        paths = _find_images(self.root, images)
        wanted = None if split is None else read_list(self.root, split)
        boxes = read_boxes(self.root)
        default = Label(unlisted)
        self.missing: list[str] = []
        self._records: list[ImageRecord] = []
        self._originals: list[Original | None] = []
        for row in read_entries(table):
            name = row["Image Index"]
            if wanted is not None and name not in wanted:
                continue
            if name not in paths:
                self.missing.append(name)
                continue
            self._records.append(_record(row, paths[name], tuple(boxes.get(name, ())), default))
            self._originals.append(_original(row))
        if not self._records:
            raise FileNotFoundError(
                f"None of the {len(self.missing)} images that {table.name} names is below "
                f"{self.root / images}; unpack the image archives there."
            )

    @property
    def records(self) -> Sequence[ImageRecord]:
        """What the tables say, boxes in pixels of the published 1024 x 1024 files."""
        return self._records

    def __len__(self) -> int:
        return len(self._records)

    def __getitem__(self, index: int) -> ImageItem:
        """Read one film. Boxes and spacing fit the pixels of the file as it is on this computer."""
        record, original = self._records[index], self._originals[index]
        film = read_film(record.source)
        height, width = film.image.shape
        boxes = tuple(_scaled(box, height / SIDE, width / SIDE) for box in record.boxes)
        known = {name: getattr(record, name) for name in ImageRecord.__dataclass_fields__}
        spacing = None
        if original is not None:
            # The whole radiograph was squeezed into a square: rows and columns differ in size.
            row_mm = original.row_mm * original.rows / height
            spacing = (row_mm, original.column_mm * original.columns / width)
        return ImageItem(**{**known, "boxes": boxes}, image=film.image, spacing_mm=spacing)


def read_entries(path: Path) -> Iterator[dict[str, str]]:
    """Rows of the table of labels as dicts; understands the header of 2017 and that of 2020.

    Both headers contain commas inside their names ("OriginalImage[Width,Height]"), so each of
    these names spreads over two columns.
    """
    with open(path, newline="", encoding="utf-8-sig") as file:
        reader = csv.reader(file)
        header = next(reader, [])
        absent = [name for name in NEEDED if name not in header]
        if absent:
            raise ValueError(
                f"{path}: the column {absent[0]!r} is missing; is this the right table?"
            )
        last = max(header.index(name) for name in NEEDED)
        for values in filter(None, reader):
            if len(values) <= last or not values[0].strip():
                raise ValueError(f"{path}, line {reader.line_num}: the line is incomplete.")
            yield dict(zip(header, values, strict=False))


def read_list(root: Path, split: str) -> set[str]:
    """Names of the images in the official "train" or "test" list."""
    if split not in OFFICIAL_LISTS:
        raise ValueError(f"split must be None, 'train' or 'test', not {split!r}.")
    path = root / OFFICIAL_LISTS[split]
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} is missing; download it with the data set, or use split=None and "
            "split_by_patient."
        )
    return set(path.read_text(encoding="utf-8-sig").split())


def read_boxes(root: Path) -> dict[str, list[Box]]:
    """Boxes per image name from BBox_List_2017.csv, in pixels of 1024 x 1024; none if no file."""
    boxes: dict[str, list[Box]] = {}
    for path in sorted(root.glob("BBox_List_2017*.csv"))[:1]:
        with open(path, newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file)
            next(reader, None)
            for values in filter(None, reader):
                try:
                    x, y, width, height = (float(value) for value in values[2:6])
                except ValueError:
                    line = reader.line_num
                    raise ValueError(f"{path}, line {line}: this is not x, y, w, h.") from None
                box = Box(canonical(values[1]), row=y, column=x, height=height, width=width)
                boxes.setdefault(values[0], []).append(box)
    return boxes


def _record(row: dict[str, str], path: str, boxes: tuple[Box, ...], default: Label) -> ImageRecord:
    listed = {canonical(name) for name in row["Finding Labels"].split("|")}
    if listed == {"no_finding"}:
        default = Label.ABSENT
    labels = {name: Label.PRESENT if name in listed else default for name in CHEXNET}
    unknown = listed - set(CHEXNET) - {"no_finding", ""}
    if unknown:
        raise ValueError(f"{row['Image Index']} has the unknown finding {sorted(unknown)[0]!r}.")
    patient = row["Patient ID"].strip()
    return ImageRecord(
        patient_id=patient,
        study_id=f"{patient}_{row.get('Follow-up #', '').strip()}",
        labels=labels,
        boxes=boxes,
        view=row.get("View Position", "").strip(),
        hospital="NIH Clinical Center",
        age=age_in_years(row["Patient Age"]),
        sex={"F": "F", "M": "M"}.get(row["Patient Gender"].strip()),
        source=path,
    )


def _original(row: dict[str, str]) -> Original | None:
    keys = ("Height]", "OriginalImage[Width", "y]", "OriginalImagePixelSpacing[x")
    try:
        numbers = [float(row[key]) for key in keys]
    except (KeyError, ValueError):
        return None
    return Original(*numbers) if min(numbers) > 0 else None


def _scaled(box: Box, down: float, across: float) -> Box:
    return replace(
        box,
        row=box.row * down,
        column=box.column * across,
        height=box.height * down,
        width=box.width * across,
    )


def _only_match(root: Path, pattern: str) -> Path:
    found = sorted(root.glob(pattern))
    if not found:
        raise FileNotFoundError(
            f"{root} holds no {pattern}; give the folder that holds the tables of ChestX-ray14."
        )
    return found[-1]  # if both are there: the corrected table of 2020


def _find_images(root: Path, pattern: str) -> dict[str, str]:
    """Path of every PNG file below the image folders, by its name."""
    folders = [path for path in sorted(root.glob(pattern)) if path.is_dir()]
    if not folders:
        raise FileNotFoundError(
            f"{root} holds no folder {pattern}; unpack the image archives of ChestX-ray14 there."
        )
    return {
        name: os.path.join(where, name)
        for folder in folders
        for where, _, names in os.walk(folder)
        for name in names
        if name.endswith(".png")
    }
