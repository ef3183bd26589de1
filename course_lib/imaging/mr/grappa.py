"""GRAPPA: parallel imaging that fills in the missing lines, with a kernel learned from the centre.

Griswold et al., MRM 47 (2002) 1202. A missing point is a weighted sum of measured neighbours in all
coils; the weights are the same everywhere, and the fully measured centre (ACS) teaches them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Complex = NDArray[np.complex64]


@dataclass(frozen=True)
class Kernel:
    """weights (factor - 1, coils out, coils in, lines, columns): one set for each missing line."""

    weights: Complex
    factor: int


def calibrate(
    acs: Complex, factor: int, lines: int = 4, columns: int = 5, ridge: float = 1e-4
) -> Kernel:
    """Kernel from the centre, acs (coils, rows, columns), fully measured.

    Sources are `lines` measured lines (factor apart) and `columns` neighbours; targets lie between
    the two middle ones. Ridge regression, `ridge` relative to the mean power.
    Raises ValueError when the centre has too few lines.
    """
    span = factor * (lines - 1) + 1
    if acs.shape[1] < span or acs.shape[2] < columns:
        raise ValueError(f"This kernel needs at least {span} central lines, got {acs.shape[1]}.")
    coils = len(acs)
    windows = sliding_window_view(acs, (span, columns), axis=(1, 2))
    sources = (
        windows[..., ::factor, :].transpose(1, 2, 0, 3, 4).reshape(-1, coils * lines * columns)
    )
    first, middle = factor * (lines // 2 - 1), columns // 2
    targets = windows[..., first + 1 : first + factor, middle].transpose(1, 2, 3, 0)
    targets = targets.reshape(len(sources), -1)
    gram = sources.conj().T @ sources
    gram += ridge * np.trace(gram).real / len(gram) * np.eye(len(gram), dtype=gram.dtype)
    solved = np.linalg.solve(gram, sources.conj().T @ targets)
    shaped = solved.T.reshape(factor - 1, coils, coils, lines, columns)
    return Kernel(shaped.astype(np.complex64), factor)


def fill(kspace: Complex, kernel: Kernel) -> Complex:
    """k-space (coils, rows, columns) with every missing line filled in.

    Every `factor`-th line, k = 0 among them, must be measured; other measured (non-zero) lines,
    such as the centre, are kept.
    """
    coils, rows, columns = kspace.shape
    factor, (lines, width) = kernel.factor, kernel.weights.shape[-2:]
    start = (rows // 2) % factor
    above = np.zeros((coils, 1, columns), kspace.dtype)  # a line beyond the top edge of k-space
    known = np.concatenate([above, kspace[:, start::factor]], 1)
    dense = np.repeat(known, factor, axis=1)
    for missing in range(1, factor):
        total = np.zeros_like(known)
        for line in range(lines):
            for column in range(width):
                weights = kernel.weights[missing - 1, :, :, line, column]
                neighbours = _moved(known, line - (lines // 2 - 1), column - width // 2)
                total += np.tensordot(weights, neighbours, 1)
        dense[:, missing::factor] = total
    filled = dense[:, factor - start :][:, :rows]
    measured = np.abs(kspace).sum((0, 2)) > 0
    filled[:, measured] = kspace[:, measured]
    return filled


def _moved(lines: Complex, down: int, right: int) -> Complex:
    """lines[i + down, j + right] at [i, j]; zeros come in at the ends of k-space."""
    result = np.zeros_like(lines)
    rows, columns = lines.shape[1:]
    top, left = max(-down, 0), max(-right, 0)
    bottom, far = min(rows, rows - down), min(columns, columns - right)
    result[:, top:bottom, left:far] = lines[
        :, top + down : bottom + down, left + right : far + right
    ]
    return result
