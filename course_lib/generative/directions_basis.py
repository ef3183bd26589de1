"""Axes that do not drag each other along, and how to test them.

Raw axes are rarely at right angles: a step along "consolidation" is also a small step along
"effusion". Gram-Schmidt makes them orthogonal one after the other, so the first stays as it was and
the last pays for all. The *dual basis* treats all alike: the dual of axis k is what is left of it
when all others are projected out; a step along it changes no other linear model. With the axes as
rows of A it is column k of the pseudo-inverse of A (A A+ = identity).
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_lib.generative.directions import Array, unit

Score = Callable[[NDArray], NDArray]  # latents (N, L) -> numbers (N, K) about their films


def gram_schmidt(axes: ArrayLike) -> Array:
    """Orthonormal axes (K, L): from each, what lies along those *before* it is taken away.

    Another order gives other axes. Raises ValueError for axes of which one is made of the others.
    """
    rows = unit(_independent(axes))
    result = np.empty_like(rows)
    for number, row in enumerate(rows):
        before = result[:number]
        result[number] = unit(row - before.T @ (before @ row))
    return result


def dual_basis(axes: ArrayLike) -> Array:
    """Unit axes (K, L), each at right angles to all *other* given axes; the order does not matter.

    They are in general not at right angles to each other. Raises ValueError for axes of which one
    is made of the others.
    """
    return unit(np.linalg.pinv(unit(_independent(axes))).T)


def random_axes(count: int, latent_size: int, seed: int) -> Array:
    """Unit vectors (count, latent_size) in directions that mean nothing: the control."""
    return unit(np.random.default_rng([seed, 9]).normal(size=(count, latent_size)))


class Effect(NamedTuple):
    """What moving does: mean and standard error of the change, both (axes, numbers)."""

    mean: Array
    error: Array

    @property
    def own(self) -> Array:
        """The diagonal: what each axis does to its own number."""
        return np.diagonal(self.mean)

    @property
    def other(self) -> Array:
        """For each axis the largest change, up or down, of a number that is not its own."""
        aside = np.abs(self.mean).copy()
        np.fill_diagonal(aside, 0.0)
        return aside.max(axis=1)


def effect_matrix(score: Score, starts: ArrayLike, axes: ArrayLike, step: float) -> Effect:
    """How numbers about films change, on average over the starts, a step along each axis.

    score: latents to numbers (K columns). starts (N, L), N >= 2; axes (K', L) as unit vectors; step
    in units of the latents, whose standard deviation is 1 in every direction. Row: the axis moved;
    column: the number. Raises ValueError for other shapes.
    """
    z, rows = np.asarray(starts, np.float64), np.asarray(axes, np.float64)
    if z.ndim != 2 or rows.ndim != 2 or z.shape[1] != rows.shape[1] or len(z) < 2:
        raise ValueError(
            f"Starts {z.shape} and axes {rows.shape} must have the same width; two starts at least."
        )
    before = np.asarray(score(z), np.float64)
    changes = [np.asarray(score(z + step * axis), np.float64) - before for axis in rows]
    return Effect(
        np.stack([change.mean(axis=0) for change in changes]),
        np.stack([change.std(axis=0, ddof=1) for change in changes]) / np.sqrt(len(z)),
    )


def _independent(axes: ArrayLike) -> Array:
    rows = np.asarray(axes, dtype=np.float64)
    if rows.ndim != 2 or not np.isfinite(rows).all():
        raise ValueError("Give the axes as rows of finite numbers; leave out those not found.")
    if np.linalg.matrix_rank(unit(rows), tol=1e-6) < len(rows):
        raise ValueError("One axis is made of the others, so it has no direction of its own.")
    return rows
