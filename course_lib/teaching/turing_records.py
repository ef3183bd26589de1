"""The answers of a Turing test on disk: one file per reader, one line per answer.

A line is written and forced to the disk before the next film is shown, so a killed kernel loses
nothing. The files hold film numbers, never the truth; the key is written when a reader is done.
"""

import csv
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from course_lib.evaluation.turing import ReadingPlan
from course_lib.evaluation.turing_panel import Panel

CALLED = ("real", "synthetic")
SURE = (1, 5)  # from "a guess" to "certain"


class Answer(NamedTuple):
    """One answer: which showing, of which film, what it was called, how sure, after how long."""

    showing: int
    film: int
    called: str
    sure: int
    seconds: float


def reader_file(folder: Path | str, test: str, reader: str) -> Path:
    """Where the answers of ``reader`` lie. Raises ValueError for a name without letters."""
    safe = re.sub(r"[^\w]+", "_", reader.strip()).strip("_")
    if not safe or safe == "key":
        raise ValueError(f"Give the reader a name with letters or digits, not {reader!r}.")
    return Path(folder) / f"turing-{test}-{safe}.csv"


def add_answer(file: Path, answer: Answer) -> None:
    """Append one answer and force it to the disk. Raises OSError where that is not possible."""
    file.parent.mkdir(parents=True, exist_ok=True)
    old = file.read_bytes() if file.exists() else b""
    with file.open("a", encoding="utf-8", newline="") as lines:
        if old and not old.endswith(b"\n"):
            lines.write("\n")  # the line before was cut off when something died
        if not old:
            lines.write(",".join(Answer._fields) + "\n")
        lines.write(",".join(str(value) for value in answer) + "\n")
        lines.flush()
        os.fsync(lines.fileno())


def read_answers(file: Path) -> list[Answer]:
    """All whole answers of a file in order of showing; [] where there is no file.

    A damaged line is passed over, so that film is shown again; of two answers to one showing the
    first counts. Raises ValueError for a file with other columns.
    """
    if not file.is_file():
        return []
    with file.open(encoding="utf-8", errors="replace", newline="") as lines:
        rows = csv.DictReader(lines)
        if rows.fieldnames is not None and tuple(rows.fieldnames) != Answer._fields:
            raise ValueError(
                f"{file.name} does not hold the answers of a Turing test: its first line should be "
                f"{','.join(Answer._fields)}. Give another folder or name."
            )
        found: dict[int, Answer] = {}
        for row in rows:
            if (answer := _answer_in(row)) is not None:
                found.setdefault(answer.showing, answer)
    return [found[showing] for showing in sorted(found)]


def _answer_in(row: dict) -> Answer | None:
    try:
        answer = Answer(
            int(row["showing"]),
            int(row["film"]),
            row["called"],
            int(row["sure"]),
            float(row["seconds"]),
        )
    except (TypeError, ValueError):
        return None
    return answer if answer.called in CALLED and SURE[0] <= answer.sure <= SURE[1] else None


def write_key(folder: Path | str, plan: ReadingPlan) -> Path:
    """Write the truth of a test, ``turing-NAME-key.csv``: film number and real or synthetic."""
    file = Path(folder) / f"turing-{plan.name}-key.csv"
    lines = [f"{film},{CALLED[int(truth)]}" for film, truth in enumerate(plan.synthetic)]
    partial = file.with_suffix(".partial")
    partial.write_text("\n".join(["film,truth", *lines]) + "\n", encoding="utf-8")
    partial.replace(file)
    return file


def ratings_of_answers(
    answers: Iterable[Answer], films: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """First and second ratings by film number, (films,) each; NaN where there is none.

    5 is "surely synthetic", 1 "synthetic, a guess", -1 "real, a guess", -5 "surely real".
    """
    first, second = np.full(films, np.nan), np.full(films, np.nan)
    for answer in answers:
        if not 0 <= answer.film < films:
            raise ValueError(f"Film {answer.film} does not belong to a test of {films} films.")
        rating = answer.sure if answer.called == "synthetic" else -answer.sure
        (first if np.isnan(first[answer.film]) else second)[answer.film] = rating
    return first, second


class Combined(NamedTuple):
    """All readers who finished, their ratings (J, N), and how many films the others have read."""

    panel: Panel
    ratings: NDArray[np.float64]
    unfinished: dict[str, int]


def combine(folder: Path | str = "turing_readings", test: str | None = None) -> Combined:
    """Put the files of several readers of one test together.

    Collect the files ``turing-....csv`` of all readers, and one key, in one folder. ``test`` is the
    eight letters in their names, needed only where a folder holds several tests. Raises ValueError
    without a key, for several tests, or for fewer than two readers who finished.
    """
    folder = Path(folder)
    keys = {file.name.split("-")[1]: file for file in sorted(folder.glob("turing-*-key.csv"))}
    if test is None and len(keys) > 1:
        raise ValueError(f"{folder} holds several tests; choose one: test={sorted(keys)}.")
    test = test or next(iter(keys), None)
    if test not in keys:
        raise ValueError(
            f"There is no key in {folder}; it is written when the first reader is done."
        )
    truth = _truth_in(keys[test])
    ratings, unfinished = {}, {}
    for file in sorted(set(folder.glob(f"turing-{test}-*.csv")) - {keys[test]}):
        reader = file.stem.removeprefix(f"turing-{test}-")
        first, _ = ratings_of_answers(read_answers(file), len(truth))
        if np.isnan(first).any():
            unfinished[reader] = int(np.isfinite(first).sum())
        else:
            ratings[reader] = first
    if len(ratings) < 2:
        raise ValueError(f"{len(ratings)} of the readers in {folder} finished; it takes two.")
    scores = np.stack(list(ratings.values()))
    return Combined(Panel(truth, scores > 0, list(ratings)), scores, unfinished)


def _truth_in(key: Path) -> NDArray[np.bool_]:
    with key.open(encoding="utf-8", newline="") as lines:
        rows = {int(row["film"]): row["truth"] for row in csv.DictReader(lines)}
    if sorted(rows) != list(range(len(rows))) or not set(rows.values()) <= set(CALLED):
        raise ValueError(f"{key.name} is damaged: it must name every film real or synthetic.")
    return np.array([rows[film] == "synthetic" for film in range(len(rows))])
