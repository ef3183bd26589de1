"""The archive itself, without any network: keep objects, find them, hand them out.

An object counts as kept when both its file and its line in the index are on the disk. Every door
(DICOM network, web) goes through `Archive.keep`, so they all make the same promise.
"""

import contextlib
import io
import logging
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pydicom
from pydicom.filereader import read_dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian as DEFLATED

from course_lib.dicom.errors import UnreadableFile, reading
from course_lib.dicom.pacs.files import FileStore, StorageFull, digest, is_complete, sync
from course_lib.dicom.pacs.index import Index, Row
from course_lib.dicom.pacs.levels import attributes_of

LOG = logging.getLogger(__name__)
DISK_WRITERS = 8
CLOSED_WELL = "closed-well"  # a file that is there only between a proper end and the next start
BEFORE_META = 128 + 4  # preamble and the mark DICM


class Clash(ValueError):
    """Another object with the same SOP Instance UID is kept already."""


class WrongObject(ValueError):
    """The object that arrived is not the one that was announced."""


@dataclass(frozen=True)
class Kept:
    """One object of the archive: its names, how it is encoded, its file and the file's digest."""

    sop_class: str
    uid: str
    transfer_syntax: str
    path: Path
    digest: str

    def content(self) -> bytes:
        """The whole file."""
        return self.path.read_bytes()

    def dataset(self) -> pydicom.Dataset:
        """The object, pixels included."""
        with reading(self.path, "a kept object cannot be read"):
            return pydicom.dcmread(self.path)

    def is_whole(self) -> bool:
        """True if the file is there and its every byte is as it was received."""
        try:
            return digest(self.content()) == self.digest
        except OSError:
            return False


class Archive:
    """A folder of DICOM objects with an index; close it, or use it in a ``with`` statement.

    Args:
        folder: made if it is missing; objects of an earlier run are found again.
        most_bytes: room for objects; None for the whole disk.

    Raises:
        ArchiveInUse: another archive has the folder open.
    """

    def __init__(self, folder: str | Path, most_bytes: int | None = None) -> None:
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.index = self._open_index()
        self.unreadable: list[Path] = []
        self._arriving: set[str] = set()
        self._arrived = threading.Condition()
        self._disk = ThreadPoolExecutor(DISK_WRITERS, "disk")
        try:
            doubtful = not (self.folder / CLOSED_WELL).exists()
            (self.folder / CLOSED_WELL).unlink(missing_ok=True)
            self.files = FileStore(self.folder, most_bytes)  # and forces the folder to the disk
            if doubtful:
                self._put_damaged_aside()
            self.catch_up()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "Archive":
        return self

    def __exit__(self, *_error) -> None:
        self.close()

    def __len__(self) -> int:
        return self.index.count()

    def close(self) -> None:
        """Let go of the folder."""
        self._disk.shutdown()
        if hasattr(self, "files"):
            (self.folder / CLOSED_WELL).touch()
        self.index.close()

    def keep(self, content: bytes, announced: str | None = None) -> Kept:
        """Keep one DICOM file; when this returns, it is on the disk and entered in the index.

        The same object sent again is answered as if it were new, and kept once.

        Args:
            content: the whole file.
            announced: the SOP Instance UID the sender gave beforehand, if it did.

        Raises:
            WrongObject: the content is not the object that was announced.
            UnreadableFile: the content is no DICOM file, or lacks the UIDs that name it.
            Clash: a different object with this UID is kept already; that one stays.
            StorageFull: there is no room; nothing was kept.
        """
        header = header_of(content)
        attributes = attributes_of(header)
        uid, syntax = attributes["SOPInstanceUID"], str(header.file_meta.TransferSyntaxUID)
        if announced is not None and uid != announced:
            raise WrongObject("The object's SOP Instance UID is not the announced one")
        checksum = digest(content)
        with self._alone_with(uid):
            known = self.one(uid)
            if known and known.is_whole():
                return _the_same(known, content)
            if known:
                self._give_up(known)
            path = self.files.write(uid, content, checksum)
            kept = Kept(attributes["SOPClassUID"], uid, syntax, path, checksum)
            self._make_sure(attributes, kept)
        return kept

    def _make_sure(self, attributes: Row, kept: Kept) -> None:
        """Enter a written file in the index while it goes to the disk; all of it, or nothing."""
        on_disk = [self._disk.submit(sync, part) for part in (kept.path, kept.path.parent)]
        try:
            self._enter(attributes, kept)
            for part in on_disk:
                part.result()
        except BaseException:
            self.index.remove(kept.uid)
            self.files.remove(kept.path)
            raise

    @contextlib.contextmanager
    def _alone_with(self, uid: str) -> Iterator[None]:
        """Of two senders of the same object, the second waits until the first is done."""
        with self._arrived:
            self._arrived.wait_for(lambda: uid not in self._arriving)
            self._arriving.add(uid)
        try:
            yield
        finally:
            with self._arrived:
                self._arriving.discard(uid)
                self._arrived.notify_all()

    def find(self, level: str, keys: Row, columns: tuple[str, ...] | list[str]) -> list[Row]:
        """Matching entities of a level, each once; see `Index.find`."""
        return self.index.find(level, keys, columns)

    def kept(self, keys: Row) -> list[Kept]:
        """All objects that match; every key narrows, so no key at all means everything."""
        return [_kept(self.folder, row) for row in self.index.files(keys)]

    def one(self, uid: str) -> Kept | None:
        """The object of this SOP Instance UID, or None."""
        rows = self.index.files({"SOPInstanceUID": uid}) if uid else []
        return _kept(self.folder, rows[0]) if rows else None

    def catch_up(self) -> None:
        """Make the index agree with the files, which are the truth."""
        listed = {kept.path: kept for kept in self.kept({})}
        there = set(self.files.all())
        for path in listed.keys() - there:
            LOG.warning("%s is gone; it is taken off the index.", path)
            self.index.remove(listed[path].uid)
        for path in sorted(there - listed.keys()):
            self._enter_file(path)

    def _put_damaged_aside(self) -> None:
        """After a power cut the index may list a file whose content did not reach the disk."""
        for kept in self.kept({}):
            if not kept.is_whole():
                self._give_up(kept)

    def _give_up(self, kept: Kept) -> None:
        """Take a damaged object off the index, and its file out of the way."""
        LOG.warning("%s is put aside: its content is not what was written.", kept.path)
        self.index.remove(kept.uid)
        if kept.path.exists():
            self.unreadable.append(self.files.put_aside(kept.path))

    def rebuild(self) -> None:
        """Throw the index away and make it again from the files."""
        for kept in self.kept({}):
            self.index.remove(kept.uid)
        self.catch_up()

    def _enter_file(self, path: Path) -> None:
        content = path.read_bytes()
        try:
            if not is_complete(path, content):
                raise UnreadableFile(path, "its content is not what was written")
            header = header_of(content)
            attributes = attributes_of(header)
        except UnreadableFile as error:
            LOG.warning("%s is put aside: %s", path, error.reason)
            self.unreadable.append(self.files.put_aside(path))
            return
        syntax = str(header.file_meta.TransferSyntaxUID)
        names = attributes["SOPClassUID"], attributes["SOPInstanceUID"]
        self._enter(attributes, Kept(*names, syntax, path, digest(content)))

    def _enter(self, attributes: Row, kept: Kept) -> None:
        about_file = {
            "file": kept.path.relative_to(self.folder).as_posix(),
            "digest": kept.digest,
            "TransferSyntaxUID": kept.transfer_syntax,
        }
        try:
            self.index.add(attributes, about_file)
        except sqlite3.OperationalError as error:
            if "full" not in str(error):
                raise
            raise StorageFull("The disk is full: the index cannot grow.") from error

    def _open_index(self) -> Index:
        path = self.folder / "index.sqlite"
        try:
            return Index(path)
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise
            LOG.warning("The index was damaged (%s); it is made again from the files.", error)
            for part in self.folder.glob("index.sqlite*"):
                part.rename(part.with_name("damaged-" + part.name))
            return Index(path)


