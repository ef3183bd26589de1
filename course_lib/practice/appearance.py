"""Does a picture look like a frontal chest film at all? Answers that need no network.

A film of any scanner is compared with the average film of the reference: small, blurred, and moved
about, so that only the large shapes count (two dark lungs, a bright middle). The negative of a
film fits where the film itself does not.
"""

from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from course_lib.data.preprocess import pad_to_square, resize

SIDE = 32  # pixels of the small copies
MIDDLE = (24, 26)  # rows and columns of the average film that are compared: without arms and neck
SCALES = (0.8, 0.9, 1.0, 1.15)  # patients fill the film differently
GREY_LEVELS = 32
# 621 real films of ChestX-ray14: 6 of 1,000 lie below; virtual lateral films reach 0.48.
FRONTAL_FROM = 0.6

# Letters: height as a part of the picture's side, width and gap as parts of the height.
LETTER_HEIGHT = (0.012, 0.08)
LETTER_WIDTH = (0.1, 1.3)
LARGEST_GAP = 1.5
LETTERS_OF_A_WORD = 4
TEXT_SIDE = 512


def small_copy(image: NDArray) -> NDArray[np.float32]:
    """A film (H, W) as 32 x 32 blurred pixels of mean 0 and spread 1 (0 if the film is empty)."""
    small = cv2.GaussianBlur(resize(pad_to_square(image), SIDE), (0, 0), 1)
    spread = float(small.std())
    centred = (small - small.mean()).astype(np.float32)
    return centred / spread if spread > 1e-6 else np.zeros_like(centred)


def average_film(images: Iterable[NDArray]) -> NDArray[np.float32]:
    """The middle (24, 26) of the mean small copy of many films: what others are compared with."""
    mean = np.mean([small_copy(image) for image in images], axis=0)
    top, left = ((SIDE - length) // 2 for length in MIDDLE)
    return mean[top : top + MIDDLE[0], left : left + MIDDLE[1]].astype(np.float32)


def likeness(image: NDArray, average: NDArray[np.float32]) -> float:
    """Largest correlation, -1 to 1, of a film with the average film, over places and sizes."""
    small = small_copy(image)
    best = -1.0
    for scale in SCALES:
        shape = cv2.resize(average, None, fx=scale, fy=scale)
        if max(shape.shape) <= SIDE and small.any():
            best = max(best, float(cv2.matchTemplate(small, shape, cv2.TM_CCOEFF_NORMED).max()))
    return best


def grey_curve(image: NDArray) -> NDArray[np.float64]:
    """Share of the pixels (0 to 1) at most as bright as each of 32 grey levels."""
    edges = np.linspace(0, 1, GREY_LEVELS + 1)
    counts, _ = np.histogram(np.clip(image, 0, 1), edges)
    return np.cumsum(counts) / image.size


def has_text(image: NDArray) -> bool:
    """Whether letters seem to stand in a row: at least four bright shapes of about one height.

    A single lead letter (L, R) is no text. Pictures below about 256 pixels hide small letters.
    """
    return _longest_row(_letters(image)) >= LETTERS_OF_A_WORD


def _letters(image: NDArray) -> list[tuple[int, int, int, int]]:
    """Boxes (x, y, width, height) of shapes that could be letters, left to right."""
    side = max(image.shape)
    scale = min(1.0, TEXT_SIDE / side)
    grey = cv2.resize(np.clip(image, 0, 1), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    grey = (grey * 255).astype(np.uint8)
    side = max(grey.shape)
    # What is brighter than everything around it, within the size of a letter.
    kernel = np.ones((round(side * LETTER_HEIGHT[1]) | 1,) * 2, np.uint8)
    stands_out = cv2.morphologyEx(grey, cv2.MORPH_TOPHAT, kernel) > 90
    _, _, parts, _ = cv2.connectedComponentsWithStats(stands_out.astype(np.uint8))
    found = []
    for x, y, width, height, area in parts[1:].tolist():
        tall = LETTER_HEIGHT[0] * side <= height <= LETTER_HEIGHT[1] * side
        slim = LETTER_WIDTH[0] * height <= width <= LETTER_WIDTH[1] * height
        if tall and slim and 0.15 < area / (width * height) < 0.95:
            found.append((x, y, width, height))
    return sorted(found)


def _longest_row(letters: list[tuple[int, int, int, int]]) -> int:
    """Letters in the longest row of neighbours with about the same height and foot."""
    longest = [1] * len(letters)
    for i, (x, y, _, height) in enumerate(letters):
        for j, (x0, y0, width0, height0) in enumerate(letters[:i]):
            near = x - x0 > 0 and x - (x0 + width0) < LARGEST_GAP * height0
            alike = 0.7 < height / height0 < 1.4 and abs(y + height - y0 - height0) < 0.3 * height0
            if near and alike:
                longest[i] = max(longest[i], longest[j] + 1)
    return max(longest, default=0)
