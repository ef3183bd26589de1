"""The JSRT data base of 1998: 247 digitised films, 154 of them with one lung nodule.

    root/
        CLNDAT_EN.txt     film, subtlety, size (mm), age, sex, x, y, malignant?, place, diagnosis
        CNNDAT_EN.txt     films without a nodule: film, age, sex, diagnosis
        Nodule154images/JPCLN001.IMG ...   NonNodule93images/JPCNN001.IMG ...

The tables are separated by tabs. An .IMG file is 2048 x 2048 big-endian 16-bit numbers without a
header, 12 bits used, 0.175 mm apart; the largest number is black. Source: Shiraishi et al., AJR
2000;174:71.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from course_lib.data.item import Box, ImageItem, ImageRecord, Label
from course_lib.data.public.listed import ListedFilms, existing_folder, sex_of, table_below
from course_lib.data.read import age_in_years
from course_lib.dicom.errors import UnreadableFile

SIDE, PIXEL_MM, WHITEST = 2048, 0.175, 4095


@dataclass(frozen=True)
class Nodule:
    """What CLNDAT_EN.txt says of a nodule: subtlety 1 (extremely subtle) to 5 (obvious)."""

    subtlety: int
    size_mm: float
    malignant: bool
    place: str
    diagnosis: str


class Jsrt(ListedFilms):
    """The films of the JSRT data base that are on this computer.

    A nodule's box is the square of its size around its centre. `nodules` maps a film's name
    ("JPCLN001") to what else is known.

    Raises:
        FileNotFoundError: the folder, a table or every film is missing; says what to do.
        ValueError: a table is damaged; says which line.
    """

    def __init__(self, root: str | Path) -> None:
        folder = existing_folder(root, "the JSRT data base")
        films = {path.name.upper(): str(path.relative_to(folder)) for path in _films(folder)}
        self.nodules: dict[str, Nodule] = {}
        records = [
            *_with_nodule(_table(folder, "CLN"), films, self.nodules),
            *_without_nodule(_table(folder, "CNN"), films),
        ]
        super().__init__(folder, records, "the JSRT data base", read_img)


def read_img(path: str | Path) -> ImageItem:
    """One .IMG file as an ImageItem with bones white. Raises UnreadableFile for another length."""
    path = Path(path)
    stored = np.fromfile(path, dtype=">u2")
    if stored.size != SIDE * SIDE:
        reason = f"an .IMG file has {2 * SIDE * SIDE} bytes, this one {path.stat().st_size}"
        raise UnreadableFile(path, reason)
    image = 1 - np.minimum(stored, WHITEST).astype(np.float32).reshape(SIDE, SIDE) / WHITEST
    return ImageItem(
        image=image, spacing_mm=(PIXEL_MM, PIXEL_MM), patient_id=path.stem, source=str(path)
    )


def _films(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.suffix.upper() == ".IMG"]


def _table(folder: Path, kind: str) -> Path:
    pattern = f"**/[Cc][{kind[1]}{kind[1].lower()}][Nn]DAT_EN.[tT][xX][tT]"
    return table_below(folder, pattern, "the JSRT data base", f"{kind}DAT_EN.txt")


def _lines(table: Path, columns: int) -> Iterator[tuple[int, list[str]]]:
    text = table.read_text(encoding="latin-1")
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        values = [value.strip() for value in line.split("\t")]
        if len(values) < columns or not values[0].upper().endswith(".IMG"):
            raise ValueError(f"{table}, line {number}: expected {columns} values between tabs.")
        yield number, values


def _with_nodule(
    table: Path, films: dict[str, str], nodules: dict[str, Nodule]
) -> Iterator[ImageRecord]:
    for number, values in _lines(table, 10):
        name, subtlety, size, age, sex, x, y, kind, place, diagnosis = values[:10]
        try:
            half = float(size) / PIXEL_MM / 2
            box = Box("nodule", float(y) - half, float(x) - half, 2 * half, 2 * half)
            stem = name.upper().removesuffix(".IMG")
            nodules[stem] = Nodule(
                int(subtlety), float(size), kind.lower().startswith("malig"), place, diagnosis
            )
        except ValueError:
            raise ValueError(f"{table}, line {number}: subtlety, size, x or y is wrong.") from None
        yield _record(name, age, sex, films, Label.PRESENT, (box,))


def _without_nodule(table: Path, films: dict[str, str]) -> Iterator[ImageRecord]:
    for _, values in _lines(table, 3):
        yield _record(values[0], values[1], values[2], films, Label.ABSENT, ())


def _record(
    name: str, age: str, sex: str, films: dict[str, str], label: Label, boxes: tuple[Box, ...]
) -> ImageRecord:
    stem = name.upper().removesuffix(".IMG")
    return ImageRecord(
        patient_id=stem,
        study_id=stem,
        labels={"nodule": label},
        boxes=boxes,
        view="PA",
        age=age_in_years(age),
        sex=sex_of(sex),
        source=films.get(name.upper(), name),
    )
