"""Reconstruction that knows about photons: penalised likelihood.

A ray behind bone brings few photons and a noisy number; FBP trusts it as much as any other. Here
each ray counts as much as it deserves, and a penalty says what we expect of a picture: neighbours
are alike. Minimised is the negative logarithm of the Poisson likelihood plus the penalty,

    sum over i of (n_i - y_i ln n_i) + strength * sum over neighbours j, k of psi(mu_j - mu_k),

with n_i = blank * exp(-[W mu]_i) photons expected and y_i counted, by separable paraboloidal
surrogates with ordered subsets (H. Erdogan, J. A. Fessler, Phys. Med. Biol. 44, 1999, 2835).
"""

from collections.abc import Sequence

import numpy as np

from course_lib.imaging.ct.algebraic import Projector, Watch, jumping, steps
from course_lib.imaging.ct.fourier import ParallelProjector

NEIGHBOURS = ((0, 1), (1, 0), (1, 1), (1, -1))  # half of the eight; the others are their mirrors


def ordered_subsets(
    counts: np.ndarray,
    angles_deg: np.ndarray,
    spacing_mm: float,
    size: int,
    pixel_mm: float,
    subsets: int = 8,
) -> tuple[list[ParallelProjector], list[np.ndarray]]:
    """Views dealt out like cards, so that each subset looks from all sides: projectors, counts.

    Each subset moves the picture as far as all views together would, so that many subsets are as
    many times faster, until (with very few views each) they begin to disagree.
    """
    angles_deg, detectors = np.asarray(angles_deg, float), counts.shape[1]
    chosen = [np.arange(len(angles_deg))[first::subsets] for first in jumping(subsets)]
    projectors = [
        ParallelProjector(size, pixel_mm, angles_deg[views], detectors, spacing_mm)
        for views in chosen
    ]
    return projectors, [counts[views] for views in chosen]


def penalised_likelihood(
    projectors: Sequence[Projector],
    counts: Sequence[np.ndarray],
    blank: float,
    start: np.ndarray,
    iterations: int,
    strength: float,
    huber: float | None = None,
    watch: Watch | None = None,
) -> np.ndarray:
    """Attenuation (size, size) in 1/mm, never negative.

    projectors, counts: one of each per subset of views (see ordered_subsets); counts (views,
    detectors) are photons, and may be 0. blank: photons per ray without patient. start: a first
    picture, for instance from FBP. strength: weight of the penalty, in mm^2. huber: see
    penalty_gradient. watch: called after each iteration with its number and the picture.
    """
    picture = np.maximum(start, 0).astype(np.float32)
    curvature = _likelihood_curvature(projectors, counts, np.ones_like(picture))
    share = strength / len(projectors)
    for iteration in steps(iterations, "penalised likelihood"):
        for projector, counted in zip(projectors, counts, strict=True):
            expected = blank * np.exp(-projector.project(picture))
            slope = projector.back_project(counted - expected)
            push, bend = penalty_gradient(picture, huber)
            step = (slope + share * push) / (curvature + share * bend)
            picture = np.maximum(picture - step, 0)
        if watch:
            watch(iteration, picture)
    return picture


def penalty_gradient(
    picture: np.ndarray, huber: float | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Slope of the penalty at each pixel, and curvature of its separable surrogate.

    psi(t) = t^2 / 2. With `huber` (in 1/mm), differences above it count only linearly, so that
    edges may stay. Diagonal neighbours count 1 / sqrt(2), being further away.
    """
    slope, curvature = np.zeros_like(picture), np.zeros_like(picture)
    for down, right in NEIGHBOURS:
        here = (slice(None, -down or None), slice(max(0, -right), -max(0, right) or None))
        there = (slice(down, None), slice(max(0, right), min(0, right) or None))
        difference = picture[here] - picture[there]
        weight = np.full_like(difference, 1 / np.hypot(down, right))
        if huber is not None:
            weight *= np.minimum(1, huber / np.maximum(np.abs(difference), 1e-12))
        slope[here] += weight * difference
        slope[there] -= weight * difference
        curvature[here] += 2 * weight
        curvature[there] += 2 * weight
    return slope, curvature


def _likelihood_curvature(
    projectors: Sequence[Projector], counts: Sequence[np.ndarray], ones: np.ndarray
) -> np.ndarray:
    """Mean over subsets of W' (y W 1): each ray pulls as hard as it has photons."""
    total = np.zeros_like(ones)
    for projector, counted in zip(projectors, counts, strict=True):
        total += projector.back_project(projector.project(ones) * np.maximum(counted, 1))
    return np.maximum(total / len(projectors), 1e-6 * total.max())
