"""Where computed files are kept, and how they never become stale or half-written."""

import hashlib
import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO

import numpy as np
import platformdirs

from course_lib.data.files import write_whole

# What decides a result: code, and the tables that code reads.
CODE_ENDINGS = {".py", ".json", ".toml", ".csv"}


def cache_folder(folder: str | Path | None = None) -> Path:
    """The folder for computed films: `folder`, else the environment variable COURSE_CACHE, else
    the place that the operating system means for caches. Everything in it can be deleted."""
    if folder is not None:
        return Path(folder)
    chosen = os.environ.get("COURSE_CACHE")
    return Path(chosen or platformdirs.user_cache_dir("course_lib", appauthor=False))


def code_fingerprint(places: Iterable[Path]) -> str:
    """A hash of the text of all code files at these places (files or folders).

    Any change of the code gives another fingerprint, so that films made by older code are never
    taken for current ones. Line ends are unified: Windows and Linux give the same fingerprint.
    """
    digest = hashlib.sha256(np.__version__.encode())  # random numbers may change with numpy
    for place in places:
        files = [place] if place.is_file() else sorted(place.rglob("*"))
        for path in files:
            if path.suffix in CODE_ENDINGS and path.is_file():
                text = path.read_bytes().replace(b"\r\n", b"\n")
                name = path.relative_to(place.parent).as_posix()
                digest.update(f"{name} {len(text)}\n".encode() + text)
    return digest.hexdigest()


def content_key(parameters: dict, fingerprint: str) -> str:
    """A short name for everything that decides a result: parameters and code."""
    text = json.dumps(parameters, sort_keys=True) + fingerprint
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def write_atomically(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Write a file so that it is either complete or absent, even if the process is killed.

    Args:
        path: the file to make; its folder is made if needed.
        write: called with an open binary file.

    Raises:
        OSError: the disk is full or the folder cannot be written to; the message says what to do.
    """
    try:
        write_whole(path, write)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OSError(
            f"{path} cannot be written ({reason}); free some space, or set COURSE_CACHE to a "
            "folder with room."
        ) from error
