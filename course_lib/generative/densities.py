"""Densities small enough to see: clouds of points on which every GAN can be watched and measured.

The ring of eight Gaussians (Metz et al., arXiv:1611.02163, section 3.3) and the grid of 25
(Srivastava et al., arXiv:1705.07761, section 4.1) are the usual tests of mode collapse; moons and
spiral have no separate modes. Lengths have no unit.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float32]


@dataclass(frozen=True)
class Mixture:
    """Gaussians of the same weight and standard deviation `spread` round `centres` (K, d).

    Raises ValueError for centres that are no (K, d) table of numbers, or a spread not above zero.
    """

    centres: NDArray[np.float64]
    spread: float

    def __post_init__(self) -> None:
        if np.ndim(self.centres) != 2 or not np.isfinite(self.centres).all():
            raise ValueError("Centres must be a (K, d) array of numbers: one row per mode.")
        if not self.spread > 0:
            raise ValueError(f"The spread must be above zero, not {self.spread}.")

    def labelled(self, n: int, rng: np.random.Generator) -> tuple[Points, NDArray[np.int64]]:
        """n points (n, d) and the mode (n,), 0 to K - 1, that each comes from."""
        modes = rng.integers(len(self.centres), size=_number(n))
        noise = self.spread * rng.standard_normal((n, self.centres.shape[1]))
        return (self.centres[modes] + noise).astype(np.float32), modes

    def sample(self, n: int, rng: np.random.Generator) -> Points:
        """n points, float32 (n, d)."""
        return self.labelled(n, rng)[0]

    def density(self, points: NDArray) -> NDArray[np.float64]:
        """Exact probability density at points (N, d); the result is (N,)."""
        points = np.asarray(points, dtype=np.float64)
        if points.ndim != 2 or points.shape[1] != self.centres.shape[1]:
            raise ValueError(f"Points must be (N, {self.centres.shape[1]}), not {points.shape}.")
        squared = ((points[:, None] - self.centres) ** 2).sum(axis=2) / self.spread**2
        norm = (2 * np.pi * self.spread**2) ** (points.shape[1] / 2)
        return np.exp(-squared / 2).mean(axis=1) / norm


@dataclass(frozen=True)
class Curves:
    """Points along curves in the plane, moved by noise of standard deviation `spread`.

    shape(share (n,) in 0..1, curve (n,) whole numbers) gives the points (n, 2) on the curves.
    """

    shape: Callable[[NDArray, NDArray], NDArray]
    curves: int
    spread: float

    def labelled(self, n: int, rng: np.random.Generator) -> tuple[Points, NDArray[np.int64]]:
        """n points (n, 2) and the curve (n,) that each lies on."""
        curve = rng.integers(self.curves, size=_number(n))
        exact = self.shape(rng.random(n), curve)
        return (exact + self.spread * rng.standard_normal((n, 2))).astype(np.float32), curve

    def sample(self, n: int, rng: np.random.Generator) -> Points:
        """n points, float32 (n, 2)."""
        return self.labelled(n, rng)[0]


Density = Mixture | Curves


def ring(modes: int = 8, radius: float = 2.0, spread: float = 0.1) -> Mixture:
    """`modes` Gaussians at equal distances on a circle, the first on the right."""
    angle = 2 * np.pi * np.arange(modes) / modes
    return Mixture(radius * np.column_stack([np.cos(angle), np.sin(angle)]), spread)


def grid(side: int = 5, step: float = 1.0, spread: float = 0.1) -> Mixture:
    """side x side Gaussians on a square lattice round zero."""
    along = step * (np.arange(side) - (side - 1) / 2)
    return Mixture(np.column_stack([axis.ravel() for axis in np.meshgrid(along, along)]), spread)


def moons(spread: float = 0.1) -> Curves:
    """Two half circles of radius 1 that interlock."""

    def on_moon(share: NDArray, moon: NDArray) -> NDArray:
        angle = np.pi * share
        x, y = np.cos(angle), np.sin(angle)
        upper = np.column_stack([x - 0.5, y - 0.25])
        lower = np.column_stack([0.5 - x, 0.25 - y])
        return np.where(moon[:, None] == 0, upper, lower)

    return Curves(on_moon, 2, spread)


def spiral(turns: float = 1.5, radius: float = 2.0, spread: float = 0.08) -> Curves:
    """One spiral that leaves the middle and ends at `radius`."""

    def on_spiral(share: NDArray, _curve: NDArray) -> NDArray:
        way = np.sqrt(share)  # the square root spreads the points evenly along its length
        angle = 2 * np.pi * turns * way
        return radius * way[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])

    return Curves(on_spiral, 1, spread)


DENSITIES: dict[str, Callable[[], Density]] = {
    "ring": ring,
    "grid": grid,
    "moons": moons,
    "spiral": spiral,
}


def _number(n: int) -> int:
    if n < 1:
        raise ValueError(f"Ask for at least one point, not {n}.")
    return n
