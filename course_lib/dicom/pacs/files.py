"""Files that are either whole on the disk or can be told to be incomplete.

A file is written under a passing name and then given its real name, one indivisible act of the
file system: whoever sees the real name sees a whole file, even if this program is killed. A power
cut can do worse. So the name holds a checksum of the content, and nobody is told that an object is
kept before the file and its folder were forced to the disk (`sync`).
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
    """Objects on the disk under names made from their UIDs and contents.

    A UID arrives from the network, so it never becomes part of a path: the name is its SHA-256.
    Thus ``../../etc/passwd`` names a file in this folder like any other text does.
    """

    def __init__(self, folder: str | Path, most_bytes: int | None = None) -> None:
        self.folder = Path(folder)
        self.most_bytes = most_bytes
        self.incoming = self.folder / "incoming"
        for name in ("incoming", "damaged", "files"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        for left_over in self.incoming.glob("*" + PASSING):  # of a program that was killed
            left_over.unlink()
        sync(self.folder)
        self.bytes_kept = sum(path.stat().st_size for path in self.all())

    def all(self) -> Iterator[Path]:
        """Every file."""
        return (self.folder / "files").glob("*.dcm")

    def write(self, uid: str, content: bytes, checksum: str) -> Path:
        """Write an object whole; `sync` must follow for the file and for its folder.

        Raises:
            StorageFull: the disk, or the room given to this archive, is full.
        """
        if self.most_bytes is not None and self.bytes_kept + len(content) > self.most_bytes:
            raise StorageFull(errno.ENOSPC, "The room given to this archive is full.")
        path = self.folder / "files" / f"{digest(uid.encode())}-{checksum}.dcm"
        handle, passing = tempfile.mkstemp(PASSING, dir=self.incoming)
        try:
            with open(handle, "wb") as file:
                file.write(content)
            os.replace(passing, path)
        except OSError as error:
            with contextlib.suppress(OSError):
                os.unlink(passing)
            raise as_full(error) from error
        self.bytes_kept += len(content)
        return path

    def remove(self, path: Path) -> None:
        """Take back a file that could not be kept for good."""
        with contextlib.suppress(OSError):
            self.bytes_kept -= path.stat().st_size
            path.unlink()

    def put_aside(self, path: Path) -> Path:
        """Move a damaged file out of the way; a person may still want to look at it."""
        return path.replace(self.folder / "damaged" / path.name)


def is_complete(path: Path, content: bytes) -> bool:
    """True if a file's content is what its name says."""
    return path.stem.endswith("-" + digest(content))


def sync(path: Path) -> None:
    """Force a file's content, or a folder's list of names, to the disk.

    Raises:
        StorageFull: the disk is full. OSError: it failed.
    """
    if os.name == "nt" and path.is_dir():
        return  # Windows does so by itself
    handle = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        raise as_full(error) from error
    finally:
        os.close(handle)


def as_full(error: OSError) -> OSError:
    """The same error, as StorageFull if that is what it means."""
    return StorageFull(error.errno, "The disk is full.") if error.errno in FULL else error


def digest(content: bytes) -> str:
    """SHA-256 of a content: proof that it is still what was received."""
    return hashlib.sha256(content).hexdigest()