def header_of(content: bytes) -> pydicom.FileDataset:
    """The elements before the pixels of a DICOM file that is held in memory.

    Raises:
        UnreadableFile: no DICOM file, damaged, or packed as a whole ("deflated").
    """
    if content[128:BEFORE_META] != b"DICM":
        raise UnreadableFile(None, "this is not a DICOM file (the mark DICM is missing)")
    with reading(None, "the DICOM elements are damaged"):
        _refuse_deflated(content)
        header = pydicom.dcmread(io.BytesIO(content), stop_before_pixels=True)
        if "TransferSyntaxUID" not in header.file_meta:
            raise UnreadableFile(None, "it does not say how it is encoded (TransferSyntaxUID)")
        return header


def _refuse_deflated(content: bytes) -> None:
    """A megabyte may unpack to a gigabyte: an archive that takes all comers refuses."""
    if DEFLATED.encode() not in content:
        return
    meta = read_dataset(
        io.BytesIO(content[BEFORE_META:]),
        is_implicit_VR=False,
        is_little_endian=True,
        stop_when=lambda tag, vr, length: tag.group != 2,
    )
    if meta.get("TransferSyntaxUID") == DEFLATED:
        raise UnreadableFile(None, "deflated objects are not taken here")


def _kept(folder: Path, row: Row) -> Kept:
    path = folder / row["file"]
    return Kept(
        row["SOPClassUID"], row["SOPInstanceUID"], row["TransferSyntaxUID"], path, row["digest"]
    )


def _the_same(known: Kept, content: bytes) -> Kept:
    """`known` if `content` is the same object, whatever the meta header says; else Clash."""
    if known.digest != digest(content):
        with reading(None, "the object sent again cannot be read"):
            again = pydicom.dcmread(io.BytesIO(content))
            same = again == known.dataset()
        if not same:
            raise Clash(f"another object with the UID {known.uid} is kept already")
    return known
