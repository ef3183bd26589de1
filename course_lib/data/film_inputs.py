"""Films that a small network may be given, or one sentence that says what is wrong with them."""

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

MOST_INVERTED = -0.1  # white lungs in a dark chest; virtual films lie above +0.15


def finite_films(films: ArrayLike | Tensor, size: int) -> Tensor:
    """Films as a tensor float32 (N, 1, size, size) in 0..1 on the CPU.

    Raises ValueError for another shape, no film, NaN, and grey values outside 0..1.
    """
    ready = torch.as_tensor(films).detach().cpu()
    shape = tuple(ready.shape)
    if len(shape) != 4 or shape[0] == 0 or shape[1:] != (1, size, size):
        raise ValueError(f"Films must have the shape (N, 1, {size}, {size}); this is {shape}.")
    ready = ready.float()
    if not torch.isfinite(ready).all():
        raise ValueError("A film holds NaN or infinity; look at what made it.")
    low, high = ready.min().item(), ready.max().item()
    if low < -1e-3 or high > 1 + 1e-3:
        raise ValueError(
            f"Grey values must lie in 0..1; these go from {low:.3g} to {high:.3g}. Divide by 255, "
            "or take data.gan_films.to_grey for what a generator made in -1..1."
        )
    return ready.clamp(0, 1)


def refuse_inverted(films: Tensor) -> Tensor:
    """The same films, or ValueError if the lungs of some are white (inverted grey scale)."""
    inverted = np.flatnonzero(chest_contrast(films) < MOST_INVERTED)
    if inverted.size:
        raise ValueError(
            f"{inverted.size} of {len(films)} films have white lungs, the first is number "
            f"{inverted[0]}: the grey scale is inverted; give 1 - films."
        )
    return films


def chest_contrast(films: Tensor) -> NDArray[np.float32]:
    """How much brighter spine, heart and belly are than the lungs, (N,); negative when inverted.

    films (N, 1, H, W) of chests from the front. Mean of spine and belly minus mean of both lungs.
    """
    height, width = films.shape[-2:]
    grey = films[:, 0]

    def region(top: float, bottom: float, left: float, right: float) -> Tensor:
        rows = slice(round(top * height), round(bottom * height))
        return grey[:, rows, round(left * width) : round(right * width)]

    spine = region(0.3, 0.8, 0.42, 0.58).mean((1, 2))
    belly = region(0.8, 1.0, 0.25, 0.75).mean((1, 2))
    lungs = torch.cat([region(0.25, 0.65, 0.2, 0.38), region(0.25, 0.65, 0.62, 0.8)], 2).flatten(1)
    return ((spine + belly) / 2 - lungs.mean(1)).numpy()
