"""A folder of the learner's own DICOM, PNG and JPEG files."""

import csv
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from tqdm.auto import tqdm

from course_lib.data.findings import canonical
from course_lib.data.item import ImageItem, ImageRecord, Label
from course_lib.data.read import age_in_years, file_kind, identity, read_film
from course_lib.dicom.errors import UnreadableFile
from course_lib.dicom.opening import open_dicom

# How CheXpert writes labels into a table; words are accepted as well.
LABEL_CODES = {
    "1": Label.PRESENT,
    "0": Label.ABSENT,
    "-1": Label.UNCERTAIN,
    "": Label.NOT_MENTIONED,
    **{label.value: label for label in Label},
}
# Columns of the label table that are not findings.
FACT_COLUMNS = ("patient_id", "study_id", "view", "scanner", "hospital", "age", "sex")


class ImageFolder:
    """All readable images below a folder, in the order of their paths.

    Files that are no images (or damaged ones) do not stop anything: they are in `unreadable`, each
    with its reason. Hidden files and folders are skipped.

    Args:
        root: the folder; all folders inside are searched.
        labels: a CSV file with a column "file" (path below root, or only the file's name) and one
            column per finding: 1 present, 0 absent, -1 uncertain, empty not mentioned. Columns
            named patient_id, study_id, view, scanner, hospital, age and sex replace the files' own.
        check: decode every file now, so that damaged pixels are found now. With False only the
            headers are read, which is faster; a damaged file then raises when it is asked for.

    Raises:
        FileNotFoundError: the folder does not exist, or no file in it can be read.
        ValueError: the label table is wrong; the message names the line.
    """

    def __init__(
        self, root: str | Path, labels: str | Path | None = None, check: bool = True
    ) -> None:
        self.root = Path(root)
        if not self.root.is_dir():
            raise FileNotFoundError(f"{self.root} is not a folder.")
        table = {} if labels is None else read_label_table(labels)
        skip = None if labels is None else Path(labels).resolve()
        self.unreadable: list[UnreadableFile] = []
        self._records: list[ImageRecord] = []
        paths = [path for path in sorted(self.root.rglob("*")) if self._is_wanted(path, skip)]
        for path in tqdm(paths, desc="Reading files", unit="file", leave=False):
            try:
                self._records.append(self._record(path, table, check))
            except UnreadableFile as error:
                self.unreadable.append(error)
        if not self._records:
            raise FileNotFoundError(
                f"{self.root} holds no readable DICOM, PNG or JPEG file "
                f"({len(self.unreadable)} files could not be read)."
            )

    @property
    def records(self) -> list[ImageRecord]:
        return self._records

    def __len__(self) -> int:
        return len(self._records)

    def __getitem__(self, index: int) -> ImageItem:
        """Read one image. Raises UnreadableFile if its pixels are damaged."""
        record = self._records[index]
        facts = {name: getattr(record, name) for name in ("labels", *FACT_COLUMNS)}
        return replace(read_film(record.source), **facts)

    def report(self) -> str:
        """How many files were read, and which were not and why; one line each."""
        lines = [f"{len(self)} images read, {len(self.unreadable)} files not readable."]
        return "\n".join([*lines, *(f"  {error}" for error in self.unreadable)])

    def _is_wanted(self, path: Path, skip: Path | None) -> bool:
        hidden = any(part.startswith(".") for part in path.relative_to(self.root).parts)
        return path.is_file() and not hidden and path.resolve() != skip

    def _record(self, path: Path, table: Mapping[str, dict], check: bool) -> ImageRecord:
        if file_kind(path) == "DICOM":
            facts = identity(open_dicom(path, header_only=True), path)
        else:
            facts = {"patient_id": path.stem, "study_id": path.stem, "source": str(path)}
        if check:
            read_film(path)
        relative = path.relative_to(self.root).as_posix()
        return ImageRecord(**{**facts, **table.get(relative, table.get(path.name, {}))})


def read_label_table(path: str | Path) -> dict[str, dict]:
    """Fields of an ImageRecord for each "file" of a label table (see ImageFolder).

    Raises:
        ValueError: no column "file", or a label that is none of 1, 0, -1 and empty.
    """
    with open(path, newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        if "file" not in (reader.fieldnames or ()):
            raise ValueError(f'{path}: the label table needs a column named "file".')
        findings = [
            name for name in reader.fieldnames or () if name not in ("file", *FACT_COLUMNS) and name
        ]
        table = {}
        for row in reader:
            facts: dict = {name: row[name] for name in FACT_COLUMNS if row.get(name)}
            if "age" in facts:
                facts["age"] = age_in_years(facts["age"])
            facts["labels"] = {
                canonical(name): _label(row[name], f"{path}, line {reader.line_num}, {name}")
                for name in findings
            }
            table[row["file"].replace("\\", "/")] = facts
    return table


def _label(text: str | None, where: str) -> Label:
    code = (text or "").strip().lower().removesuffix(".0")
    if code not in LABEL_CODES:
        raise ValueError(f"{where}: a label must be 1, 0, -1 or empty, not {text!r}.")
    return LABEL_CODES[code]
