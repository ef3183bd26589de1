"""T2 maps: fitting exp(-TE/T2) to the echoes of every voxel, and what noise does to the fit.

A magnitude image is never negative, so where the signal is gone its noise still has a mean: the
noise floor. Fits that do not know it find a T2 that is too long (Gudbjartsson & Patz, Magn Reson
Med 1995;34:910; Raya et al., Magn Reson Med 2010;63:181).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import i0e, i1e

Values = NDArray[np.float64]
SHORTEST_MS, LONGEST_MS = 5.0, 4000.0  # a fit is kept within what tissue can have


class Fit(NamedTuple):
    """Signal at TE = 0 and T2 in ms, one for each voxel."""

    s0: Values
    t2_ms: Values


def magnitude(signal: ArrayLike, sd: float, rng: np.random.Generator) -> Values:
    """What a magnitude image shows of a real signal with complex noise of `sd` in each part."""
    signal = np.asarray(signal, float)
    real, imaginary = (sd * rng.normal(size=signal.shape) for _ in range(2))
    return np.hypot(signal + real, imaginary)


def rician_mean(signal: ArrayLike, sd: float) -> Values:
    """Expected magnitude of a signal with complex noise: sd sqrt(pi/2) L_1/2(-S^2 / (2 sd^2))."""
    signal = np.asarray(signal, float)
    if sd == 0:
        return np.abs(signal)
    x = signal**2 / (2 * sd**2)
    return np.asarray(sd * np.sqrt(np.pi / 2) * ((1 + x) * i0e(x / 2) + x * i1e(x / 2)))


def _rician_slope(signal: Values, sd: float) -> Values:
    """Derivative of `rician_mean` with respect to the signal."""
    if sd == 0:
        return np.ones_like(signal)
    x = signal**2 / (4 * sd**2)
    return np.asarray(np.sqrt(np.pi / 8) * signal / sd * (i0e(x) + i1e(x)))


def fit_log_linear(signals: ArrayLike, te_ms: ArrayLike) -> Fit:
    """A straight line through the logarithms of the echoes: quick, and exact without noise.

    signals (..., echoes), positive; te_ms (echoes,). Raises ValueError for fewer than two echoes.
    """
    signals, te = _checked(signals, te_ms)
    logs = np.log(np.maximum(signals, 1e-12 * max(float(signals.max()), 1e-300)))
    away = te - te.mean()
    slope = (logs * away).sum(-1) / (away**2).sum()
    rate = np.clip(-slope, 1 / LONGEST_MS, 1 / SHORTEST_MS)
    return Fit(np.exp(logs.mean(-1) + rate * te.mean()), 1 / rate)


def fit_nonlinear(
    signals: ArrayLike, te_ms: ArrayLike, noise_sd: float = 0.0, iterations: int = 25
) -> Fit:
    """Least squares on the echoes themselves (Levenberg-Marquardt, all voxels at once).

    With noise_sd the curve that is fitted is the expected magnitude, noise floor included, instead
    of the bare exponential. Shapes and errors as in `fit_log_linear`.
    """
    signals, te = _checked(signals, te_ms)
    s0, t2 = fit_log_linear(signals[..., :3], te[:3])  # the strongest echoes make a good start
    rate, damping = 1 / t2, np.full(s0.shape, 1e-3)
    error = _squares(signals, te, s0, rate, noise_sd)
    for _ in range(iterations):
        step_s0, step_rate = _step(signals, te, s0, rate, noise_sd, damping)
        new_s0 = np.maximum(s0 + step_s0, 0.0)
        new_rate = np.clip(rate + step_rate, 1 / LONGEST_MS, 1 / SHORTEST_MS)
        new_error = _squares(signals, te, new_s0, new_rate, noise_sd)
        better = new_error < error
        s0, rate = np.where(better, new_s0, s0), np.where(better, new_rate, rate)
        error = np.where(better, new_error, error)
        damping = np.clip(np.where(better, damping / 5, damping * 10), 1e-9, 1e9)
    return Fit(s0, 1 / rate)


def _step(
    signals: Values, te: Values, s0: Values, rate: Values, sd: float, damping: Values
) -> tuple[Values, Values]:
    """One damped Gauss-Newton step: solves the 2 x 2 normal equations of every voxel."""
    decay = np.exp(-rate[..., None] * te)
    model = s0[..., None] * decay
    residual = signals - rician_mean(model, sd)
    slope = _rician_slope(model, sd)
    by_s0, by_rate = slope * decay, -slope * model * te
    a, b = (by_s0**2).sum(-1) * (1 + damping), (by_s0 * by_rate).sum(-1)
    c = (by_rate**2).sum(-1) * (1 + damping)
    u, v = (by_s0 * residual).sum(-1), (by_rate * residual).sum(-1)
    determinant = np.maximum(a * c - b**2, 1e-300)
    return (c * u - b * v) / determinant, (a * v - b * u) / determinant


def _squares(signals: Values, te: Values, s0: Values, rate: Values, sd: float) -> Values:
    """Sum of squared residuals of every voxel."""
    model = s0[..., None] * np.exp(-rate[..., None] * te)
    return np.asarray(((signals - rician_mean(model, sd)) ** 2).sum(-1))


def _checked(signals: ArrayLike, te_ms: ArrayLike) -> tuple[Values, Values]:
    """Echoes and echo times as arrays that belong together."""
    signals, te = np.asarray(signals, float), np.asarray(te_ms, float)
    if te.ndim != 1 or len(te) < 2 or signals.shape[-1:] != te.shape:
        raise ValueError(
            f"A T2 fit needs at least two echoes, and signals (..., {te.size}) to go with "
            f"{te.size} echo times; the signals have shape {signals.shape}."
        )
    return signals, te
