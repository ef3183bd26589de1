"""A volume as the browser gets it: 16-bit whole numbers, sent once, and what they mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_lib.teaching.figures import COLOURS

MOST_MASKS = 8  # one bit of a byte each
# Of the course's colours those that stand out on black, in the order in which masks get them.
MASK_COLOURS = [COLOURS[i] for i in (4, 5, 3, 7, 1, 2, 0)] + ["#FFFFFF"]
# Usual windows in HU: (centre, width).
HU_WINDOWS = {
    "mediastinum": (40.0, 400.0),
    "lung": (-600.0, 1500.0),
    "bone": (400.0, 1800.0),
    "brain": (40.0, 80.0),
}


def coded(values: NDArray[Any]) -> tuple[NDArray[np.int16], float, float]:
    """(codes, slope, intercept): values = codes * slope + intercept.

    Whole numbers that fit into 16 bits stay exact; others are rounded to 1/65535 of their range.
    """
    low, high = float(values.min()), float(values.max())
    whole = values.dtype.kind in "biu" or bool(np.all(values == np.rint(values)))
    if whole and high - low <= 65535:
        intercept = 0.0 if low >= -32768 and high <= 32767 else low + 32768
        shifted = values.astype(np.int64) - int(intercept) if intercept else values
        return shifted.astype(np.int16), 1.0, intercept
    slope = (high - low) / 65535
    codes = np.rint((values.astype(np.float64) - low) / slope) - 32768
    return codes.astype(np.int16), slope, low + 32768 * slope


def bits(masks: Mapping[str, Any], shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """All masks in one volume: bit i of a voxel says whether mask i holds it.

    Raises ValueError for more than eight masks or a mask of another shape.
    """
    if len(masks) > MOST_MASKS:
        raise ValueError(f"The viewer shows at most {MOST_MASKS} masks; there are {len(masks)}.")
    labels = np.zeros(shape if masks else 0, np.uint8)
    for number, (name, mask) in enumerate(masks.items()):
        array = np.asarray(mask)
        if array.size != labels.size or array.shape[-2:] != shape[-2:]:
            raise ValueError(f"Mask {name!r} has shape {array.shape}, the picture {shape}.")
        labels |= np.where(array.reshape(shape), np.uint8(1 << number), np.uint8(0))
    return labels


def presets(values: NDArray[Any], unit: str) -> dict[str, tuple[float, float]]:
    """Windows to choose from, name -> (centre, width), the first to start with.

    In HU the usual ones. Elsewhere, as in MR, values have no fixed meaning: "auto" spans the 1st to
    the 99.5th percentile. "all" spans everything.
    """
    sample = values.reshape(-1)[:: max(1, values.size // 500_000)]
    low, high = (float(v) for v in np.percentile(sample, [1, 99.5]))
    least, most = float(values.min()), float(values.max())
    found = dict(HU_WINDOWS) if unit == "HU" else {}
    found["auto"] = _span(low, high)
    found["all"] = _span(least, most)
    return found


def _span(low: float, high: float) -> tuple[float, float]:
    width = high - low or 1.0
    return (low + high) / 2, width
