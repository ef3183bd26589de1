"""Where a value stands in classic and in enhanced (multi-frame) DICOM files."""

from collections.abc import Iterator
from typing import Any

from pydicom.dataset import Dataset

from course_lib.dicom.errors import UnreadableFile


def frame_count(dataset: Dataset) -> int:
    """Number of frames; 1 if the file does not say."""
    try:
        return max(1, int(dataset.get("NumberOfFrames") or 1))
    except (TypeError, ValueError):
        raise UnreadableFile(_name(dataset), "the number of frames is not a number") from None


def check_frame(dataset: Dataset, frame: int) -> None:
    """Raise UnreadableFile unless 0 <= frame < number of frames."""
    count = frame_count(dataset)
    if not 0 <= frame < count:
        raise UnreadableFile(
            _name(dataset), f"frame {frame} was asked for, the file has frames 0 to {count - 1}"
        )


def places(dataset: Dataset, frame: int, macro: str) -> Iterator[Dataset]:
    """Data sets that may hold a value of one frame, most specific first.

    In an enhanced file the value stands in the macro (for example "PixelMeasuresSequence") of the
    frame's own functional group, or of the group shared by all frames; in a classic file it
    stands at the top level. Source: DICOM PS3.3, C.7.6.16.
    """
    per_frame = dataset.get("PerFrameFunctionalGroupsSequence") or []
    shared = dataset.get("SharedFunctionalGroupsSequence") or []
    for group in [*per_frame[frame : frame + 1], *shared[:1]]:
        yield from group.get(macro) or []
    yield dataset


def find(dataset: Dataset, frame: int, macro: str, keyword: str) -> Any:
    """The value of `keyword` for one frame, or None if it is absent or empty."""
    for place in places(dataset, frame, macro):
        value = place.get(keyword)
        if value is not None and value != "":
            return value
    return None


def _name(dataset: Dataset) -> str | None:
    return getattr(dataset, "filename", None)
