"""From a raw picture to what a network is given: window, pad, equalise, resize.

All functions take and return float32 (H, W) in 0..1 unless they say otherwise.
"""

import cv2
import numpy as np


def min_max(image: np.ndarray) -> np.ndarray:
    """Stretch any values so that the smallest becomes 0 and the largest 1. Constant becomes 0."""
    return percentile_window(image, 0, 100)


def percentile_window(image: np.ndarray, low: float = 0.5, high: float = 99.5) -> np.ndarray:
    """Stretch so that the percentiles `low` and `high` become 0 and 1; clip what lies beyond.

    A few burnt-in letters or dead pixels cannot spoil the contrast, as they do with min_max.
    """
    if not 0 <= low < high <= 100:
        raise ValueError(f"Percentiles must satisfy 0 <= low < high <= 100, not {low} and {high}.")
    bottom, top = np.percentile(image, [low, high])
    if not np.isfinite([bottom, top]).all():
        raise ValueError("The image holds values that are not finite numbers.")
    scale = 1 / (top - bottom) if top > bottom else 0.0
    stretched = (np.asarray(image, dtype=np.float64) - bottom) * scale
    return np.clip(stretched, 0, 1).astype(np.float32)


def pad_to_square(image: np.ndarray, value: float = 0.0) -> np.ndarray:
    """Add equal borders of `value` on the shorter sides, so that resizing keeps proportions."""
    height, width = image.shape
    side = max(height, width)
    top, left = (side - height) // 2, (side - width) // 2
    padding = ((top, side - height - top), (left, side - width - left))
    return np.pad(image, padding, constant_values=value)


def resize(image: np.ndarray, size: int | tuple[int, int]) -> np.ndarray:
    """Resize to (size, size) or (height, width).

    Shrinking averages the area that each new pixel covers; taking single pixels instead would
    turn fine texture into false patterns (aliasing). Enlarging interpolates linearly.
    """
    height, width = (size, size) if isinstance(size, int) else size
    if image.shape == (height, width):
        return image
    shrinks = height <= image.shape[0] and width <= image.shape[1]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(image, (width, height), interpolation=method)


def resize_mask(mask: np.ndarray, size: int | tuple[int, int]) -> np.ndarray:
    """Resize a bool mask; a new pixel belongs to it if at least half of its area did."""
    return resize(mask.astype(np.float32), size) >= 0.5


def clahe(image: np.ndarray, clip_limit: float = 2.0, tiles: int = 8) -> np.ndarray:
    """Contrast-limited adaptive histogram equalisation (Zuiderveld 1994), on 16-bit grey levels.

    Each of tiles x tiles regions gets its own grey-scale; `clip_limit` bounds how much noise in
    a flat region is blown up (1 = hardly changed).
    """
    levels = np.round(np.clip(image, 0, 1) * 65535).astype(np.uint16)
    equaliser = cv2.createCLAHE(clipLimit=clip_limit, tileGridSize=(tiles, tiles))
    return (equaliser.apply(levels) / 65535.0).astype(np.float32)


def to_uint8(image: np.ndarray) -> np.ndarray:
    """0..1 to whole numbers 0..255, rounded."""
    return np.round(np.clip(image, 0, 1) * 255).astype(np.uint8)
