"""Files that are either whole on the disk or not there at all.

A file is written under a passing name, forced to the disk, and only then given its real name: that
last step is one indivisible act of the file system. A crash leaves at worst a passing name behind.
"""

import contextlib
import errno
import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
PASSING = ".part"


class StorageFull(OSError):
    """There is no room for another object; nothing of it was kept."""


class FileStore:
    """Objects on the disk under names made from their UIDs.

    A UID arrives from the network, so it never becomes part of a path: the name is its SHA-256.
    Thus ``../../etc/passwd`` names a file in this folder like any other text does.
    """

    def __init__(self, folder: str | Path, most_bytes: int | None = None) -> None:
        self.folder = Path(folder)
        self.most_bytes = most_bytes
        self.incoming = self.folder / "incoming"
        for name in ("incoming", *(f"files/{number:02x}" for number in range(256))):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        for left_over in self.incoming.glob("*" + PASSING):  # of a process that was killed
            left_over.unlink()
        for folder_kept in (self.folder, self.folder / "files"):
            sync_folder(folder_kept)
        self.bytes_kept = sum(path.stat().st_size for path in self.all())

    def path(self, uid: str) -> Path:
        """Where the object named `uid` is or would be."""
        name = hashlib.sha256(uid.encode()).hexdigest()
        return self.folder / "files" / name[:2] / f"{name}.dcm"

    def all(self) -> Iterator[Path]:
        """Every kept file."""
        return (self.folder / "files").glob("??/*.dcm")

    def write(self, uid: str, content: bytes) -> Path:
        """Put an object on the disk for good; when this returns it survives a power cut.

        Raises:
            StorageFull: the disk, or the room given to this archive, is full.
        """
        if self.most_bytes is not None and self.bytes_kept + len(content) > self.most_bytes:
            raise StorageFull(errno.ENOSPC, "The room given to this archive is full.")
        path = self.path(uid)
        try:
            passing = self._write_passing(content)
            os.replace(passing, path)
            sync_folder(path.parent)
        except OSError as error:
            if error.errno in FULL:
                raise StorageFull(error.errno, "The disk is full.") from error
            raise
        self.bytes_kept += len(content)
        return path

    def _write_passing(self, content: bytes) -> str:
        handle, name = tempfile.mkstemp(PASSING, dir=self.incoming)
        try:
            with open(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(name)
            raise
        return name


def sync_folder(folder: Path) -> None:
    """Force a folder's list of names to the disk (Windows does so by itself)."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def digest(content: bytes) -> str:
    """SHA-256 of a file's content: proof that it is still what was received."""
    return hashlib.sha256(content).hexdigest()
