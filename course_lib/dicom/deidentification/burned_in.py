"""Text burned into pixels: found by how it looks, and masked.

Printed characters are alike in a way that anatomy is not: thin strokes of one grey value, all of
about the same height, standing in a row on one line. A single letter, such as the L or R that
technologists put on a film, is not a row; it is left alone, because it tells the side and no name.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian

from course_lib.dicom.frames import frame_count
from course_lib.dicom.stored import stored_values

FEWEST = 4  # characters that make a row
LOWEST, HIGHEST = 6, 80  # height of a character in pixels
STEP = 0.12  # of the grey range: how far ink stands out from what is beside it
INK = 0.08  # share of a character's pixels that have the full value of its ink
STROKES = 0.9  # strokes beside each other, for every height's length of writing
SAME_INK = 6  # of 255: how far the ink of two characters in a row may differ


@dataclass(frozen=True)
class Box:
    """A rectangle of pixels: rows top to bottom, columns left to right, ends not included."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def height(self) -> int:
        """Rows."""
        return self.bottom - self.top

    @property
    def width(self) -> int:
        """Columns."""
        return self.right - self.left

    def grown(self, rows: int, columns: int, shape: tuple[int, int]) -> Box:
        """The rectangle with a margin above and below, left and right, within the picture."""
        return Box(
            max(0, self.top - rows),
            max(0, self.left - columns),
            min(shape[0], self.bottom + rows),
            min(shape[1], self.right + columns),
        )

    @property
    def slices(self) -> tuple[slice, slice]:
        """For indexing a picture."""
        return slice(self.top, self.bottom), slice(self.left, self.right)


def find_text(picture: NDArray) -> list[Box]:
    """Rows of printed characters in a grey picture (H, W), in any range of values.

    Bright text on dark ground and dark on bright. Measured on films of the virtual patients:
    see tests/dicom/test_burned_in_text.py.
    """
    low, high = float(np.min(picture)), float(np.max(picture))
    if high <= low:
        return []
    grey = ((picture - low) * (255.0 / (high - low))).astype(np.uint8)
    boxes: list[Box] = []
    for stroke in (4, 10):  # thin and thick pens
        kernel = cv2.getStructuringElement(cv2.MORPH_RECT, (2 * stroke + 1, 2 * stroke + 1))
        for operation in (cv2.MORPH_TOPHAT, cv2.MORPH_BLACKHAT):
            stands_out = cv2.morphologyEx(grey, operation, kernel)
            ink = grey if operation == cv2.MORPH_TOPHAT else np.asarray(255 - grey, np.uint8)
            boxes += _rows(_characters(np.asarray(stands_out, np.uint8), ink), grey.shape)
    return _merged(boxes)


def _characters(stands_out: NDArray[np.uint8], ink: NDArray[np.uint8]) -> list[tuple[Box, int]]:
    """Connected strokes that could be characters, with the grey value of their ink.

    stands_out (H, W): how far a pixel differs from what is beside it; ink (H, W): grey values, with
    the ink's end of the scale up.
    """
    mask = (stands_out > 255 * STEP).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    found = []
    for index in range(1, count):
        left, top, width, height, area = (int(v) for v in stats[index])
        if not LOWEST <= height <= HIGHEST or width > 25 * height or area < 0.1 * width * height:
            continue  # letters that touch are as wide as several
        box = Box(top, left, top + height, left + width)
        strokes = labels[box.slices] == index
        values = ink[box.slices][strokes]
        # Ink has one value, anatomy never has; soft edges are darker.
        if np.mean(values > values.max() - 6) > INK and _written(strokes):
            found.append((box, int(values.max())))
    return found


def _written(strokes: NDArray[np.bool_]) -> bool:
    """Whether a shape (h, w) has as many strokes side by side as letters of its height would.

    A shape as wide as five letters is crossed by a line through its middle five times or more if it
    is writing, and once or twice if it is the edge of a rib.
    """
    height, width = strokes.shape
    middle = strokes[height // 4 : height - height // 4].astype(np.int8)
    begins = np.diff(middle, axis=1, prepend=0) == 1
    return bool(np.median(begins.sum(1)) >= STROKES * width / height)


def _rows(characters: list[tuple[Box, int]], shape: tuple[int, int]) -> list[Box]:
    """Characters of like height and ink, side by side on one line; short rows are dropped."""
    rest = sorted(characters, key=lambda character: character[0].left)
    rows = []
    while rest:
        row = [rest.pop(0)]
        for character in list(rest):
            if _follows(row[-1], character):
                row.append(character)
                rest.remove(character)
        boxes = [box for box, _ in row]
        height = max(box.height for box in boxes)
        letters = sum(max(1, round(box.width / height)) for box in boxes)
        if len(row) > 1 and letters >= FEWEST:
            # Room for tails below the line, and for a first or last letter that was too faint.
            rows.append(_around(boxes).grown(height // 3, 3 * height // 2, shape))
    return rows


def _follows(before: tuple[Box, int], after: tuple[Box, int]) -> bool:
    """Whether one character may be the next behind another."""
    (first, first_ink), (second, second_ink) = before, after
    gap = second.left - first.right
    return (
        abs(first_ink - second_ink) < SAME_INK
        and 0.6 < second.height / first.height < 1.7
        and abs(second.bottom - first.bottom) < 0.35 * first.height
        and -0.3 * first.height < gap < 2.0 * first.height
    )


def _around(boxes: list[Box]) -> Box:
    """The smallest rectangle that holds all boxes."""
    return Box(
        min(b.top for b in boxes),
        min(b.left for b in boxes),
        max(b.bottom for b in boxes),
        max(b.right for b in boxes),
    )


def _merged(boxes: list[Box]) -> list[Box]:
    """Overlapping rectangles joined."""
    result: list[Box] = []
    for box in sorted(boxes, key=lambda b: (b.top, b.left)):
        touching = [
            old
            for old in result
            if old.top < box.bottom and box.top < old.bottom
            and old.left < box.right and box.left < old.right
        ]  # fmt: skip
        result = [old for old in result if old not in touching] + [_around([box, *touching])]
    return result


def mask_text(picture: NDArray, boxes: list[Box]) -> NDArray:
    """A copy with every rectangle filled with its lowest value."""
    masked = picture.copy()
    for box in boxes:
        masked[box.slices] = picture.min()
    return masked


def without_text(ds: Dataset) -> list[Box]:
    """Mask burned-in text in a data set's pixels, in place; returns what was masked.

    Grey pictures only. Compressed pixels come out uncompressed: the text must not survive in a
    stream that merely shows something else.
    Raises UnreadableFile when the pixels cannot be decoded, ValueError for colour pictures.
    """
    if ds.get("SamplesPerPixel", 1) != 1:
        raise ValueError("Burned-in text is searched in grey pictures; this one has colours.")
    frames = [stored_values(ds, index) for index in range(frame_count(ds))]
    found = [find_text(frame) for frame in frames]
    if not any(found):
        return []
    boxes = _merged([box for per_frame in found for box in per_frame])
    stack = np.stack([mask_text(frame, boxes) for frame in frames])
    kind = ("i" if ds.PixelRepresentation else "u") + str(ds.BitsAllocated // 8)
    data = stack.astype(f"<{kind}").tobytes()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.PixelData = data + b"\0" * (len(data) % 2)
    ds["PixelData"].VR = "OW" if ds.BitsAllocated > 8 else "OB"
    ds["PixelData"].is_undefined_length = False
    return boxes
