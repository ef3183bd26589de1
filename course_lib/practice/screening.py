"""Screen many films with SCXNN and give the answers back as DICOM reports.

    python -m course_lib.practice.screening FOLDER --out RESULTS

A film is either set aside as normal or put on the list of those to be read, most dangerous first.
A run that was interrupted goes on with the films that have no answer yet. Trained on virtual
patients, for teaching: not for diagnosis.
"""

import argparse
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from pydicom.dataset import Dataset
from tqdm.auto import tqdm

from course_lib.data.files import write_whole
from course_lib.data.item import ImageItem
from course_lib.data.read import file_kind, read_film
from course_lib.dicom.errors import UnreadableFile
from course_lib.dicom.opening import open_dicom
from course_lib.dicom.results.report import Measured, report
from course_lib.learning.scxnn_screening import Screening, Scxnn, load_scxnn
from course_lib.patient.risk import RISK_GROUP, RISK_GROUPS

PROGRAM = "SCXNN laptop, course"
SIDE_VIEWS = ("LATERAL", "LAT", "LL", "RL", "LAO", "RAO", "LPO", "RPO")
TABLE, REPORTS, SERIES = "screening.csv", "reports", 190
BATCH = 32
COLUMNS = (
    "file", "patient", "study", "answer", "score", "threshold", "urgency", "suspected", "reason",
)  # fmt: skip
UNCLEAR = "unclear"  # abnormal, but no network names its disease


@dataclass(frozen=True)
class Film:
    """One film to be screened: where it comes from, its picture, its DICOM data set if it has."""

    name: str
    item: ImageItem
    dataset: Dataset | None = None


def screen_folder(
    folder: str | Path, out: str | Path, scxnn: Scxnn | None = None, batch: int = BATCH
) -> pd.DataFrame:
    """Screen all films below a folder; the work list of `work_list`, one row per file.

    Writes into `out`: screening.csv, a row per file, and reports/, a DICOM SR per DICOM film. Files
    that have a row already are not screened again. Files that cannot be read, and films from the
    side, get a row with the reason and no answer.
    Raises FileNotFoundError when the folder is none or holds no file.
    """
    root, results = Path(folder), Path(out)
    paths = _files(root, results)
    rows = _earlier(results / TABLE)
    left = [path for path in paths if path.relative_to(root).as_posix() not in rows]
    judge = load_scxnn() if scxnn is None else scxnn
    with tqdm(
        total=len(paths), initial=len(paths) - len(left), unit="film", desc="Screening"
    ) as bar:
        for start in range(0, len(left), batch):
            part = left[start : start + batch]
            for row in _screen_files(part, root, results, judge):
                rows[row["file"]] = row
            _write(results / TABLE, rows)
            bar.update(len(part))
    return work_list(pd.DataFrame(list(rows.values()), columns=list(COLUMNS)))


def screen_films(films: Sequence[Film], scxnn: Scxnn) -> tuple[list[dict], Screening]:
    """Rows of the table and the screening itself for frontal films."""
    screening = scxnn.screen([film.item for film in films])
    rows = []
    for index, film in enumerate(films):
        abnormal = bool(screening.abnormal[index])
        suspected = screening.suspected(index)
        row = {
            "file": film.name,
            "patient": film.item.patient_id,
            "study": film.item.study_id,
            "answer": "needs_reading" if abnormal else "normal_group",
            "score": round(float(screening.score[index]), 4),
            "threshold": round(screening.threshold, 4),
            "urgency": urgency([name for name, _ in suspected]) if abnormal else "",
            "suspected": ", ".join(f"{name} {share:.2f}" for name, share in suspected),
            "reason": "",
        }
        rows.append(row)
    return rows, screening


def screening_report(source: Dataset, screening: Screening, index: int) -> Dataset:
    """The answer to one DICOM film as a Structured Report (TID 1500) in the same study.

    It says whether the film was set aside, the score beside its threshold, and each network's own
    probability of its disease.
    """
    verdict = "needs_reading" if screening.abnormal[index] else "normal_group"
    whole = {"margin": float(screening.score[index]), "threshold": screening.threshold}
    found = [Measured("any_abnormality", whole, "thorax", verdict=verdict)]
    found += [
        Measured(disease, {"score": float(share)}, "thorax")
        for disease, share in zip(screening.diseases, screening.by_disease[index], strict=True)
    ]
    # A number that belongs to the film: a study can have several, screened in any order.
    number = zlib.crc32(str(source.SOPInstanceUID).encode()) % 2_000_000_000 + 1
    return report([source], found, series_number=SERIES, made_by=PROGRAM, instance=number)


