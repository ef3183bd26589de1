"""Chest films as SCXNN wants them: equal brightness, square, local contrast, lesions with a margin.

Source: Kim, "Strictly Chest X-ray Normal Network", 2024, sections 3.2 (five steps) and 2.6
(dilation).
"""

from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from course_lib.data.item import ImageItem
from course_lib.data.preprocess import (
    clahe,
    pad_to_square,
    percentile_window,
    resize,
    resize_mask,
    to_uint8,
)

Equalise = Literal["clahe", "histogram", "none"]


def prepare_film(image: np.ndarray, size: int, equalise: Equalise = "clahe") -> np.ndarray:
    """The five steps: any grey picture (H, W) to uint8 (size, size).

    1 percentiles 0.5 and 99.5 become darkest and brightest; 2 whole numbers 0 to 255; 3 zeros fill
    up to a square; 4 local contrast (CLAHE); 5 resize. equalise: "histogram" and "none" stand in
    for step 4 in the thesis' comparison (Table 6).
    """
    eight_bit = to_uint8(percentile_window(image, 0.5, 99.5))
    square = pad_to_square(eight_bit)
    return to_uint8(resize(_equalised(square, equalise), size))


def prepare_mask(mask: np.ndarray, size: int) -> np.ndarray:
    """The same geometry for a lesion's mask: bool (H, W) to bool (size, size)."""
    return resize_mask(pad_to_square(mask, False), size)


def equalise_histogram(film: np.ndarray) -> np.ndarray:
    """Histogram equalisation: every grey level of the uint8 result is about equally frequent."""
    return cv2.equalizeHist(film)


def dilate(mask: np.ndarray, share: float = 0.03) -> np.ndarray:
    """Grow a bool mask by `share` of the film's side in every direction.

    Morphological dilation with a disc: a pixel belongs to the result if the disc around it touches
    the mask (Haralick et al. 1987). What surrounds a lesion tells what it is, so the network has to
    paint it as well. share 0 changes nothing. Raises ValueError for a negative share.
    """
    if share < 0:
        raise ValueError(f"A mask is dilated by a share of the film from 0 up, not {share:g}.")
    radius = round(share * max(mask.shape))
    if radius == 0:
        return mask
    distance = np.hypot(*np.mgrid[-radius : radius + 1, -radius : radius + 1])
    disc = (distance <= radius + 0.5).astype(np.uint8)
    return cv2.dilate(mask.astype(np.uint8), disc).astype(bool)


def lesion_picture(film: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """What the decoder shall paint: the film's grey values inside the mask, zero outside.

    film float32 (H, W) in 0..1, mask bool (H, W) -> float32 (H, W).
    """
    return np.where(mask, film, 0).astype(np.float32)


def save_prepared(item: ImageItem, path: Path, size: int = 1024) -> None:
    """Write a film as the thesis kept it: a square 8-bit PNG. Raises OSError if it cannot."""
    done, data = cv2.imencode(".png", prepare_film(item.image, size))
    if not done:
        raise OSError(f"{path} could not be encoded as PNG.")
    path.write_bytes(data.tobytes())


def _equalised(film: np.ndarray, how: Equalise) -> np.ndarray:
    """uint8 in, float32 in 0..1 out."""
    if how == "clahe":
        return clahe(film.astype(np.float32) / 255)
    if how == "histogram":
        return equalise_histogram(film).astype(np.float32) / 255
    if how == "none":
        return film.astype(np.float32) / 255
    raise ValueError(f"equalise must be 'clahe', 'histogram' or 'none', not {how!r}.")
