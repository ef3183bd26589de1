"""Turbo spin echo: many lines of k-space from one excitation, and the blur that this costs.

The echoes of a train fade with T2, so the rows of k-space are measured with different strength.
That is a filter in k-space, hence a blur in the image along the phase-encoding direction: stronger
the longer the train lasts against T2. (Constable & Gore, Magn Reson Med 1992;28:9.)
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from course_lib.imaging.mr.epg import spin_echo_train
from course_lib.imaging.mr.fourier import to_image
from course_lib.imaging.mr.tissues import SILENT, relaxation

Values = NDArray[np.float64]


def echo_of_row(rows: int, echoes: int, order: str = "centre-out") -> NDArray[np.intp]:
    """(rows,) which echo (0 to echoes - 1) of the train measures each row of k-space.

    "centre-out": the first echo takes the middle of k-space, so the contrast is that of a short
    TE; "linear": echoes sweep from one edge to the other, so the middle one decides the contrast.
    ValueError for another order or for more echoes than rows.
    """
    if not 1 <= echoes <= rows:
        raise ValueError(f"A train needs 1 to {rows} echoes for {rows} rows, got {echoes}.")
    if order == "linear":
        return np.arange(rows) * echoes // rows
    if order != "centre-out":
        raise ValueError(f"The order must be 'centre-out' or 'linear', not {order!r}.")
    distance = np.abs(np.arange(rows) - rows // 2 + 0.25)  # no ties: below comes before above
    return np.argsort(np.argsort(distance)) * echoes // rows


def train_weights(
    tissue: str, rows: int, echoes: int, spacing_ms: float, order: str = "centre-out",
    refocusing_deg: float = 180.0, field_t: float = 3.0,
) -> Values:  # fmt: skip
    """(rows,) strength with which each row of k-space is measured, for a fully recovered tissue."""
    if tissue in SILENT:
        return np.zeros(rows)
    spin = relaxation(tissue, field_t)
    train = spin_echo_train(spin.t1_ms, spin.t2_ms, echoes, spacing_ms, refocusing_deg)
    return np.asarray(spin.pd * train[echo_of_row(rows, echoes, order)])


def train_image(
    kspaces: Mapping[str, NDArray[np.complex64]], echoes: int, spacing_ms: float,
    order: str = "centre-out", refocusing_deg: float = 180.0, field_t: float = 3.0,
) -> NDArray[np.float32]:  # fmt: skip
    """(rows, columns) magnitude image of a turbo spin echo with phase encoding along the rows.

    kspaces: tissue -> k-space (rows, columns) of that tissue alone with signal 1. Each tissue's
    rows fade by its own T2, which is why no single deblurring filter can be right for all.
    """
    total: NDArray[np.complex64] | None = None
    for tissue, kspace in kspaces.items():
        fading = train_weights(
            tissue, len(kspace), echoes, spacing_ms, order, refocusing_deg, field_t
        )
        part = kspace * fading[:, None].astype(np.float32)
        total = part if total is None else total + part
    if total is None:
        raise ValueError("train_image needs the k-space of at least one tissue.")
    return np.asarray(np.abs(to_image(total)), np.float32)


def point_spread(weights: Values, fine: int = 16) -> tuple[Values, Values]:
    """Position in pixels and height of the picture of a point, from the weights of the rows.

    Relative to the peak that the same weights would give if the middle's strength held throughout.
    """
    rows = len(weights)
    padded = np.zeros(rows * fine)
    start = rows * fine // 2 - rows // 2
    padded[start : start + rows] = weights / weights[rows // 2] / rows
    spread = np.fft.fftshift(np.fft.ifft(np.fft.ifftshift(padded))) * rows * fine
    return (np.arange(rows * fine) - rows * fine // 2) / fine, np.abs(spread)


def width_at_half(position: Values, height: Values) -> float:
    """Full width at half of the maximum, in the units of `position`, between neighbours linear."""
    half, peak = height.max() / 2, int(height.argmax())
    right = peak + int(np.argmax(height[peak:] < half))
    left = peak - int(np.argmax(height[peak::-1] < half))
    step = position[1] - position[0]
    over = step * (half - height[right]) / (height[right - 1] - height[right])
    under = step * (half - height[left]) / (height[left + 1] - height[left])
    return float(position[right] - over - (position[left] + under))
