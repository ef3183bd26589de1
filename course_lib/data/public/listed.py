"""What all public sets have in common: tables that list files, and files that may be missing."""

import csv
import gzip
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from course_lib.data.item import ImageItem, ImageRecord, Label
from course_lib.data.read import read_film

# How CheXpert and MIMIC-CXR write labels: 1.0, 0.0, -1.0, or nothing.
CODES = {1.0: Label.PRESENT, 0.0: Label.ABSENT, -1.0: Label.UNCERTAIN}


class ListedFilms:
    """Films that a data set's tables list and that are on this computer, in the tables' order.

    A part of the image archives is enough: records whose file is not there are left out, and their
    paths are kept in `missing`.

    Args:
        root: the folder of the data set.
        records: one per film, with `source` as its path below root.
        name: the data set's name, for messages.
        read: how a file becomes an ImageItem; only its pixels and their spacing are used.

    Raises:
        FileNotFoundError: no file of the tables is below root.
    """

    def __init__(
        self,
        root: str | Path,
        records: Iterable[ImageRecord],
        name: str,
        read: Callable[[str], ImageItem] = read_film,
    ) -> None:
        self.root, self._read = Path(root), read
        self.missing: list[str] = []
        self._records: list[ImageRecord] = []
        for record in records:
            path = self.root / record.source
            if path.is_file():
                self._records.append(replace(record, source=str(path)))
            else:
                self.missing.append(record.source)
        if not self._records:
            first = f", for example {self.missing[0]}" if self.missing else ""
            raise FileNotFoundError(
                f"None of the {len(self.missing)} films in the tables of {name} is below "
                f"{self.root}{first}; unpack the images there."
            )

    @property
    def records(self) -> Sequence[ImageRecord]:
        """What the tables say; reads no pixel."""
        return self._records

    def __len__(self) -> int:
        return len(self._records)

    def __getitem__(self, index: int) -> ImageItem:
        """Read one film. Raises UnreadableFile if its pixels are damaged."""
        record = self._records[index]
        film = self._read(record.source)
        facts = {name: getattr(record, name) for name in ImageRecord.__dataclass_fields__}
        return ImageItem(**facts, image=film.image, spacing_mm=film.spacing_mm)


class ListedLabels(Mapping[str, Label]):
    """Labels of a film whose table lists words: what is listed is present, silence means `silence`.

    All films share one `vocabulary`: a dict for each of PadChest's 160,000 films, with its 190
    words, would take more than a gigabyte.
    """

    __slots__ = ("present", "silence", "vocabulary")

    def __init__(
        self, vocabulary: Mapping[str, None], present: Iterable[str], silence: Label = Label.ABSENT
    ) -> None:
        self.vocabulary, self.silence = vocabulary, silence
        self.present = frozenset(present) & vocabulary.keys()

    def __getitem__(self, finding: str) -> Label:
        if finding in self.present:
            return Label.PRESENT
        if finding not in self.vocabulary:
            raise KeyError(finding)
        return self.silence

    def __iter__(self) -> Iterator[str]:
        return iter(self.vocabulary)

    def __len__(self) -> int:
        return len(self.vocabulary)

    def __repr__(self) -> str:
        return repr(dict(self))


def existing_folder(root: str | Path, name: str) -> Path:
    """The folder as a Path; FileNotFoundError that names the data set if there is none."""
    folder = Path(root).expanduser()
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is not a folder; give the folder of {name}.")
    return folder


def table_below(root: Path, pattern: str, name: str, called: str = "") -> Path:
    """The newest table (by name) that fits the pattern; FileNotFoundError says what is needed.

    `called` is how the message calls the table, if not by the pattern.
    """
    found = sorted(root.glob(pattern))
    if not found:
        raise FileNotFoundError(
            f"{root} holds no {called or pattern}, a table of {name}; download it too."
        )
    return found[-1]


def read_table(path: Path, needed: Sequence[str]) -> Iterator[dict[str, str]]:
    """The rows of a CSV file (also .csv.gz) as dicts.

    Raises ValueError that names a missing column, or the line that is cut short.
    """
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        absent = [name for name in needed if name not in (reader.fieldnames or ())]
        if absent:
            raise ValueError(
                f"{path}: the column {absent[0]!r} is missing; is this the right table?"
            )
        for row in reader:
            if any(row[name] is None for name in needed):
                raise ValueError(f"{path}, line {reader.line_num}: the line is incomplete.")
            yield {key: value or "" for key, value in row.items() if key is not None}


def coded_labels(
    row: Mapping[str, str], columns: Mapping[str, str], where: str
) -> dict[str, Label]:
    """Labels out of columns that hold 1, 0, -1 or nothing; columns: finding -> column's name.

    Raises ValueError for any other value.
    """
    labels = {}
    for finding, column in columns.items():
        text = row.get(column, "").strip()
        try:
            labels[finding] = CODES[float(text)] if text else Label.NOT_MENTIONED
        except (ValueError, KeyError):
            raise ValueError(f"{where}: {column} holds {text!r}; expected 1, 0, -1.") from None
    return labels


def sex_of(text: str) -> str | None:
    """ "F" or "M" from "Female", "M", "male", ...; None for anything else."""
    return {"F": "F", "M": "M"}.get(text.strip()[:1].upper())
