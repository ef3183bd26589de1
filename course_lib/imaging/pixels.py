"""From absorbed energy to grey values: logarithm, inversion, window, 12 bits.

The signal falls exponentially with the tissue in the way, so its logarithm grows in proportion:
minus the logarithm shows bone bright and air dark, like a film on a light box (MONOCHROME2).
"""

import numpy as np
from numpy.typing import NDArray

TWELVE_BITS = 4095


def log_attenuation(signal: NDArray[np.floating], reference: float) -> NDArray[np.float32]:
    """-ln(signal / reference): 0 in the open field, larger behind more matter.

    Noise can push a dark pixel below zero; it is lifted to a millionth of the reference first.
    ValueError unless the reference is positive.
    """
    if reference <= 0:
        raise ValueError(f"The open-field signal must be positive, not {reference:g}.")
    share = np.maximum(np.asarray(signal, dtype=np.float32) / np.float32(reference), 1e-6)
    return -np.log(share)


def to_12_bit(values: NDArray[np.floating], low: float, high: float) -> NDArray[np.uint16]:
    """Map low..high linearly to 0..4095 (uint16); what lies outside is clipped.

    ValueError unless low < high.
    """
    if not low < high:
        raise ValueError(f"A window needs low < high, not {low:g} and {high:g}.")
    share = np.clip((np.asarray(values, dtype=np.float32) - low) / (high - low), 0, 1)
    return np.round(share * TWELVE_BITS).astype(np.uint16)


def percentile_limits(
    values: NDArray[np.floating], low: float = 1.0, high: float = 99.0
) -> tuple[float, float]:
    """Window limits from the picture itself; a flat picture gets limits half a unit around it."""
    bottom, top = (float(limit) for limit in np.percentile(values, [low, high]))
    return (bottom, top) if bottom < top else (bottom - 0.5, bottom + 0.5)
