"""Files that are whole or absent, whatever happens while they are written."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO


def write_whole(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Let `write` fill a temporary file beside `path`, force it to disk, then rename it.

    A rename within one folder is atomic, so a killed process or a full disk leaves the old file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def remove_leftovers(folder: Path, older_than_s: float = 0) -> None:
    """Delete the temporary files that killed processes left in `folder`.

    Give an age where other processes may be writing there now.
    """
    for part in folder.glob("*.tmp"):
        try:
            if time.time() - part.stat().st_mtime >= older_than_s:
                part.unlink()
        except OSError:
            continue  # another process was faster
