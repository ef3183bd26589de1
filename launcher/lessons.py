"""Copy the lessons to the learner's folder; never overwrite what a learner wrote.

A small record in that folder keeps the digest of every file as it was copied. A file that still
has that digest was not touched by the learner and may be updated; any other file is theirs: a new
version is put beside it under another name. A file the learner deleted comes back.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from launcher.problems import Problem
from launcher.recipe import write_whole

RECORD = ".course.json"
START = "START.md"


@dataclass
class Copied:
    """What was done, by file name."""

    new: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    restored: list[str] = field(default_factory=list)
    beside: list[str] = field(default_factory=list)

    def sentences(self) -> Iterable[str]:
        """Tell the learner what happened, a sentence for each kind of change."""
        if self.new:
            yield f"Copied to your folder: {len(self.new)} files."
        if self.updated:
            yield f"Updated, as you had not changed them: {_names(self.updated)}."
        if self.restored:
            yield f"Brought back, as you had deleted them: {_names(self.restored)}."
        if self.beside:
            yield f"Yours are as you left them; new versions lie beside: {_names(self.beside)}."


def _names(names: list[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def lesson_files(root: Path) -> list[Path]:
    """Return the files a learner gets: the notebooks, the start page and their pictures."""
    kinds = {".ipynb", ".md", ".png", ".svg", ".jpg"}
    found = [p for p in (root / "notebooks").glob("*") if p.suffix in kinds and p.is_file()]
    return sorted(found)


def copy_lessons(root: Path, work: Path) -> Copied:
    """Bring the learner's folder ``work`` up to date with the course in ``root``.

    Raises Problem when a file cannot be written, or when there are no lessons to copy.
    """
    files = lesson_files(root)
    if not files:
        raise Problem(
            f"There are no lessons in {root / 'notebooks'}. The download of the course is not"
            " complete: get it again."
        )
    copied = Copied()
    try:
        work.mkdir(parents=True, exist_ok=True)
        record = _read_record(work)
        for source in files:
            _bring(source, work, record, copied)
            # After every file: whatever stops us, the record fits the folder.
            write_whole(work / RECORD, json.dumps(record, indent=1, sort_keys=True).encode())
    except OSError as error:
        raise Problem(
            f"Your folder {work} could not be brought up to date ({error.strerror or error}:"
            f" {error.filename}). Close the file if it is open elsewhere, see that you may write in"
            " that folder, or choose another one with --work FOLDER."
        ) from None
    return copied


def freshness(root: Path, work: Path) -> dict[str, str]:
    """Return, for every lesson file, "fresh", "yours" (changed by you), "old" or "missing"."""
    record = _read_record(work)["copied"]
    states = {}
    for source in lesson_files(root):
        here = digest(work / source.name)
        if here == digest(source):
            states[source.name] = "fresh"
        elif here is None:
            states[source.name] = "missing"
        else:
            states[source.name] = "old" if here == record.get(source.name) else "yours"
    return states


def digest(path: Path) -> str | None:
    """Return the SHA-256 of a file, None when there is no such file."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None


def _read_record(work: Path) -> dict[str, dict[str, str]]:
    """Return the record; without a readable one, every differing file counts as the learner's."""
    try:
        record = json.loads((work / RECORD).read_text(encoding="utf-8"))
        return {part: dict(record[part]) for part in ("copied", "offered")}
    except (OSError, ValueError, KeyError, TypeError):
        return {"copied": {}, "offered": {}}


def _bring(source: Path, work: Path, record: dict[str, dict[str, str]], copied: Copied) -> None:
    """Bring one file, and note in the record what was written."""
    name, new = source.name, digest(source)
    assert new is not None
    here, known = digest(work / name), record["copied"].get(name)
    if here == new:
        record["copied"][name] = new
    elif here is None and not (work / name).exists():
        write_whole(work / name, source.read_bytes())
        record["copied"][name] = new
        (copied.restored if known else copied.new).append(name)
    elif here is not None and here == known:
        write_whole(work / name, source.read_bytes())
        record["copied"][name] = new
        copied.updated.append(name)
    elif new not in (known, record["offered"].get(name)):
        copied.beside.append(_put_beside(source, work, record))
        record["offered"][name] = new


def _put_beside(source: Path, work: Path, record: dict[str, dict[str, str]]) -> str:
    """Write a new version under a free name (or over an untouched earlier one); return the name."""
    number = 1
    while True:
        mark = "new version" if number == 1 else f"new version {number}"
        name = f"{source.stem} ({mark}){source.suffix}"
        here = digest(work / name)
        if not (work / name).exists() or here == record["copied"].get(name, ""):
            break
        number += 1
    write_whole(work / name, source.read_bytes())
    record["copied"][name] = digest(source) or ""
    return name
