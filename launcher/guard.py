"""One at a time: a lock file that the operating system frees when its holder dies."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


def _take(handle: IO[str]) -> bool:
    """Try to lock an open file; return False when another process holds it."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        return True  # Some network folders know no locks: go on without one.
    return True


@contextmanager
def one_at_a_time(path: Path, say: Callable[[str], None]) -> Iterator[None]:
    """Hold the lock file ``path``; wait, after saying so, while another process holds it."""
    with open(path, "a+") as handle:
        if not _take(handle):
            say("Another course.py is at work in this folder; waiting for it to finish.")
            while not _take(handle):
                time.sleep(0.3)
        yield  # Closing the file gives the lock back, also when this process is killed.
