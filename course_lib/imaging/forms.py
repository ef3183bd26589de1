"""Polynomials of second degree on the film, as matrices: (1, dv, dv^2) F (1, du, du^2).

Everything that a ray meets in a piece is the root or the ratio of such polynomials.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
MANY = 32  # pieces; fewer are quicker by matrix products, one for each
Number = float | NDArray[np.float64]


def form(
    n: int, one: Number, u: Number, v: Number, uu: Number = 0, uv: Number = 0, vv: Number = 0
) -> Floats:
    """(3, 3, n) matrices of n polynomials one + u du + v dv + uu du^2 + uv du dv + vv dv^2."""
    matrix = np.zeros((3, 3, n), np.float32)
    matrix[0, 0], matrix[0, 1], matrix[1, 0] = one, u, v
    matrix[0, 2], matrix[1, 1], matrix[2, 0] = uu, uv, vv
    return matrix


def evaluate(forms: Floats, du: Floats, dv: Floats) -> Floats:
    """(F, h, w): F forms (F, 3, 3) for du (w,) and dv (h,); or, for n pieces at once,
    (F, h, w, n): forms (F, 3, 3, n) for du (w, n) and dv (h, n)."""
    if du.ndim == 1:
        return _products(forms, du, dv)
    if du.shape[1] < MANY:
        each = np.ascontiguousarray(np.moveaxis(forms, -1, 1))
        return np.moveaxis(_products(each, du.T, dv.T), 1, -1)
    # Few operations on all windows together, with the pieces in the inner loop.
    (one, u, uu), (v, uv, _), (vv, _, _) = np.moveaxis(forms, 0, 2)[..., None, :]
    result: Floats = (v + uv * du)[:, None] + (vv * dv)[:, :, None]
    result *= dv[:, None]
    result += (one + (u + uu * du) * du)[:, None]
    return result


def _products(forms: Floats, du: Floats, dv: Floats) -> Floats:
    """The matrix products themselves, (..., h, w): forms (..., 3, 3), du (..., w), dv (..., h)."""
    result: Floats = _powers(dv) @ (forms @ np.swapaxes(_powers(du), -1, -2))
    return result


def _powers(values: Floats) -> Floats:
    """(..., 3): 1, x, x^2."""
    powers = np.empty((*values.shape, 3), np.float32)
    powers[..., 0], powers[..., 1], powers[..., 2] = 1, values, values * values
    return powers
