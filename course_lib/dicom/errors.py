"""One error for every file that cannot be used."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class UnreadableFile(ValueError):
    """A file that is not a usable image, with its name and the reason in one sentence.

    Whatever is wrong inside (cut off in the middle, not an image at all, an unknown compression),
    the reader raises this one error, so that a folder with one bad file stays usable.
    """

    def __init__(self, path: str | Path | None, reason: str) -> None:
        self.path = str(path) if path else "data set in memory"
        self.reason = reason
        super().__init__(f"{self.path}: {reason}.")

    def __reduce__(self) -> tuple:
        # Errors travel between the processes of a data loader; both parts must survive the journey.
        return type(self), (self.path, self.reason)


@contextmanager
def reading(path: str | Path | None, what_failed: str) -> Iterator[None]:
    """Turn any error inside the block into UnreadableFile(path, "what_failed (first line)").

    Damaged files make decoders raise almost any exception, so all are caught here, in one place.
    Their warnings about odd values are silenced: the reader decides by itself what matters.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except UnreadableFile:
        raise
    except Exception as error:
        raise UnreadableFile(path, f"{what_failed} ({short(error)})") from error


def short(error: BaseException) -> str:
    """The telling line of an error's text, short enough for one sentence."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = lines[0] if lines else type(error).__name__
    if text.endswith(":") and len(lines) > 1:  # a heading: the reason is on the next line
        text = lines[1]
    return text.split(" - ")[0].rstrip(".")[:200]
