"""Films for a growing network: any resolution, and the same fade-in as the generated ones."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from course_lib.data.gan_films import to_unit
from course_lib.data.preprocess import pad_to_square, resize, to_uint8
from course_lib.data.source import AnySource
from course_lib.models.pggan import faded, grow, shrink


class Films(Protocol):
    """uint8 films (N, C, R, R), all in memory (a tensor is one) or read when they are asked for."""

    def __len__(self) -> int: ...

    def __getitem__(self, which: Tensor, /) -> Tensor: ...


class LazyFilms:
    """Films of a source, read and resized when asked for: for sets that do not fit into memory.

    source: any source of images. size: pixels. readers: threads that read at the same time.
    """

    def __init__(self, source: AnySource, size: int, readers: int = 8) -> None:
        self.source, self.size, self.readers = source, size, readers

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, which: Tensor) -> Tensor:
        with ThreadPoolExecutor(self.readers) as pool:
            films = list(pool.map(self._read, which.tolist()))
        return torch.from_numpy(np.stack(films))[:, None]

    def _read(self, index: int) -> NDArray[np.uint8]:
        return to_uint8(resize(pad_to_square(self.source[index].image), self.size))


def check_films(films: Films, size: int, image_channels: int) -> None:
    """Raise ValueError unless these are uint8 films that a network of this size can learn from."""
    if not len(films):
        raise ValueError("There are no films to learn from.")
    one = films[torch.tensor([0])]
    wanted = (1, image_channels, size, size)
    if tuple(one.shape) != wanted or one.dtype != torch.uint8:
        raise ValueError(
            f"Films must be uint8 of shape (films, {image_channels}, {size}, {size}), "
            f"not {one.dtype} of shape (films, {', '.join(map(str, one.shape[1:]))})."
        )


def film_batch(
    films: Films, which: Sequence[int] | NDArray, resolution: int, alpha: float = 1.0
) -> Tensor:
    """Some films at a resolution: float32 (B, C, r, r) in -1..1.

    While new layers are faded in, the films too are a blend of their half-size version and
    themselves: arXiv:1710.10196, figure 2. Only whole averages of 2 x 2, 4 x 4, ... pixels occur.
    """
    chosen = to_unit(films[torch.as_tensor(np.asarray(which))])
    chosen = functional.avg_pool2d(chosen, chosen.shape[-1] // resolution)
    if resolution > 4 and alpha < 1:
        chosen = faded(grow(shrink(chosen)), chosen, alpha)
    return chosen.contiguous(memory_format=torch.channels_last)