def urgency(diseases: Iterable[str]) -> str:
    """The most dangerous risk group among these diseases; "unclear" if there is none."""
    groups = {RISK_GROUP[name] for name in diseases if name in RISK_GROUP}
    return next((group for group in RISK_GROUPS if group in groups), UNCLEAR)


def work_list(table: pd.DataFrame) -> pd.DataFrame:
    """The table in the order of reading.

    First what needs reading: critical, urgent, unclear (nobody knows what it is, so not last), then
    the others, the highest score first. Then what could not be screened, then what was set aside.
    """
    order = ["critical", "urgent", UNCLEAR, "non_urgent", "cardiomegaly"]
    place = table["urgency"].map({name: k for k, name in enumerate(order)}).fillna(len(order))
    kind = table["answer"].map({"needs_reading": 0, "": 1, "normal_group": 2}).fillna(1)
    score = -pd.to_numeric(table["score"], errors="coerce").fillna(0.0)
    ranks = np.lexsort((score, place, kind))
    return table.iloc[ranks].reset_index(drop=True)


def _screen_files(paths: Sequence[Path], root: Path, results: Path, scxnn: Scxnn) -> Iterator[dict]:
    """A row for each file; reports are on the disk before the rows are handed out."""
    films: list[Film] = []
    for path in paths:
        name = path.relative_to(root).as_posix()
        try:
            film = _film(path, name)
        except UnreadableFile as error:
            yield _refused(name, error.reason)
            continue
        if film.item.view.upper() in SIDE_VIEWS:
            yield _refused(name, f"not a frontal film (view {film.item.view})", film.item)
            continue
        films.append(film)
    if not films:
        return
    rows, screening = screen_films(films, scxnn)
    for index, film in enumerate(films):
        if film.dataset is not None:
            made = screening_report(film.dataset, screening, index)
            _save(results / REPORTS / f"{film.name}.sr.dcm", made)
    yield from rows


def _save(path: Path, dataset: Dataset) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, lambda file: dataset.save_as(file, enforce_file_format=True))


def _film(path: Path, name: str) -> Film:
    item = read_film(path)
    return Film(name, item, open_dicom(path) if file_kind(path) == "DICOM" else None)


def _refused(name: str, reason: str, item: ImageItem | None = None) -> dict:
    known = {"patient": item.patient_id, "study": item.study_id} if item else {}
    return dict.fromkeys(COLUMNS, "") | {"file": name, "reason": reason} | known


def _files(root: Path, results: Path) -> list[Path]:
    """All files below root except hidden ones and our own results."""
    if not root.is_dir():
        raise FileNotFoundError(f"{root} is not a folder of films.")
    own = results.resolve()
    found = [
        path
        for path in sorted(root.rglob("*"))
        if path.is_file()
        and own not in path.resolve().parents
        and not any(part.startswith(".") for part in path.relative_to(root).parts)
    ]
    if not found:
        raise FileNotFoundError(f"{root} holds no file to screen.")
    return found


def _earlier(table: Path) -> dict[str, dict]:
    """Rows of an earlier run, by file."""
    if not table.is_file():
        return {}
    rows = pd.read_csv(table, dtype=str, keep_default_na=False).to_dict("records")
    return {row["file"]: row for row in rows}


def _write(table: Path, rows: dict[str, dict]) -> None:
    table.parent.mkdir(parents=True, exist_ok=True)
    frame = pd.DataFrame(list(rows.values()), columns=list(COLUMNS))
    text = frame.to_csv(index=False, lineterminator="\n").encode()
    write_whole(table, lambda file: file.write(text))


def main(words: list[str] | None = None) -> None:
    """The command; see the head of this file."""
    parser = argparse.ArgumentParser(prog="python -m course_lib.practice.screening")
    parser.add_argument("folder", help="DICOM, PNG or JPEG films; folders inside are searched")
    parser.add_argument("--out", required=True, help="folder for table and reports; resumed")
    parser.add_argument("--model", help="folder of another SCXNN than the course's own")
    given = parser.parse_args(words)
    try:
        table = screen_folder(given.folder, given.out, load_scxnn(given.model))
    except FileNotFoundError as error:
        parser.error(str(error))
    counts = table["answer"].replace("", "not screened").value_counts()
    print(", ".join(f"{count} {name.replace('_', ' ')}" for name, count in counts.items()))
    print(f"See {Path(given.out) / TABLE}. Trained on virtual patients: not for diagnosis.")


if __name__ == "__main__":
    main()
