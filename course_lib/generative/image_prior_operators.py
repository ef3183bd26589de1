"""What happened to the picture before we got it: the measurement that a restoration must explain.

An operator says two things: `used`, which of the measured values count, and the call itself, what
a candidate picture would have given in their place. Restoration makes the two agree.

    Whole()            every pixel was measured (with noise)
    Visible(known)     some pixels were not measured, or something covers them
    Shrunk(factor)     the picture was made smaller, by Lanczos's rule
"""

from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Floats = NDArray[np.float32]
Side = tuple[int, int]


class Operator(Protocol):
    """What `restore` needs to know about a measurement."""

    def side(self, measured: Floats) -> Side:
        """(H, W) of the picture that belongs to this measurement; ValueError if none does."""

    def used(self, measured: Floats) -> Floats:
        """The measured values that count, in the shape that the call returns."""

    def __call__(self, picture: Tensor) -> Tensor:
        """What a picture (H, W) would have given in place of the values used."""


class Whole:
    """Every pixel was measured: for denoising."""

    def side(self, measured: Floats) -> Side:
        """The measurement's own (H, W)."""
        return _side(measured)

    def used(self, measured: Floats) -> Floats:
        """All of it."""
        return measured

    def __call__(self, picture: Tensor) -> Tensor:
        return picture


class Visible:
    """Only some pixels count: for filling holes.

    known: (H, W) bool, True where the film shows the patient. What the measurement holds in the
    hole is never looked at; it may be NaN. ValueError if nothing, or everything, is known.
    """

    def __init__(self, known: NDArray[np.bool_]) -> None:
        known = np.asarray(known)
        if known.dtype != np.bool_ or known.ndim != 2:
            raise ValueError(
                f"known must be a mask (H, W) of True and False, not {known.dtype} of shape "
                f"{known.shape}."
            )
        if known.all() or not known.any():
            what = "nothing is hidden" if known.all() else "no pixel is known"
            raise ValueError(f"With this mask {what}: True marks the pixels that the film shows.")
        self.known = known
        self._index = torch.from_numpy(np.flatnonzero(known))

    def side(self, measured: Floats) -> Side:
        """(H, W) of the mask; ValueError if the film has another."""
        if measured.shape != self.known.shape:
            raise ValueError(
                f"The mask has {self.known.shape} pixels and the film {measured.shape}; they must "
                "agree."
            )
        return _side(measured)

    def used(self, measured: Floats) -> Floats:
        """(n,): the known pixels, row by row."""
        return measured[self.known]

    def __call__(self, picture: Tensor) -> Tensor:
        return picture.flatten().index_select(0, self._index.to(picture.device))


class Shrunk:
    """The film was made `factor` times smaller each way: for super-resolution.

    lobes: of Lanczos's kernel, 2 or 3. The paper shrinks with Lanczos as well.
    """

    def __init__(self, factor: int, lobes: int = 3) -> None:
        if not isinstance(factor, int) or factor < 2:
            raise ValueError(f"factor is a whole number, 2 or more, not {factor!r}.")
        self.factor, self.lobes = factor, lobes
        self._matrices: dict[int, Tensor] = {}

    def side(self, measured: Floats) -> Side:
        """`factor` times the measurement's (H, W)."""
        rows, columns = _side(measured)
        return rows * self.factor, columns * self.factor

    def used(self, measured: Floats) -> Floats:
        """All of the small film."""
        return measured

    def __call__(self, picture: Tensor) -> Tensor:
        rows, columns = (self._matrix(count).to(picture.device) for count in picture.shape)
        return rows @ picture @ columns.T

    def shrink(self, picture: NDArray[np.floating]) -> Floats:
        """The small film (H / factor, W / factor) of a large one (H, W)."""
        large = np.ascontiguousarray(picture, np.float32)
        if large.ndim != 2 or large.shape[0] % self.factor or large.shape[1] % self.factor:
            raise ValueError(
                f"Both sides of the film must be multiples of {self.factor}, not {large.shape}."
            )
        return np.asarray(self(torch.from_numpy(large)).numpy(), np.float32)

    def _matrix(self, count: int) -> Tensor:
        if count not in self._matrices:
            matrix = lanczos_matrix(count, count // self.factor, self.lobes)
            self._matrices[count] = torch.from_numpy(matrix.astype(np.float32))
        return self._matrices[count]


def lanczos_matrix(before: int, after: int, lobes: int = 3) -> NDArray[np.float64]:
    """(after, before): each row holds the weights with which old pixels make one new pixel.

    A sinc under a wider sinc, L(t) = sinc(t) sinc(t / lobes). When shrinking, it is stretched so
    that it spans new pixels: that removes what the small grid cannot carry. Cut off at the border
    and scaled to sum 1. ValueError for counts below 1 or other than 2 or 3 lobes.
    """
    if before < 1 or after < 1:
        raise ValueError(f"Both numbers of pixels must be at least 1, not {before} and {after}.")
    if lobes not in (2, 3):
        raise ValueError(f"Lanczos's kernel has 2 or 3 lobes here, not {lobes}.")
    scale = before / after
    stretch = max(scale, 1.0)
    middle = (np.arange(after) + 0.5) * scale  # of the new pixels, counted in old ones
    distance = (np.arange(before) + 0.5 - middle[:, None]) / stretch
    inside = np.abs(distance) < lobes
    weights = np.where(inside, np.sinc(distance) * np.sinc(distance / lobes), 0.0)
    return weights / weights.sum(axis=1, keepdims=True)


def _side(measured: Floats) -> Side:
    """(H, W) of one grey film; ValueError for anything else."""
    if measured.ndim != 2:
        raise ValueError(f"One grey film (H, W) at a time, please, not the shape {measured.shape}.")
    return measured.shape[0], measured.shape[1]
