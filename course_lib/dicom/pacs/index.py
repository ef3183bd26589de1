"""What the archive knows about its files: four tables in SQLite, one per level of the tree.

The files are the truth; the index can be rebuilt from them at any time.
"""

import sqlite3
import threading
from collections.abc import Iterable
from pathlib import Path

from pydicom.datadict import dictionary_VR

from course_lib.dicom.pacs.levels import LEVELS, Level, expression, level_named, up_to
from course_lib.dicom.pacs.matching import Condition, condition, name_matches

Row = dict[str, str]
# What is kept about each file besides its DICOM attributes.
FILE_COLUMNS = ("file", "digest", "TransferSyntaxUID")


class ArchiveInUse(RuntimeError):
    """Another program has this archive's folder open."""


class Index:
    """Patients, studies, series and instances; safe to use from several threads."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.lock = threading.RLock()
        self.database = sqlite3.connect(self.path, check_same_thread=False, timeout=1)
        try:
            self._prepare()
        except BaseException:
            self.database.close()
            raise

    def _prepare(self) -> None:
        try:
            # One program at a time: two would not see each other's duplicates.
            self.database.execute("PRAGMA locking_mode = EXCLUSIVE")
            self.database.execute("PRAGMA journal_mode = WAL")
            # A commit outlives this program. A power cut may take the last lines, but not their
            # files (`FileStore.write`), from which `Archive.catch_up` enters them again.
            self.database.execute("PRAGMA synchronous = NORMAL")
            with self.database:
                self.database.execute("BEGIN IMMEDIATE")
                for level in LEVELS:
                    self.database.execute(_table(level))
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            text = f"{self.path.parent} is open in another archive; close that one first."
            raise ArchiveInUse(text) from error
        self.database.create_function("name_matches", 2, name_matches, deterministic=True)

    def close(self) -> None:
        """Write everything out and let go of the file."""
        with self.lock:
            self.database.close()

    def add(self, attributes: Row, about_file: Row) -> None:
        """Enter one instance, and its series, study and patient where they are new."""
        with self.lock, self.database:
            parent = None
            for level in LEVELS:
                values = {k: attributes[k] for k in (level.unique, *level.keywords)}
                if level is LEVELS[-1]:
                    values |= about_file
                parent = self._row(level, values, parent)

    def _row(self, level: Level, values: Row, parent: int | None) -> int:
        """Number of the row for this entity, made if there is none."""
        known = self.database.execute(
            f"SELECT id FROM {level.table} WHERE parent IS ? AND {level.unique} = ?",
            (parent, values[level.unique]),
        ).fetchone()
        if known:
            return known[0]
        columns = ["parent", *values]
        places = ", ".join("?" * len(columns))
        made = self.database.execute(
            f"INSERT INTO {level.table} ({', '.join(columns)}) VALUES ({places})",
            (parent, *values.values()),
        )
        return int(made.lastrowid or 0)

    def remove(self, uid: str) -> None:
        """Forget one instance, and every series, study and patient that it leaves empty."""
        with self.lock, self.database:
            self.database.execute("DELETE FROM instances WHERE SOPInstanceUID = ?", (uid,))
            for above, below in reversed(list(zip(LEVELS, LEVELS[1:], strict=False))):
                self.database.execute(
                    f"DELETE FROM {above.table} WHERE NOT EXISTS"
                    f" (SELECT 1 FROM {below.table} WHERE parent = {above.table}.id)"
                )

    def find(self, level_name: str, keys: Row, columns: Iterable[str]) -> list[Row]:
        """One row per entity of a level that matches all `keys`, with the wanted `columns`.

        Keys and columns that the index does not keep at this level are passed over.
        """
        level = level_named(level_name)
        known = {c: e for c in columns if (e := _place(c, level))}
        where, values = _where(level, keys)
        chosen = ", ".join(f"{sql} AS {column}" for column, sql in known.items()) or "1"
        text = f"SELECT {chosen} FROM {_joined(level)} {where} ORDER BY {level.table}.id"
        with self.lock:
            rows = self.database.execute(text, values).fetchall()
        return [dict(zip(known, map(_text, row), strict=True)) for row in rows]

    def files(self, keys: Row) -> list[Row]:
        """SOP class and instance UID and file columns of every instance that matches `keys`."""
        return self.find("IMAGE", keys, ("SOPClassUID", "SOPInstanceUID", *FILE_COLUMNS))

    def count(self) -> int:
        """Number of instances."""
        with self.lock:
            return self.database.execute("SELECT count(*) FROM instances").fetchone()[0]


def _table(level: Level) -> str:
    names = (level.unique, *level.keywords)
    if level is LEVELS[-1]:
        names += FILE_COLUMNS
    columns = ", ".join(f"{name} TEXT NOT NULL" for name in names)
    # An instance's UID is its own everywhere; the others are looked up under their parent.
    unique = level.unique if level is LEVELS[-1] else f"parent, {level.unique}"
    return (
        f"CREATE TABLE IF NOT EXISTS {level.table} "
        f"(id INTEGER PRIMARY KEY, parent INTEGER, {columns}, UNIQUE ({unique}))"
    )


def _place(keyword: str, level: Level) -> str | None:
    if keyword in FILE_COLUMNS:
        return f"instances.{keyword}" if level is LEVELS[-1] else None
    return expression(keyword, level)


def _joined(level: Level) -> str:
    tables = [place.table for place in up_to(level)]
    joins = (
        f"JOIN {below} ON {below}.parent = {above}.id"
        for above, below in zip(tables, tables[1:], strict=False)
    )
    return " ".join([tables[0], *joins])


def _where(level: Level, keys: Row) -> tuple[str, list[str]]:
    parts: list[str] = []
    values: list[str] = []
    for keyword, value in keys.items():
        found = _condition(keyword, level, value)
        if found:
            parts.append(found[0])
            values += found[1]
    return ("WHERE " + " AND ".join(parts) if parts else ""), values


def _condition(keyword: str, level: Level, value: str) -> Condition | None:
    column = expression(keyword, level)
    if column is None:
        return None
    if keyword != "ModalitiesInStudy":
        return condition(column, dictionary_VR(keyword), value)
    found = condition("series.Modality", "CS", value)  # one of the study's series must match
    inside = "SELECT 1 FROM series WHERE series.parent = studies.id AND"
    return (f"EXISTS ({inside} {found[0]})", found[1]) if found else None


def _text(value) -> str:
    return "" if value is None else str(value)
