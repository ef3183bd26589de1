"""What happens to good films between the machine and the network.

Each change takes a film (H, W) in 0..1 and random numbers, and gives a film of the same size.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.float32]
Change = Callable[[Picture, np.random.Generator], Picture]


def mirrored(film: Picture, rng: np.random.Generator) -> Picture:
    """The heart on the right: the plate was turned over, or the marker is wrong."""
    return film[:, ::-1]


def on_its_side(film: Picture, rng: np.random.Generator) -> Picture:
    """A quarter turn, one way or the other."""
    return np.rot90(film, 1 if rng.random() < 0.5 else 3)


def inverted(film: Picture, rng: np.random.Generator) -> Picture:
    """Bone black: the file says MONOCHROME1, and the reader did not look."""
    return 1 - film


def rows_missing(film: Picture, rng: np.random.Generator) -> Picture:
    """The transfer broke off: the lower 30 to 70 % of the rows are zeros."""
    cut = film.copy()
    cut[round(len(film) * (1 - rng.uniform(0.3, 0.7))) :] = 0
    return cut


def rows_skewed(film: Picture, rng: np.random.Generator) -> Picture:
    """Read with a wrong row length: each row begins 1 to 3 pixels later than the one above."""
    step = int(rng.integers(1, 4)) * (1 if rng.random() < 0.5 else -1)
    return np.stack([np.roll(row, step * number) for number, row in enumerate(film)])


def byte_order(film: Picture, rng: np.random.Generator) -> Picture:
    """Twelve bits in two bytes, read in the wrong order, and windowed from minimum to maximum."""
    swapped = np.round(film * 4095).astype(np.uint16).byteswap().astype(np.float32)
    low, high = swapped.min(), swapped.max()
    return (swapped - low) / max(float(high - low), 1.0)


def noise(film: Picture, rng: np.random.Generator) -> Picture:
    """Every pixel drawn anew, from 0 to 1: nothing of the film is left."""
    return rng.random(film.shape).astype(np.float32)


def one_grey(film: Picture, rng: np.random.Generator) -> Picture:
    """The same grey everywhere: an empty plate, a cover that stayed closed."""
    return np.full_like(film, rng.random())
