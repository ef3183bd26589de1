"""The sober baseline: what a film looks like, before any network is asked.

Eight numbers that anybody can explain, and how far they lie from those of known films. Whoever
proposes a clever detector has to beat this one.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from torch import Tensor

from course_lib.data.film_inputs import chest_contrast, finite_films
from course_lib.data.gan_films import SIZE
from course_lib.robustness.unknown.inputs import Floats

NUMBERS = (
    "mean", "contrast", "black share", "white share",
    "edges", "grain", "left-right likeness", "bright spine",
)  # fmt: skip


def appearance(films: ArrayLike | Tensor) -> Floats:
    """Eight plain numbers of each film, (N, 8), named in NUMBERS. films (N, 1, 64, 64) in 0..1.

    Mean and standard deviation of the grey values, shares below 0.03 and above 0.97, mean
    step between neighbours, mean of what the average of four neighbours does not explain,
    correlation with the mirror image, and how much brighter spine and belly are than the lungs.
    """
    ready = finite_films(films, SIZE)
    x = ready[:, 0].numpy().astype(np.float64)
    down, right = np.abs(np.diff(x, axis=1)), np.abs(np.diff(x, axis=2))
    around = (x[:, :-2, 1:-1] + x[:, 2:, 1:-1] + x[:, 1:-1, :-2] + x[:, 1:-1, 2:]) / 4
    grain = np.abs(x[:, 1:-1, 1:-1] - around).mean((1, 2))
    edges = (down.mean((1, 2)) + right.mean((1, 2))) / 2
    rest = x - x.mean((1, 2), keepdims=True)
    power = (rest**2).mean((1, 2))
    likeness = (rest * rest[:, :, ::-1]).mean((1, 2)) / np.maximum(power, 1e-12)
    shares = [(x < 0.03).mean((1, 2)), (x > 0.97).mean((1, 2))]
    return np.column_stack(
        [x.mean((1, 2)), np.sqrt(power), *shares, edges, grain, likeness, chest_contrast(ready)]
    )


@dataclass(frozen=True)
class Looks:
    """The middle (8,) and the spread (8,) of the numbers of known films."""

    middle: Floats
    spread: Floats

    @classmethod
    def fit(cls, films: ArrayLike | Tensor) -> "Looks":
        """From known films (M, 1, 64, 64): medians, and interquartile ranges in units of sigma."""
        return cls.of(appearance(films))

    @classmethod
    def of(cls, numbers: ArrayLike) -> "Looks":
        """From the numbers (M, 8) of known films."""
        low, middle, high = np.quantile(np.asarray(numbers, float), [0.25, 0.5, 0.75], axis=0)
        return cls(middle, np.maximum((high - low) / 1.349, 1e-3))

    def deviations(self, films: ArrayLike | Tensor) -> Floats:
        """How many spreads each number lies from the middle, (N, 8), with its sign."""
        return (appearance(films) - self.middle) / self.spread

    def score(self, films: ArrayLike | Tensor) -> Floats:
        """The largest deviation (N,): one strange number is enough."""
        return np.abs(self.deviations(films)).max(1)
