"""Diffusion kurtosis: how far water moves, and how much that differs from free movement.

Along a direction n and with diffusion weighting b the signal falls as

    ln S = ln S0 - b D(n) + b^2 D(n)^2 K(n) / 6,

D the diffusivity, K the kurtosis: 0 for free water, more where membranes hinder it. D(n) is a
tensor of 6 numbers, D^2 K one of 15, so with S0 there are 22 unknowns in each voxel (Jensen et al.,
Magn Reson Med 2005;53:1432). Diffusivities in um^2/ms, b in ms/um^2 (1 is 1000 s/mm^2).
"""

from __future__ import annotations

from itertools import combinations_with_replacement
from math import factorial, prod
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
PAIRS = tuple(combinations_with_replacement(range(3), 2))
QUADS = tuple(combinations_with_replacement(range(3), 4))
UNKNOWNS = 1 + len(PAIRS) + len(QUADS)


class Scheme(NamedTuple):
    """What is measured: b (M,) in ms/um^2 and unit directions (M, 3)."""

    b: Values
    directions: Values

    def take(self, chosen: NDArray) -> Scheme:
        """The chosen measurements only."""
        return Scheme(self.b[chosen], self.directions[chosen])


def spread(count: int, turn: float = 0.0) -> Values:
    """(count, 3) directions spread evenly over a hemisphere (Fibonacci lattice)."""
    k = np.arange(count) + 0.5
    z, angle = k / count, np.pi * (1 + 5**0.5) * k + turn
    flat = np.sqrt(1 - z**2)
    return np.stack([flat * np.cos(angle), flat * np.sin(angle), z], 1)


def shells(weightings: dict[float, int]) -> Scheme:
    """{b: number of directions} as a scheme; every shell is turned against the others."""
    b = np.concatenate([np.full(count, float(value)) for value, count in weightings.items()])
    parts = [spread(count, 0.7 * index) for index, count in enumerate(weightings.values())]
    return Scheme(b, np.concatenate(parts))


def compartments(
    scheme: Scheme, shares: Values, axes: Values, along: Values, across: Values
) -> Values:
    """(..., M) signal of a voxel of compartments that do not exchange water.

    shares (..., C) sum to 1; axes (..., C, 3) unit vectors; along, across (..., C) diffusivities
    parallel and perpendicular to the axis: a stick has across = 0, free water along = across.
    """
    cosine = np.einsum("...ci,mi->...cm", axes, scheme.directions)
    diffusivity = across[..., None] + (along - across)[..., None] * cosine**2
    return np.einsum("...c,...cm->...m", shares, np.exp(-scheme.b * diffusivity))


def design(scheme: Scheme) -> Values:
    """(M, 22) matrix from (ln S0, D, D^2 K) to the logarithms of the signals."""
    n, b = scheme.directions, scheme.b
    columns = [np.ones_like(b)]
    columns += [-b * _count(pair) * n[:, pair].prod(1) for pair in map(list, PAIRS)]
    columns += [b**2 / 6 * _count(quad) * n[:, quad].prod(1) for quad in map(list, QUADS)]
    return np.stack(columns, 1)


def _count(indices: list[int]) -> int:
    """How many entries of a symmetric tensor share these indices."""
    return factorial(len(indices)) // prod(factorial(indices.count(i)) for i in range(3))


def fit_kurtosis(signals: Values, scheme: Scheme, weighted: bool = False) -> tuple[Values, Values]:
    """Mean diffusivity (...,) and mean kurtosis (...,) by least squares on the logarithms.

    signals (..., M). weighted: count each logarithm by its squared signal, since noise disturbs the
    logarithm of a weak signal most (Veraart et al., NeuroImage 2013;81:335). Raises ValueError when
    the scheme cannot determine all 22 unknowns.
    """
    matrix = design(scheme)
    if np.linalg.matrix_rank(matrix) < UNKNOWNS:
        raise ValueError(
            f"{len(scheme.b)} measurements determine {np.linalg.matrix_rank(matrix)} of the "
            f"{UNKNOWNS} unknowns; measure more directions on two or more shells."
        )
    logs = np.log(np.maximum(signals, 1e-6))
    if not weighted:
        return mean_values(logs @ np.linalg.pinv(matrix).T)
    weights = signals[..., None] ** 2 * matrix
    normal = np.swapaxes(weights, -1, -2) @ matrix
    right = np.einsum("...mk,...m->...k", weights, logs)
    return mean_values(np.linalg.solve(normal, right[..., None])[..., 0])


def mean_values(solved: Values) -> tuple[Values, Values]:
    """Mean diffusivity and mean kurtosis over 60 directions, from the 22 numbers (..., 22)."""
    probe = design(Scheme(np.ones(60), spread(60)))
    diffusivity = -solved[..., 1:7] @ probe[:, 1:7].T
    square_kurtosis = 6 * solved[..., 7:] @ probe[:, 7:].T
    kurtosis = square_kurtosis / np.maximum(diffusivity, 0.05) ** 2
    return diffusivity.mean(-1), kurtosis.mean(-1)
