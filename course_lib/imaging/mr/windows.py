"""Windows over k-space: they trade Gibbs ringing for sharpness."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Curve = NDArray[np.float64]


def boxcar(far: Curve) -> Curve:
    """No window: everything that was measured counts fully."""
    return np.ones_like(far)


def hamming(far: Curve) -> Curve:
    """0.54 + 0.46 cos(pi far); far = |k| / k_max, from 0 (centre) to 1 (edge)."""
    return 0.54 + 0.46 * np.cos(np.pi * far)


def hann(far: Curve) -> Curve:
    """0.5 + 0.5 cos(pi far): zero at the edge."""
    return 0.5 + 0.5 * np.cos(np.pi * far)


def tukey(far: Curve, taper: float = 0.3) -> Curve:
    """1 in the middle, then a cosine over the outer share `taper`."""
    ramp = np.clip((far - (1 - taper)) / taper, 0, 1)
    return 0.5 + 0.5 * np.cos(np.pi * ramp)


WINDOWS: dict[str, Callable[[Curve], Curve]] = {
    "none": boxcar, "tukey": tukey, "hamming": hamming, "hann": hann,
}  # fmt: skip


def windowed(kspace: NDArray, name: str) -> NDArray:
    """k-space (..., rows, columns) times a window along rows and along columns.

    Raises ValueError for an unknown name.
    """
    if name not in WINDOWS:
        raise ValueError(f"Unknown window {name!r}; choose one of {', '.join(WINDOWS)}.")
    rows, columns = (WINDOWS[name](_far(n)).astype(np.float32) for n in kspace.shape[-2:])
    return kspace * rows[:, None] * columns[None, :]


def _far(count: int) -> Curve:
    return np.abs(np.arange(count) - count // 2) / (count / 2)
